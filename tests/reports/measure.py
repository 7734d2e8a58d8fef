"""Measures a rendered PDF: where each run of glyphs stands, in millimetres from the top left."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any

from pypdf import PageObject, PdfReader

MM = 72 / 25.4
TOP, BOTTOM, LEFT, RIGHT = 37.0, 262.0, 28.0, 184.0  # the type area of GB/T 9704


@dataclass(frozen=True)
class Run:
    """One show-text operation: its baseline, its extent, and how many glyphs it shows."""

    x0: float
    x1: float
    y: float
    size: float  # points
    glyphs: int
    font: str


def _widths(font: Any) -> dict[int, float]:
    """Glyph widths of a Type 0 font, by CID, in thousandths of the size."""
    table: dict[int, float] = {}
    items = list(font["/DescendantFonts"][0].get_object()["/W"].get_object())
    while items:
        first, following = int(items.pop(0)), items.pop(0).get_object()
        if isinstance(following, list):
            table.update({first + i: float(w) for i, w in enumerate(following)})
        else:
            width = float(items.pop(0))
            table.update(dict.fromkeys(range(first, int(following) + 1), width))
    return table


def runs(page: PageObject) -> list[Run]:
    """Every run of glyphs on a page, in the order of the content stream."""
    fonts = {name: font.get_object() for name, font in page["/Resources"]["/Font"].items()}
    widths = {name: _widths(font) for name, font in fonts.items()}
    height = float(page.mediabox.height)
    found: list[Run] = []
    state: dict[str, Any] = {}

    def before(operator: bytes, operands: Any, cm: list[float], tm: list[float]) -> None:
        if operator == b"Tf":
            state["font"], state["size"] = operands[0], float(operands[1])
        if operator != b"TJ":
            return
        advance, glyphs = 0.0, 0
        for part in operands[0]:
            if isinstance(part, int | float):
                advance -= float(part)
                continue
            data = part if isinstance(part, bytes) else part.original_bytes
            for i in range(0, len(data), 2):
                advance += widths[state["font"]].get(int.from_bytes(data[i : i + 2], "big"), 1000)
                glyphs += 1
        scale = abs(cm[0])
        x = cm[4] + scale * tm[4]
        y = height - (cm[5] + cm[3] * tm[5])
        size = scale * state["size"]
        if glyphs:
            found.append(
                Run(
                    x0=x / MM,
                    x1=(x + advance / 1000 * size) / MM,
                    y=y / MM,
                    size=size,
                    glyphs=glyphs,
                    font=str(fonts[state["font"]]["/BaseFont"]),
                )
            )

    page.extract_text(visitor_operand_before=before)
    return found


def lines(page: list[Run]) -> list[tuple[float, list[Run]]]:
    """The runs inside the type area, grouped by baseline, from top to bottom."""
    grouped: dict[float, list[Run]] = {}
    for run in page:
        if run.y <= BOTTOM:
            grouped.setdefault(round(run.y, 2), []).append(run)
    return sorted(grouped.items())


@cache
def reader(pdf: bytes) -> PdfReader:
    return PdfReader(BytesIO(pdf))


@cache
def page_runs(pdf: bytes) -> list[list[Run]]:
    """The runs of every page."""
    return [runs(page) for page in reader(pdf).pages]


@cache
def page_texts(pdf: bytes) -> list[str]:
    """The text of every page, without white space."""
    return [squeeze(page.extract_text()) for page in reader(pdf).pages]


def squeeze(text: str) -> str:
    """A text without white space: where lines break is the business of the layout."""
    return re.sub(r"\s+", "", text)


def text(pdf: bytes) -> str:
    """All text of a PDF, without white space."""
    return "".join(page_texts(pdf))


def fonts(pdf: bytes) -> Iterator[tuple[str, Any]]:
    """Base name and descriptor of every font of every page."""
    for page in reader(pdf).pages:
        for font in page["/Resources"]["/Font"].values():
            descendant = font.get_object()["/DescendantFonts"][0].get_object()
            yield str(font.get_object()["/BaseFont"]), descendant["/FontDescriptor"].get_object()


def strings(value: object) -> list[str]:
    """Every plain string inside dataclasses and tuples (enumerations are not printed)."""
    if type(value) is str:
        return [value]
    if isinstance(value, tuple):
        return [found for part in value for found in strings(part)]
    if hasattr(value, "__dataclass_fields__"):
        return [
            found for name in value.__dataclass_fields__ for found in strings(getattr(value, name))
        ]
    return []


def lost(pdf: bytes, context: object) -> Counter[str]:
    """Characters that the context holds more often than the PDF: the text that got lost."""
    return Counter(squeeze("".join(strings(context)))) - Counter(text(pdf))
