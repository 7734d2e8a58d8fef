"""From outcomes to a conclusion, and from items to one finding per cause."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from assessments.rules.evaluate import Outcome
from assessments.rules.schema import SEVERITIES, Questionnaire

CONCLUSIONS = {
    "urgent": "存在紧急风险",
    "problems": "存在需整改问题",
    "clean": "未发现问题",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """Conclusion over any number of sheets (docs/questionnaire.md, revision 8).

    Attributes:
        code: ``urgent``, ``problems`` or ``clean``.
        urgent: items with an unrepaired 紧急风险; only these may be proposed as 重大风险隐患.
        findings: number of distinct causes still open.
        pending: items 待核实; they count neither way.
        incomplete: required items not filled; a conclusion is final only without them.
    """

    code: str
    urgent: tuple[str, ...]
    findings: int
    pending: int
    incomplete: int

    @property
    def label(self) -> str:
        """Chinese words of the conclusion."""
        return CONCLUSIONS[self.code]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """One proposed finding: a cause with all items that show it."""

    cause: str
    title: str
    severity: str
    urgent: bool
    items: tuple[str, ...]
    messages: tuple[str, ...]
    clauses: tuple[str, ...]
    advice: str
    deadline: str


def conclusion(outcomes: Iterable[Outcome], closed: Collection[str] = ()) -> Conclusion:
    """Conclusion of the outcomes, leaving out causes already repaired.

    Args:
        outcomes: outcomes of all sheets of a self-check.
        closed: causes whose finding is 销号, for the conclusion after rectification.
    """
    everything = tuple(outcomes)
    still = [one for one in everything if one.has_finding and one.cause not in closed]
    urgent = tuple(sorted({one.item for one in still if one.urgent}))
    return Conclusion(
        code="urgent" if urgent else "problems" if still else "clean",
        urgent=urgent,
        findings=len({one.cause for one in still}),
        pending=sum(one.state == "pending_verification" for one in everything),
        incomplete=sum(one.required and not one.complete for one in everything),
    )


def merge(questionnaire: Questionnaire, outcomes: Iterable[Outcome]) -> tuple[Merged, ...]:
    """Proposed findings of one sheet, one per cause, worst first.

    The severity is the worst of the items; advice and deadline come from the item that shows
    the worst (the first in the questionnaire if several do); clauses are united in order.
    """
    order = {item.code: place for place, item in enumerate(questionnaire.items)}
    groups: dict[str, list[Outcome]] = {}
    for one in sorted(outcomes, key=lambda outcome: order[outcome.item]):
        if one.has_finding:
            groups.setdefault(one.cause, []).append(one)
    merged = []
    for cause, group in groups.items():
        worst = max(group, key=lambda one: SEVERITIES.index(one.severity))
        item = questionnaire.item(worst.item)
        merged.append(
            Merged(
                cause=cause,
                title=questionnaire.causes[cause],
                severity=worst.severity,
                urgent=any(one.urgent for one in group),
                items=tuple(one.item for one in group),
                messages=tuple(dict.fromkeys(one.message for one in group)),
                clauses=tuple(
                    dict.fromkeys(
                        clause for one in group for clause in questionnaire.item(one.item).clauses
                    )
                ),
                advice=item.advice,
                deadline=item.deadline,
            )
        )
    merged.sort(key=lambda one: (-SEVERITIES.index(one.severity), order[one.items[0]]))
    return tuple(merged)
