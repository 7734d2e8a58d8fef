"""Template tags of the one look: marks, dates, progress, icons, addresses of lists.

Load with `{% load portal %}`. Each state has a word and a shape beside its colour, so that a
greyscale print says the same. The wording of a state comes from the model's label; this module
decides only how it looks.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.core.paginator import Page
from django.http import QueryDict
from django.template.base import Node, Parser, Token
from django.template.context import Context
from django.template.loader_tags import BLOCK_CONTEXT_KEY
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from emailsec.lib import words
from emailsec.lib.marks import (
    SEVERITIES,
    SEVERITY_ALIASES,
    STATES,
    VERDICTS,
    mark_svg,
    tag_html,
)

register = template.Library()


@register.simple_tag
def severity(level: str | None, tail: str = "") -> SafeString:
    """高/中/低 with its shape.

    Args:
        level: high, medium, low (or the Chinese word); empty gives a dash.
        tail: a word to follow, for example 严重度.
    """
    if not level:
        return tag_html("未定", "dash", "grey", "severity")
    word, shape, tone = SEVERITIES[SEVERITY_ALIASES.get(level, level)]
    return tag_html(word + tail, shape, tone, "severity")


@register.simple_tag
def verdict(result: str | None) -> SafeString:
    """The verdict of a rule: 符合/不符合/提示/未能观测/不适用; empty counts as not observed."""
    word, shape, tone = VERDICTS[result or "unknown"]
    return tag_html(word, shape, tone, "verdict")


@register.simple_tag
def state(slug: str, label: str) -> SafeString:
    """A status with the shape and tone of its slug and the label of its model.

    Args:
        slug: the value in the database, for example to_recheck.
        label: what the reader sees, for example 待复查. A slug that this look does not know is
            drawn as a neutral ring rather than refused, because a page must not fall over it.
    """
    shape, tone = STATES.get(slug, ("ring", "grey"))
    return tag_html(label, shape, tone, "state")


@register.simple_tag
def mark(shape: str, tone: str = "grey") -> SafeString:
    """A bare mark (one of SHAPES) where the word stands already beside it."""
    return format_html('<span class="tone-{}">{}</span>', tone, mark_svg(shape))


@register.filter
def cn_date(value: Any) -> str:
    """2026年11月24日（周二）; a date or an aware datetime (shown in local time); empty gives —."""
    return words.cn_date(value)


@register.filter
def cn_datetime(value: Any) -> str:
    """2026年11月24日 14:32."""
    return words.cn_datetime(value)


@register.filter
def cn_time(value: Any) -> str:
    """14:32:05."""
    return words.cn_time(value)


@register.filter
def due(value: Any) -> SafeString:
    """还剩 6 天 / 今天到期 / 逾期 3 天, with its tone; a deadline ends with its day."""
    if not value:
        return mark_safe("")
    text, tone = words.due_words(value)
    shape = {"over": "warn", "today": "diamond", "soon": "diamond", "far": ""}[tone]
    return format_html(
        '<span class="due due-{}">{}{}</span>', tone, mark_svg(shape) if shape else "", text
    )


@register.filter
def figure(number: int | float) -> str:
    """1234567 as 1,234,567."""
    return f"{number:,}"


@register.filter
def u_label(domain: str | None) -> str:
    """The readable form of a domain: xn--… labels decoded by IDNA 2008, others as they are."""
    return words.u_label(domain or "")


@register.simple_tag
def progress(done: int, total: int, label: str = "进度") -> SafeString:
    """A bar with its figures beside it. Carries data-progress so that autosave.js keeps it true."""
    return format_html(
        '<span class="progress-line" data-progress><progress value="{}" max="{}" aria-label="{}">'
        '</progress><span class="progress-figures"><b data-done>{}</b>/<span data-total>{}</span>'
        '<span class="soft">（<span data-share>{}</span>%）</span></span></span>',
        done,
        total or 1,
        label,
        done,
        total,
        words.percent(done, total) or 0,
    )


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of static/img/icons.svg in the colour of its text; `label` if it stands alone."""
    address = f"{static('img/icons.svg')}#{name}"
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}"></use></svg>',
            label,
            address,
        )
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}"></use></svg>',
        address,
    )


def _address(context: Context, changes: Mapping[str, Any]) -> str:
    request = context.get("request")
    params = QueryDict(mutable=True) if request is None else request.GET.copy()
    for key, value in changes.items():
        if value is None or value == "":
            params.pop(key, None)
        elif isinstance(value, list | tuple):
            params.setlist(key, [str(v) for v in value])
        else:
            params[key] = str(value)
    return "?" + params.urlencode()


@register.simple_tag(takes_context=True)
def page_query(context: Context, **changes: Any) -> str:
    """The address of this list with some parameters changed; None or "" removes one.

    `<a href="{% page_query page=2 %}">`
    """
    return _address(context, changes)


@register.simple_tag
def page_numbers(page: Page[Any]) -> list[int | str]:
    """The numbers a pager shows, with the gap as ….

    Args:
        page: a page of a Paginator.
    """
    return list(page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1))


@register.simple_tag(takes_context=True)
def sort_link(context: Context, key: str, default: str = "") -> dict[str, str]:
    """Where a click on a column's head leads, and how the column is sorted now.

    Args:
        key: the name of the column in `?order=`; a leading minus means descending.
        default: the order that holds when the address names none.

    Returns:
        url, and aria: ascending, descending or none (for aria-sort).
    """
    request = context.get("request")
    now = (request.GET.get("order") if request is not None else None) or default
    aria = {key: "ascending", f"-{key}": "descending"}.get(now, "none")
    following = f"-{key}" if aria == "ascending" else key
    return {"url": _address(context, {"order": following, "page": None}), "aria": aria}


@register.simple_tag(takes_context=True)
def filter_chips(context: Context, form: Any) -> list[dict[str, str]]:
    """The filters in force, each with the address of the list without it.

    Args:
        form: the bound form of a FilterSet.

    Returns:
        dicts of label (行业), text (教育) and url.
    """
    chips: list[dict[str, str]] = []
    data = form.data
    for bound in form:
        name = bound.html_name
        values = [v for v in _values(data, name) if v != ""]
        choices = {str(k): str(v) for k, v in getattr(bound.field, "choices", ())}
        for value in values:
            rest = [v for v in values if v != value]
            chips.append(
                {
                    "label": str(bound.label),
                    "text": choices.get(value, value),
                    "url": _address(context, {name: rest or None, "page": None}),
                }
            )
    return chips


def _values(data: Any, name: str) -> Iterable[str]:
    if hasattr(data, "getlist"):
        return [str(v) for v in data.getlist(name)]
    value = data.get(name, "")
    return [str(v) for v in value] if isinstance(value, list | tuple) else [str(value)]


# The longest bar takes this share of the track, so that its number has room beside it.
BAR_TRACK_PERCENT = 84


@register.simple_tag
def bars(rows: Iterable[Mapping[str, Any]], maximum: float | None = None) -> list[dict[str, Any]]:
    """Rows of a bar chart with the length of each bar, zero-based.

    Args:
        rows: mappings of label, value (a number ≥ 0), and optionally text (what is written beside
            the bar), url, tone (red, amber, greyblue, green, unknown, blue).
        maximum: the value of a full bar; the largest row when left out (100 for percentages).

    Returns:
        the rows with width: percent of the track as text, "37.50".
    """
    listed = [dict(row) for row in rows]
    full = maximum or max((row["value"] for row in listed), default=0) or 1
    for row in listed:
        row.setdefault("text", figure(row["value"]))
        row.setdefault("tone", "blue")
        row["width"] = f"{BAR_TRACK_PERCENT * min(row['value'] / full, 1):.2f}"
    return listed


class _RepeatBlock(Node):
    def __init__(self, name: str) -> None:
        self.name = name

    def render(self, context: Context) -> SafeString:
        blocks = context.render_context.get(BLOCK_CONTEXT_KEY)
        block = blocks.get_block(self.name) if blocks is not None else None
        return mark_safe("") if block is None else block.render(context)


@register.tag
def repeat_block(parser: Parser, token: Token) -> Node:
    """Print a block of the page a second time: `{% repeat_block title %}`.

    The title of a page stands in <title> and in <h1>; Django lets a block be defined only once.
    """
    parts = token.split_contents()
    if len(parts) != 2:
        raise template.TemplateSyntaxError("repeat_block 需要一个块名")
    return _RepeatBlock(parts[1])
