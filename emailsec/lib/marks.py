"""Marks of the one look: which shape and tone a severity, a verdict or a state has.

Screen (templatetags/portal.py) and paper (reports) draw from the same table. Shape and word carry
the meaning; colour only helps. The wording of a state comes from the model's label.
"""

from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

# Marks on a 12-unit square, drawn in currentColor. The shape alone tells the state.
SHAPES: Final[dict[str, str]] = {
    "triangle": '<path d="M6 1 11.5 11H.5z"/>',
    "diamond": '<path d="M6 .5 11.5 6 6 11.5.5 6z"/>',
    "bar": '<path d="M1 4.5h10v3H1z"/>',
    "ring": '<circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" stroke-width="1.6"/>',
    "half": '<circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" stroke-width="1.6"/>'
    '<path d="M6 1.4a4.6 4.6 0 0 1 0 9.2z"/>',
    "dot": '<circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" stroke-width="1.6"/>'
    '<circle cx="6" cy="6" r="2"/>',
    "check": '<path fill-rule="evenodd" d="M6 .4a5.6 5.6 0 1 1 0 11.2A5.6 5.6 0 0 1 6 .4zM5.3 8.9'
    ' 9.4 4.6l-1-1-3.1 3.2-1.5-1.4-1 1z"/>',
    "cross": '<path fill-rule="evenodd" d="M.8.8h10.4v10.4H.8zM6 4.9 3.9 2.8 2.8 3.9 4.9 6 2.8 8.1'
    'l1.1 1.1L6 7.1l2.1 2.1 1.1-1.1L7.1 6l2.1-2.1-1.1-1.1z"/>',
    "warn": '<path fill-rule="evenodd" d="M6 .6 11.8 11.4H.2zM5.3 4.6v3.2h1.4V4.6zm0 4.2v1.3h1.4'
    'V8.8z"/>',
    "hatch": '<path fill="none" stroke="currentColor" d="M1 1h10v10H1z"/><path fill="none"'
    ' stroke="currentColor" stroke-width="1.1" d="M1 6l5-5M1 11 11 1M6 11l5-5"/>',
    "dash": '<path d="M1.5 5.1h9v1.8h-9z"/>',
    "stop": '<path fill-rule="evenodd" d="M6 .4a5.6 5.6 0 1 1 0 11.2A5.6 5.6 0 0 1 6 .4zM2.8 5v2'
    'h6.4V5z"/>',
    "back": '<path d="M5.2 1 .6 5.4l4.6 4.4V7h2.2c1.7 0 2.6.9 2.6 3.4h1.6C11.6 6.2 10.2 3.8 7.4'
    ' 3.8H5.2z"/>',
}

# level of a finding → (word, shape, tone); the words themselves are accepted as well
SEVERITIES: Final[dict[str, tuple[str, str, str]]] = {
    "high": ("高", "triangle", "red"),
    "medium": ("中", "diamond", "amber"),
    "low": ("低", "bar", "greyblue"),
}
SEVERITY_ALIASES: Final[dict[str, str]] = {"高": "high", "中": "medium", "低": "low"}

VERDICTS: Final[dict[str, tuple[str, str, str]]] = {
    "conforming": ("符合", "check", "green"),
    "nonconforming": ("不符合", "cross", "red"),
    "warning": ("提示", "warn", "amber"),
    "unknown": ("未能观测", "hatch", "unknown"),
    "not_applicable": ("不适用", "dash", "grey"),
}

# state slug → (shape, tone). Untouched: ring. Under way: half. Waits for someone else: dot.
# Proven and closed: check, green. Refused or came back: red. Ended without proof: stop, grey.
_BEGIN = ("ring", "grey")
_UNDER_WAY = ("half", "greyblue")
_WAITS = ("dot", "blue")
_DONE = ("check", "green")
_BACK = ("back", "amber")
_BAD = ("cross", "red")
_STOPPED = ("stop", "grey")
STATES: Final[dict[str, tuple[str, str]]] = {
    # self-check
    "not_started": _BEGIN,
    "filling": _UNDER_WAY,
    "to_sign": _WAITS,
    "to_review": _WAITS,
    "accepted": _DONE,
    "returned": _BACK,
    # section of a self-check
    "empty": _BEGIN,
    "in_progress": _UNDER_WAY,
    "nonconforming": _BAD,
    "contradicts": ("warn", "amber"),
    "faulty": ("warn", "red"),
    # remark of the office, as the unit has dealt with it
    "undealt": ("ring", "red"),
    "changed": _WAITS,
    "explained": _WAITS,
    # finding
    "open": ("ring", "blue"),
    "notified": ("dot", "greyblue"),
    "rectifying": _UNDER_WAY,
    "to_recheck": _WAITS,
    "closed": _DONE,
    "false_alarm": _STOPPED,
    "transferred": _STOPPED,
    "overdue": ("warn", "red"),
    # notice
    "drafted": _BEGIN,
    "checked": _UNDER_WAY,
    "approved": _WAITS,
    "served": _WAITS,
    "signed": _UNDER_WAY,
    "refused": _BAD,
    "replied": _WAITS,
    "finished": _DONE,
    "void": _STOPPED,
    # campaign
    "draft": _BEGIN,
    "published": _UNDER_WAY,
    "archived": _STOPPED,
    # application to be registered
    "pending": _WAITS,
    # scans and jobs
    "queued": _BEGIN,
    "running": _UNDER_WAY,
    "done": _DONE,
    "partial": ("half", "amber"),
    "failed": _BAD,
}


def mark_svg(shape: str) -> SafeString:
    """The mark as inline SVG in currentColor, hidden from screen readers: its word is beside it."""
    body = SHAPES[shape]
    return mark_safe(  # noqa: S308 (constants of this module)
        f'<svg class="shape" viewBox="0 0 12 12" aria-hidden="true" focusable="false">{body}</svg>'
    )


def tag_html(word: str, shape: str, tone: str, kind: str) -> SafeString:
    """A mark and its word; `tone` and `kind` become classes that marks.css colours."""
    return format_html(
        '<span class="tag tag-{} tone-{}">{}{}</span>', kind, tone, mark_svg(shape), word
    )
