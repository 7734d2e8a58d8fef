"""Which faces the documents are set in.

GB/T 9704-2012 asks for 小标宋, 仿宋, 楷体, 黑体 and 宋体. Looked for in this order:
an office's licensed fonts (settings.FONT_DIR), the free Fandol fonts (VAR_DIR/fonts), the
system's Noto CJK. Fandol lacks characters of personal names (喆 堃 昉 玥 赟 镕), so every stack
of paper.css ends in Noto CJK.
"""

import threading
from collections.abc import Iterable
from pathlib import Path

from fontTools.ttLib import TTCollection, TTFont, TTLibError  # type: ignore[import-untyped]
from weasyprint.text.fonts import FontConfiguration

# Words in a font's own names, most telling first: 小标宋 holds 宋 and 仿宋 holds 宋 as well.
ROLE_MARKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Paper Title", ("小标宋", "xiaobiaosong", "fzxbs")),
    ("Paper Fang", ("仿宋", "fangsong", "fandolfang")),
    ("Paper Kai", ("楷体", "kaiti", "fandolkai", "kai_gb2312")),
    ("Paper Hei", ("黑体", "simhei", "heiti", "fandolhei")),
    ("Paper Song", ("宋体", "simsun", "songti", "fandolsong")),
)
FONT_SUFFIXES = frozenset({".ttf", ".otf", ".ttc"})

# Pango's font maps are not safe for threads; whoever lays out or paints holds this lock.
LOCK = threading.RLock()
_configuration: FontConfiguration | None = None


def configuration() -> FontConfiguration:
    """The one FontConfiguration of this process (a new one per document costs a third more)."""
    global _configuration
    with LOCK:
        if _configuration is None:
            _configuration = FontConfiguration()
        return _configuration


def role_of(path: Path) -> tuple[str, int] | None:
    """What a font file is good for, by its own name table.

    Returns:
        The family name used in paper.css and the weight (400 or 700), or None for a file that is
        no font or of none of the five faces.
    """
    try:
        if path.suffix.lower() == ".ttc":
            font = TTCollection(str(path), lazy=True).fonts[0]
        else:
            font = TTFont(str(path), lazy=True)
        names = {
            record.toUnicode() for record in font["name"].names if record.nameID in (1, 2, 4, 6)
        }
    except (TTLibError, OSError, KeyError, UnicodeDecodeError):
        return None
    text = " ".join(sorted(names)).lower()
    for family, marks in ROLE_MARKS:
        if any(mark in text for mark in marks):
            # 小标宋 is drawn bold; its file says regular, and titles must not be emboldened twice.
            bold = family == "Paper Title" or "bold" in text
            return family, 700 if bold else 400
    return None


def chosen_files(folders: Iterable[Path]) -> dict[tuple[str, int], Path]:
    """The file for each (family, weight); an earlier folder wins, within a folder the name.

    Args:
        folders: folders in order of preference; those that do not exist are passed over.
    """
    chosen: dict[tuple[str, int], Path] = {}
    for folder in folders:
        if not folder.is_dir():
            continue
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in FONT_SUFFIXES and (role := role_of(path)):
                chosen.setdefault(role, path)
    return chosen


def font_faces(files: dict[tuple[str, int], Path]) -> str:
    """The @font-face rules for the chosen files."""
    return "\n".join(
        f'@font-face {{ font-family: "{family}"; font-weight: {weight};'
        f' src: url("{path.resolve().as_uri()}"); }}'
        for (family, weight), path in sorted(files.items())
    )
