"""Template filters of the documents."""

from datetime import date, datetime

from django import template

from reports.paper import wording
from reports.paper.contexts import FoundBy

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
def found_by(way: FoundBy) -> str:
    """How a finding was found."""
    return wording.found_by_text(way)


@register.filter
def paragraphs(text: str) -> list[str]:
    """The non-empty lines of a text; each becomes a paragraph of its own."""
    return [line.strip() for line in text.splitlines() if line.strip()]


@register.filter
def cn_number(number: int) -> str:
    """一 … 九十九 for the headings （一）, as GB/T 9704 numbers its second level; beyond that 100."""
    digits = "〇一二三四五六七八九"
    if not 0 < number < 100:
        return str(number)
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else "十" if tens == 1 else f"{digits[tens]}十"
    return head + (digits[ones] if ones else "")
