"""Marks of classified papers in what people type and in the names of what they upload.

The portal is a 非涉密 system: it keeps no classified text and no lead to one. What is refused here
is not stored, logged or put on the audit trail; the page shows it to nobody but the person who
typed it. The forms of a mark are data (classified.toml).
"""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.core.exceptions import ValidationError

PATH: Final = Path(__file__).with_suffix(".toml")
ADVICE: Final = (
    "内容带有密级标志，没有保存。本平台是非涉密系统，严禁填写、上传涉密内容；"
    "涉密线索请按保密规定线下报告，不要在互联网上传递。"
)


@dataclass(frozen=True)
class Mark:
    """One form of a mark.

    Attributes:
        pattern: matched against text in NFKC without white space.
        lines: the pattern is asked of every line.
        names: the pattern is asked of file names only.
    """

    pattern: re.Pattern[str]
    lines: bool
    names: bool


@cache
def marks() -> tuple[Mark, ...]:
    """The forms of classified.toml; raises re.error or KeyError where the file is broken."""
    rows = tomllib.loads(PATH.read_text(encoding="utf-8"))["mark"]
    return tuple(
        Mark(
            re.compile(row["pattern"], re.IGNORECASE),
            row.get("lines", False),
            row.get("names", False),
        )
        for row in rows
    )


def _bare(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text) if not c.isspace())


def is_marked(text: str, *, name: bool = False) -> bool:
    """Say whether a text carries the mark of a classified paper.

    Args:
        text: as typed.
        name: it is the name of a file.
    """
    if "密" not in text:
        return False
    whole, lines = [_bare(text)], [_bare(line) for line in text.splitlines()]
    return any(
        mark.pattern.search(part)
        for mark in marks()
        if name or not mark.names
        for part in (lines if mark.lines else whole)
    )


def refuse_marked(value: Any) -> None:
    """Validator of every text field (`emailsec.lib.formwords` puts it there).

    Raises:
        ValidationError: the text carries a mark.
    """
    if isinstance(value, str) and is_marked(value):
        raise ValidationError(ADVICE, code="classified")
