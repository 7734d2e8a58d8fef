"""Whether one answer is a legal value of its field, with a Chinese text if not."""

from __future__ import annotations

from datetime import date

from assessments.rules.predicates import NOT_APPLICABLE, RESERVED, UNKNOWN, View, day, number
from assessments.rules.schema import TEXT_LIMITS, Field, Item


def problem(item: Item, field: Field, value: str, view: View) -> str:
    """What is wrong with a non-empty value, ``""`` if nothing.

    Args:
        item: the item of the field.
        field: the field.
        value: the answer as a plain string (codes of a multiple choice joined by commas).
        view: the sheet, for options shown only under a condition and for the day of judgement.
    """
    if value == UNKNOWN and item.unknown and field.type != "multi":
        return ""
    if value == NOT_APPLICABLE and item.na and field is item.main:
        return ""
    if value in RESERVED and field.type not in ("text", "textarea"):
        return "此题不能这样回答。"
    if field.type in ("single", "yn4"):
        return _choice(field, value, view)
    if field.type == "multi":
        return _choices(field, value, view)
    if field.type == "number":
        return _number(item, field, value, view)
    if field.type == "date":
        return _date(field, value, view)
    return _text(field, value)


def _choice(field: Field, value: str, view: View) -> str:
    if field.options_from:
        return ""
    option = field.option(value)
    if option is None:
        return "请从选项中选择。"
    if option.when is not None and not option.when.holds(view):
        return f"本系统不能选择“{option.label}”。"
    return ""


def _choices(field: Field, value: str, view: View) -> str:
    codes = value.split(",")
    if len(set(codes)) != len(codes):
        return "同一选项选了两次。"
    for code in codes:
        if text := _choice(field, code, view):
            return text
        option = field.option(code)
        if option is not None and option.exclusive and len(codes) > 1:
            return f"选择“{option.label}”时不能再选其他选项。"
    return ""


def _number(item: Item, field: Field, value: str, view: View) -> str:
    parsed = number(value)
    if parsed is None:
        return "请填写数字。"
    if field.integer and parsed != parsed.to_integral_value():
        return "请填写整数。"
    low, high = field.minimum, field.maximum
    if (low is not None and parsed < low) or (high is not None and parsed > high):
        if low is not None and high is not None:
            return f"请填写{low}至{high}之间的数。"
        return f"不能小于{low}。" if low is not None and parsed < low else f"不能大于{high}。"
    whole = number(view.value(item.code, field.part_of)) if field.part_of else None
    if whole is not None and parsed > whole:
        return f"不能大于“{item.field(field.part_of).label}”（{whole}）。"
    return ""


def _date(field: Field, value: str, view: View) -> str:
    parsed = day(value)
    if parsed is None:
        return "请填写日期，例如2026-11-24。"
    first, last = field.span(view.facts.on)
    if parsed < first:
        return f"日期不能早于{_in_words(first)}。"
    if parsed > last:
        return "日期不能晚于今天。" if last == view.facts.on else f"日期不能晚于{_in_words(last)}。"
    return ""


def _in_words(one: date) -> str:
    return f"{one.year}年{one.month}月{one.day}日"


def _text(field: Field, value: str) -> str:
    limit = TEXT_LIMITS[field.type]
    # The inventory has limits of its own, and the unit cannot shorten its list of domains here.
    if field.source or len(value) <= limit:
        return ""
    return f"最多填写{limit}字，现为{len(value)}字。"
