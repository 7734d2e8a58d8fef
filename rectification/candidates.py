"""Findings that a review proposes: one per cause, each with all its sources and its ground.

Sources are answers that do not conform, verdicts seen twice, and 疑点 that a person upheld.
Nothing here writes; an office confirms (`rectification.actions.confirm_findings`).
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from assessments.models import Contradiction, SelfCheck
from assessments.rules.conclusion import Merged
from assessments.sheets import LoadedSheet, SeenVerdict, load_sheets
from emailsec.lib.workdays import OFFICE_ZONE
from inventory.models import MailSystem, UnitKind
from rectification.models import (
    Finding,
    FindingSource,
    Ground,
    Placement,
    Severity,
    placement_of,
)
from scans.evidence import observation_lines
from scans.models import Result, Verdict
from scans.rules import repair_of, rule_of
from standards import grounds

# 国家机关: clauses addressed to these bind only them (standards.grounds).
ORGANS = frozenset({UnitKind.PARTY, UnitKind.GOVERNMENT, UnitKind.ASSEMBLY})
_ORDER = [Severity.LOW, Severity.MEDIUM, Severity.HIGH]


@dataclass
class Candidate:
    """A proposed finding.

    Attributes:
        key: stable within a self-check: `<system id or 0>:<cause>`.
        sources: unsaved FindingSource rows.
        clauses: slugs of all clauses behind it.
        existing: the unclosed finding of the same cause, to which the sources would be added.
        closed: the newest 销号 finding of the same cause, which would be reopened.
        fresh: the sources that neither of them has yet.
    """

    system: MailSystem | None
    cause: str
    title: str
    why: str
    advice: str
    severity: str
    urgent: bool
    days: int
    clauses: list[str]
    sources: list[FindingSource] = field(default_factory=list)
    existing: Finding | None = None
    closed: Finding | None = None
    fresh: list[FindingSource] = field(default_factory=list)
    ground: grounds.Ground = field(
        default_factory=lambda: grounds.Ground(kind="advice", clauses=())
    )

    @property
    def key(self) -> str:
        return f"{self.system.pk if self.system else 0}:{self.cause}"

    @property
    def citations(self) -> tuple[str, ...]:
        level = self.system.grade or None if self.system else None
        return self.ground.citations(level)

    @property
    def kept_ground(self) -> str:
        """The ground as the finding keeps it: a national standard that no duty by law makes
        binding is advice."""
        if self.ground.kind == Ground.STANDARD and not grounds.may_enter_notice(self.ground):
            return Ground.ADVICE
        return self.ground.kind

    @property
    def ground_label(self) -> str:
        return str(Ground(self.kept_ground).label)

    def placement(self, authority: str) -> Placement:
        """Where the finding may stand in a notice of an office of kind `authority`."""
        return placement_of(self.kept_ground, self.ground.clauses, authority)

    @property
    def done(self) -> bool:
        """Whether confirming would change nothing."""
        return not self.fresh

    @property
    def ways(self) -> str:
        kinds = {s.kind for s in self.sources}
        labels = {str(FindingSource.Kind(k).label) for k in kinds}
        return "、".join(sorted(labels))


def worse(one: str, other: str) -> str:
    """Return the worse of two severities."""
    return max(one, other, key=lambda severity: _ORDER.index(Severity(severity)))


def candidates(selfcheck: SelfCheck) -> list[Candidate]:
    """Return what the review proposes, worst first; the same for everyone who asks."""
    found: dict[str, Candidate] = {}
    for sheet in load_sheets(selfcheck):
        for merged in sheet.merged:
            _add_answers(found, selfcheck, sheet, merged)
        _add_seen(found, selfcheck, sheet)
    _settle(found.values(), selfcheck)
    return sorted(found.values(), key=lambda c: (-_ORDER.index(Severity(c.severity)), c.key))


def _candidate(found: dict[str, Candidate], new: Candidate) -> Candidate:
    """Merge into the candidate of the same key: the worse severity wins, clauses unite."""
    old = found.setdefault(new.key, new)
    if old is not new:
        old.severity = worse(old.severity, new.severity)
        old.days = min(old.days, new.days)
        old.urgent = old.urgent or new.urgent
        old.clauses += [slug for slug in new.clauses if slug not in old.clauses]
        old.why = old.why or new.why
        old.advice = old.advice or new.advice
    return old


def _add_answers(
    found: dict[str, Candidate], selfcheck: SelfCheck, sheet: LoadedSheet, merged: Merged
) -> None:
    system = sheet.row.system
    kind = sheet.definition.deadlines.get(merged.deadline)
    candidate = _candidate(
        found,
        Candidate(
            system=system,
            cause=merged.cause,
            title=merged.title,
            why="".join(dict.fromkeys(sheet.definition.item(code).why for code in merged.items)),
            advice=merged.advice,
            severity=merged.severity,
            urgent=merged.urgent,
            days=kind.days if kind else 30,
            clauses=list(merged.clauses),
        ),
    )
    for code in merged.items:
        item = sheet.definition.item(code)
        candidate.sources.append(
            FindingSource(
                kind=FindingSource.Kind.ANSWER,
                sheet=sheet.row,
                item=code,
                said=sheet.in_words(item) or sheet.outcomes[code].message,
                at=_noon(selfcheck.judged_on),
            )
        )


def _add_seen(found: dict[str, Candidate], selfcheck: SelfCheck, sheet: LoadedSheet) -> None:
    doubts = {
        (c.rule, c.domain): c
        for rows in sheet.contradictions.values()
        for c in rows
        if c.status in {Contradiction.Status.UPHELD, Contradiction.Status.DISMISSED}
    }
    for seen in sheet.verdicts:
        if seen.result != Result.NONCONFORMING or not seen.confirmed:
            continue
        doubt = doubts.get((seen.rule, seen.subject))
        if doubt is not None and doubt.status == Contradiction.Status.DISMISSED:
            continue
        _add_verdict(found, selfcheck, sheet, seen, doubt)


def _add_verdict(
    found: dict[str, Candidate],
    selfcheck: SelfCheck,
    sheet: LoadedSheet,
    seen: SeenVerdict,
    doubt: Contradiction | None,
) -> None:
    rule = rule_of(seen.rule)
    candidate = _candidate(
        found,
        Candidate(
            system=sheet.row.system,
            cause=rule.cause,
            title=sheet.definition.causes.get(rule.cause, rule.title),
            why=rule.why,
            advice=repair_of(seen.rule, seen.row.run.domain.name),
            severity=rule.severity,
            urgent=False,
            days=15,
            clauses=list(rule.clauses),
        ),
    )
    kind = FindingSource.Kind.CONTRADICTION if doubt else FindingSource.Kind.VERDICT
    candidate.sources.append(
        FindingSource(
            kind=kind,
            sheet=sheet.row,
            item=doubt.item if doubt else "",
            verdict=seen.row,
            contradiction=doubt,
            rule=seen.rule,
            domain=seen.subject,
            said=doubt.said if doubt else "",
            seen=seen_text(seen.row),
            at=seen.row.run.finished_at or _noon(selfcheck.judged_on),
        )
    )


def seen_text(verdict: Verdict) -> str:
    """The verdict's sentence and the lines it rests on, one a line."""
    return "\n".join([verdict.text, *observation_lines(verdict)])


def _settle(found: Iterable[Candidate], selfcheck: SelfCheck) -> None:
    """Give each candidate its ground and the unclosed finding it would join."""
    unit = selfcheck.unit
    bases = grounds.current()
    rows = Finding.objects.filter(unit=unit).order_by("id").prefetch_related("sources")
    existing: dict[tuple[int | None, str], Finding] = {}
    closed: dict[tuple[int | None, str], Finding] = {}
    for row in rows:
        if row.status == Finding.Status.CLOSED:
            closed[row.system_id, row.cause] = row
        elif row.status not in Finding.ENDED:
            existing[row.system_id, row.cause] = row
    for candidate in found:
        system = candidate.system
        candidate.ground = grounds.ground_of(
            bases.named(candidate.clauses, selfcheck.judged_on),
            selfcheck.judged_on,
            level=system.grade or None if system else None,
            organ=unit.kind in ORGANS,
        )
        key = (system.pk if system else None, candidate.cause)
        candidate.existing, candidate.closed = existing.get(key), closed.get(key)
        candidate.fresh = _fresh(candidate)


def _fresh(candidate: Candidate) -> list[FindingSource]:
    """The sources that the finding does not know yet.

    A later look that sees the same again is no new source of an unclosed finding; after 销号 it
    says that the cause has returned.
    """
    finding = candidate.existing or candidate.closed
    if finding is None:
        return candidate.sources
    known = list(finding.sources.all())
    if candidate.existing:
        seen = {(s.sheet_id, s.item, s.rule, s.domain) for s in known}
        return [s for s in candidate.sources if (s.sheet_id, s.item, s.rule, s.domain) not in seen]
    told = {(s.sheet_id, s.item, s.verdict_id) for s in known}
    return [s for s in candidate.sources if (s.sheet_id, s.item, s.verdict_id) not in told]


def _noon(day: dt.date) -> dt.datetime:
    """A moment for a dated fact without a clock time."""
    return dt.datetime.combine(day, dt.time(12), OFFICE_ZONE)
