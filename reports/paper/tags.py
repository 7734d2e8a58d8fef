"""Template filters of the documents."""

from dataclasses import fields, is_dataclass
from datetime import date, datetime

from django import template

from reports.paper import wording
from reports.paper.contexts import FoundBy

# A table row with more text than this may break across pages; a shorter one stays whole.
WHOLE_ROW = 400
# A finding of so many lines, about half a page, is moved to the next page rather than broken.
WHOLE_FINDING = 30
_LINE = 30  # characters on a line of its table

register = template.Library()


@register.filter
def date_cn(day: date | None) -> str:
    """2026年11月24日; nothing for None."""
    return wording.date_cn(day) if day else ""


@register.filter
def moment_cn(moment: datetime) -> str:
    """2026年11月24日 10:32:05, in Asia/Shanghai."""
    return wording.moment_cn(moment)


@register.filter
def clock(moment: datetime) -> str:
    """10:32:05, in Asia/Shanghai."""
    return f"{moment.astimezone(wording.CHINA):%H:%M:%S}"


@register.filter
def found_by(way: FoundBy) -> str:
    """How a finding was found."""
    return wording.found_by_text(way)


@register.filter
def paragraphs(text: str) -> list[str]:
    """The non-empty lines of a text; each becomes a paragraph of its own."""
    return [line.strip() for line in text.splitlines() if line.strip()]


@register.filter
def cn_number(number: int) -> str:
    """一 … 九十九 for headings such as （一）; figures beyond that."""
    digits = "〇一二三四五六七八九"
    if not 0 < number < 100:
        return str(number)
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else "十" if tens == 1 else f"{digits[tens]}十"
    return head + (digits[ones] if ones else "")


@register.filter
def flow(content: object) -> str:
    """The class of a table row: ``long`` if its text may not fit what is left of a page."""
    return "long" if _length(content) > WHOLE_ROW else ""


@register.filter
def whole(finding: object) -> str:
    """The class of a finding: ``whole`` if it is short enough to stand on one page unbroken."""
    return "whole" if _lines(finding) <= WHOLE_FINDING else ""


def _lines(content: object) -> int:
    """About how many lines the texts of a finding fill."""
    if isinstance(content, str):
        return sum(1 + len(line) // _LINE for line in content.splitlines())
    if isinstance(content, tuple):
        return sum(_lines(part) for part in content)
    if is_dataclass(content):
        return sum(_lines(getattr(content, field.name)) for field in fields(content))
    return 0


def _length(content: object) -> int:
    """Characters of all texts in a string, a tuple or a dataclass."""
    if isinstance(content, str):
        return len(content)
    if isinstance(content, tuple):
        return sum(_length(part) for part in content)
    if is_dataclass(content):
        return sum(_length(getattr(content, field.name)) for field in fields(content))
    return 0
