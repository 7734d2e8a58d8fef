"""How a notice came about: who drafted, checked, approved, served and signed it, and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rectification.models import Notice, NoticeChange

# What makes an earlier step void: the draft went back, and was judged anew.
_UNDONE_BY = {"check": "send_back"}
_LABELS = {
    "check": "审核",
    "approve": "批准",
    "serve": "送达",
    "sign": "签收",
    "refuse": "拒签",
    "withdraw": "撤回拟稿",
    "void": "作废",
    "revoke": "撤销",
}
_INNER = frozenset({"check", "approve"})
_WITH_REASON = frozenset({"refuse", "withdraw", "void", "revoke"})


@dataclass(frozen=True)
class Step:
    """One step of the way, or what is still to come.

    Attributes:
        label: 拟稿, 审核, …
        who: names; "" where nobody has done it.
        at: a moment or a date; None where nobody has done it.
        note: what more is to be said.
    """

    label: str
    who: str = ""
    at: Any = None
    note: str = ""


def standing(changes: Sequence[NoticeChange], action: str) -> NoticeChange | None:
    """The last time that an act was done and has not been undone since.

    Args:
        changes: all of a notice, newest first.
        action: slug of a transition.
    """
    undone_by = _UNDONE_BY.get(action)
    for change in changes:
        if change.action == undone_by:
            return None
        if change.action == action:
            return change
    return None


def trail_of(notice: Notice, changes: Sequence[NoticeChange], *, inner: bool) -> list[Step]:
    """The way of a notice so far.

    Args:
        changes: all of it, newest first.
        inner: with the office's own steps, which the unit does not read.
    """
    steps = [Step("拟稿", notice.drafted_by.name, notice.created_at)] if inner else []
    for action, label in _LABELS.items():
        change = standing(changes, action)
        if action == "check" and change is None and inner and notice.approved_on:
            steps.append(Step(label, note="未单独审核，由批准人审批"))
        if change is None or (action in _INNER and not inner):
            continue
        who = notice.received_by if action == "sign" else change.by_name
        note = change.reason if action in _WITH_REASON else ""
        steps.append(Step(label, who, change.at, note))
    return steps
