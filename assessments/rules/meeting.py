"""The meeting of saying and seeing: one item's answer beside the verdicts of the scans."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from assessments.rules.evaluate import Sheet
from assessments.rules.predicates import RESERVED
from assessments.rules.schema import Item, Seen

KINDS = {
    "contradicts": "疑点",
    "confirms": "观测与填报一致",
    "modest": "填报比观测更保守",
    "check": "请核对",
    "weak": "弱佐证",
    "bonus": "加分项",
    "awaiting": "待再次观测确认",
    "not_observed": "未能观测",
    "seen": "已观测",
}


class VerdictLike(Protocol):
    """What is needed of a verdict; the row of ``scans`` fits."""

    @property
    def rule(self) -> str:
        """Rule id, e.g. ``spf.policy``."""

    @property
    def result(self) -> str:
        """``conforming nonconforming warning unknown not_applicable``."""

    @property
    def kind(self) -> str:
        """Which sentence of the rule says it, e.g. ``softfail``."""

    @property
    def confirmed(self) -> bool:
        """Seen in at least two attempts far enough apart."""

    @property
    def subject(self) -> str:
        """What was looked at, in words for the reader, e.g. the domain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """What one verdict means for one answer.

    Attributes:
        kind: a key of ``KINDS``; only ``contradicts`` is a 疑点.
        text: one Chinese sentence for the page.
    """

    item: str
    field: str
    rule: str
    subject: str
    kind: str
    text: str


def meet(item: Item, sheet: Sheet, verdicts: Iterable[VerdictLike]) -> tuple[Meeting, ...]:
    """Lay the verdicts that bear on the item beside its answer.

    Only a confirmed verdict can contradict; an answer more modest than what was seen, and one
    that was not given or is 暂不掌握, are never contradicted. The result does not depend on the
    order of the verdicts.

    Args:
        item: the item; its ``seen`` rows say what a verdict means.
        sheet: the sheet with the answer. An item not asked on it meets nothing.
        verdicts: verdicts of any rules; those no row names are passed over.
    """
    if not sheet.shown(item.code):
        return ()
    meetings = []
    named = {row.rule for row in item.seen}
    for verdict in verdicts:
        if verdict.rule not in named or verdict.result == "not_applicable":
            continue
        if verdict.result == "unknown":
            meetings.append(_unobserved(item, verdict))
            continue
        meetings += [_row(item, sheet, row, verdict) for row in _rows(item, verdict)]
    order = list(KINDS)
    return tuple(
        sorted(
            meetings,
            key=lambda one: (order.index(one.kind), one.rule, one.subject, one.field, one.text),
        )
    )


def suggested_answer(item: Item, verdicts: Iterable[VerdictLike]) -> str:
    """Answer of the main field that the verdicts support, ``""`` if they do not.

    For items that say what was seen before they ask (revision 2). A fault must be confirmed; the
    worst one is proposed, 部分 where other domains or services are in order and the item offers
    it. That all is well is proposed only where nothing else was seen or left unseen.
    """
    main = item.main
    if main is None:
        return ""
    telling = {
        row.rule for row in item.seen if row.weight == "contradict" and row.field == main.code
    }
    found = [v for v in verdicts if v.rule in telling and v.result != "not_applicable"]
    bad = [v for v in found if v.result == "nonconforming" and v.confirmed]
    good = [v for v in found if v.result == "conforming"]
    if not bad and len(good) < len(found):
        return ""
    order = [option.code for option in main.options]
    proposed = [
        "partial" if bad and good and "partial" in row.confirms else row.confirms[0]
        for verdict in bad or good
        for row in _rows(item, verdict)
        if row.weight == "contradict" and row.field == main.code and row.confirms
    ]
    return max(proposed, key=order.index, default="")


def _rows(item: Item, verdict: VerdictLike) -> list[Seen]:
    """Rows that speak for the verdict: those that name its kind, else those that name none."""
    rows = [r for r in item.seen if (r.rule, r.result) == (verdict.rule, verdict.result)]
    named = [row for row in rows if verdict.kind in row.kinds]
    fields = {row.field for row in named}
    return named + [row for row in rows if not row.kinds and row.field not in fields]


def _unobserved(item: Item, verdict: VerdictLike) -> Meeting:
    return Meeting(
        item=item.code,
        field=next(row.field for row in item.seen if row.rule == verdict.rule),
        rule=verdict.rule,
        subject=verdict.subject,
        kind="not_observed",
        text=f"{_prefix(verdict)}本次未能观测，以填报和佐证为准。",
    )


def _row(item: Item, sheet: Sheet, row: Seen, verdict: VerdictLike) -> Meeting:
    answer = sheet.value(item.code, row.field)
    option = item.field(row.field).option(answer)
    said = f"所填“{option.label if option else answer}”"
    seen = f"{_prefix(verdict)}系统已观测到{row.text}"
    silent = not answer or (answer in RESERVED and answer not in row.contradicts)
    if row.weight in ("weak", "bonus"):
        kind, text = row.weight, f"{seen}，仅供参考。"
    elif silent:
        kind, text = "seen", f"{seen}，如不一致请说明。"
    elif answer in row.contradicts:
        if verdict.confirmed:
            kind, text = "contradicts", f"{seen}，与{said}不一致，请更正答案或说明情况。"
        else:
            kind, text = "awaiting", f"{seen}，与{said}不一致；尚待再次观测确认，暂不作为疑点。"
    elif answer in row.confirms:
        kind, text = "confirms", f"{seen}，与{said}一致。"
    elif row.result == "conforming":
        kind, text = "modest", f"{seen}，{said}比观测更保守，不作为疑点。"
    else:
        kind, text = "check", f"{seen}，请核对{said}。"
    return Meeting(
        item=item.code,
        field=row.field,
        rule=verdict.rule,
        subject=verdict.subject,
        kind=kind,
        text=text,
    )


def _prefix(verdict: VerdictLike) -> str:
    return f"{verdict.subject}：" if verdict.subject else ""
