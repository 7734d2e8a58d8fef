"""What is left of a password when the parts are taken away that everybody builds them from."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

PATH: Final = Path(__file__).with_name("habits.toml")
_KINDS: Final = ("phrases", "office_words", "authorities", "places", "names", "numbers", "keys")
# Mobile numbers, dates, years, and one character three times or more.
_FORMS: Final = re.compile(
    r"1[3-9]\d{9}|(?:19|20)\d{2}(?:0?[1-9]|1[0-2])(?:[0-2]?\d|3[01])|(?:19|20)\d{2}|(.)\1{2,}"
)
_DISGUISES: Final = str.maketrans("@4031!5$7", "aaoeiisst")
_SIGNS: Final = re.compile(r"[\W_]")
_GAP: Final = "\n"


def is_habit(password: str) -> bool:
    """Whether too little is left besides such parts; False where there is no such part.

    Letters disguised as signs and digits (`P@ssw0rd`) are read both ways.
    """
    text = password.lower()
    spare = [_left(text), _left(text.translate(_DISGUISES))]
    return any(found and left < _habits()["least_left"] for found, left in spare)


def _left(text: str) -> tuple[bool, int]:
    """Whether a part was found, and how many letters and digits there are besides."""
    rest = _words().sub(_GAP, _FORMS.sub(_GAP, text))
    return _GAP in rest, len(_SIGNS.sub("", rest))


@cache
def _habits() -> dict[str, Any]:
    """The data; raises ValueError, naming the entry, where it has another shape."""
    data = tomllib.loads(PATH.read_text(encoding="utf-8"))
    if set(data) != {"least_left", *_KINDS}:
        raise ValueError(f"habits.toml: {sorted(set(data) ^ {'least_left', *_KINDS})}")
    for kind in _KINDS:
        for word in data[kind]:
            if not isinstance(word, str) or word != word.lower() or len(word) < 3:
                raise ValueError(f"habits.toml: {kind}: {word!r}")
    return data


@cache
def _words() -> re.Pattern[str]:
    words = {word for kind in _KINDS for word in _habits()[kind]}
    return re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))))
