"""What a new notice proposes: which findings, where each would stand, until when."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from emailsec.lib.workdays import today
from inventory.models import Office
from rectification.models import Finding, Placement
from rectification.terms import terms


@dataclass(frozen=True)
class Choice:
    """One open finding and where it would stand in this office's notice."""

    finding: Finding
    placement: Placement

    @property
    def selectable(self) -> bool:
        return self.placement != Placement.ELSEWHERE


@dataclass(frozen=True)
class Proposal:
    """Open findings, worst first; the deadline is the shortest default of the ordered ones,
    because a notice has one date and the most urgent repair sets it."""

    choices: list[Choice]
    days: int
    deadline: dt.date

    @property
    def preselected(self) -> list[int]:
        return [c.finding.pk for c in self.choices if c.selectable]

    @property
    def orderable(self) -> bool:
        return any(c.placement == Placement.ORDER for c in self.choices)


def propose(findings: Iterable[Finding], office: Office) -> Proposal:
    """Return what a notice of `office` over `findings` would look like."""
    choices = [Choice(finding, finding.placement(office.kind)) for finding in findings]
    ordered = [c.finding.days for c in choices if c.placement == Placement.ORDER]
    days = max(1, min(ordered, default=terms().default_days))
    return Proposal(choices, days, today() + dt.timedelta(days=days))
