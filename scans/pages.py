"""What the page of the outside view shows, put together from few queries."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field

from django.db.models import Prefetch
from django.utils import timezone

from inventory.models import MailDomain, MailSystem
from scans.evidence import SeenLine, latest_verdicts, seen_lines
from scans.models import Observation, Result, ScanRun, Verdict, Wave
from scans.permission import Permission, Refusal
from scans.policy import PolicyRefused, scan_policy
from scans.probes import Rule, text
from scans.rules import Step, all_rules, repair_steps

_HISTORY = 12
#: An open wave that is due within this time is watched by the page; a later one is announced.
_SOON = dt.timedelta(seconds=75)


@dataclass(frozen=True)
class Row:
    """One rule on one domain.

    `same_as` is the row of another domain that shows the very same thing on a shared host; it is
    then told once.
    """

    rule: Rule
    verdict: Verdict
    lines: list[SeenLine]
    steps: list[Step]
    same_as: "Row | None" = None


@dataclass
class DomainView:
    """One domain: what does not conform first, what could not be observed apart."""

    domain: MailDomain
    covered: bool = True
    run: ScanRun | None = None
    problems: list[Row] = field(default_factory=list)
    warnings: list[Row] = field(default_factory=list)
    unknown: list[Row] = field(default_factory=list)
    conforming: list[Row] = field(default_factory=list)
    not_applicable: list[Row] = field(default_factory=list)

    @property
    def open_rows(self) -> list[Row]:
        return [*self.problems, *self.warnings]

    @property
    def observed(self) -> int:
        return len(self.problems) + len(self.warnings) + len(self.conforming)

    @property
    def applicable(self) -> int:
        return self.observed + len(self.unknown)


_SHELVES = {
    Result.NONCONFORMING: "problems",
    Result.WARNING: "warnings",
    Result.UNKNOWN: "unknown",
    Result.CONFORMING: "conforming",
    Result.NOT_APPLICABLE: "not_applicable",
}
_SEVERITY = {"high": 0, "medium": 1, "low": 2}


def domain_views(system: MailSystem, permission: Permission | Refusal) -> list[DomainView]:
    """Return every present domain of the system with its newest verdicts. Four queries.

    Args:
        permission: says which domains the letter in force names.
    """
    rules = {rule.id: rule for rule in all_rules()}
    order = {name: number for number, name in enumerate(rules)}
    views = {
        domain.pk: DomainView(
            domain, not isinstance(permission, Permission) or permission.covers(domain.name)
        )
        for domain in system.domains.all()
    }
    verdicts = sorted(
        (v for v in latest_verdicts(system) if v.rule in rules),
        key=lambda v: (_SEVERITY[rules[v.rule].severity], order[v.rule], v.run.domain_id),
    )
    told: dict[tuple[object, ...], Row] = {}
    for verdict in verdicts:
        view = views[verdict.run.domain_id]
        view.run = verdict.run
        bad = verdict.result in (Result.NONCONFORMING, Result.WARNING)
        steps = repair_steps(verdict.rule, verdict.run.domain.name) if bad else []
        lines = seen_lines(verdict)
        key = (verdict.rule, verdict.result, *(line.observation_id for line in lines))
        shared = bool(lines) and all(line.observation_id for line in lines)
        same = told.get(key) if bad and shared else None
        row = Row(rules[verdict.rule], verdict, lines, steps, same)
        told.setdefault(key, row)
        getattr(view, _SHELVES[Result(verdict.result)]).append(row)
    return list(views.values())


def removed_domains(system: MailSystem) -> list[ScanRun]:
    """Return the last look at each domain that has left the system, the newest first. One query."""
    runs = ScanRun.objects.filter(domain__system=system).last_of_removed()
    return list(runs.select_related("domain").order_by("-domain__removed_on", "-pk"))


def totals(views: list[DomainView]) -> dict[str, int]:
    """Return the figures of the head of the page; what was not observed stays apart."""
    return {
        "problems": sum(len(view.problems) for view in views),
        "warnings": sum(len(view.warnings) for view in views),
        "unknown": sum(len(view.unknown) for view in views),
        "conforming": sum(len(view.conforming) for view in views),
        "observed": sum(view.observed for view in views),
        "applicable": sum(view.applicable for view in views),
    }


@dataclass(frozen=True)
class Progress:
    """How the looks that have not ended stand.

    Attributes:
        watching: the page should ask again soon.
        wave: the wave that is running or due now, if any.
        done, total: its runs.
        later: open waves due later: the second look, or one put back.
    """

    watching: bool
    wave: Wave | None = None
    done: int = 0
    total: int = 0
    later: tuple[Wave, ...] = ()


def progress_of(system: MailSystem) -> Progress:
    """Return what is under way. Two queries."""
    soon = timezone.now() + _SOON
    waves = list(system.waves.open().order_by("due_at").prefetch_related("runs"))
    near = [wave for wave in waves if wave.due_at <= soon]
    later = tuple(wave for wave in waves if wave.due_at > soon)
    if not near:
        return Progress(False, later=later)
    wave = near[0]
    runs = list(wave.runs.all())
    return Progress(
        True, wave, sum(run.ended for run in runs), max(len(runs), 1), (*near[1:], *later)
    )


def history_of(system: MailSystem) -> list[Wave]:
    """Return the newest ended waves with their runs and a line of figures. Three queries."""
    waves = list(
        system.waves.exclude(status=Wave.Status.OPEN)
        .select_related("requested_by", "authorization")
        .prefetch_related(Prefetch("runs", ScanRun.objects.select_related("domain")))
        .order_by("-pk")[:_HISTORY]
    )
    counts: dict[int, Counter[str]] = {}
    pairs = Verdict.objects.filter(run__wave__in=waves).values_list("run__wave_id", "result")
    for wave_id, result in pairs:
        counts.setdefault(wave_id, Counter())[result] += 1
    for wave in waves:
        wave.summary = _summary(counts.get(wave.pk, Counter()))  # type: ignore[attr-defined]
    return waves


def _summary(count: Counter[str]) -> str:
    words = [
        (Result.NONCONFORMING, "不符合"),
        (Result.WARNING, "提示"),
        (Result.UNKNOWN, "未能观测"),
        (Result.CONFORMING, "符合"),
    ]
    return "，".join(f"{word} {count[result]}" for result, word in words if count[result])


def next_look(system: MailSystem) -> dt.datetime | None:
    """When the next periodic look is due, by the policy; None without an earlier one."""
    last = system.waves.filter(status=Wave.Status.DONE).order_by("-created_at").first()
    if last is None:
        return None
    try:
        interval = scan_policy().wave.interval
    except PolicyRefused:
        return None
    due: dt.datetime = last.created_at + dt.timedelta(seconds=interval)
    return due


@dataclass(frozen=True)
class SeenRow:
    """One stored observation as a line of a table."""

    observation: Observation
    subject: str
    words: str


def seen_rows(observations: list[Observation], wave: Wave) -> list[SeenRow]:
    """Return observations of `wave` with their short name and their sentence.

    One whose value is destroyed says that and nothing else: read as it stands, it would say that
    there was nothing to see.
    """
    return [
        SeenRow(
            one,
            text.observation_subject(one.name),
            "（已销毁）" if wave.values_destroyed_at else text.describe_observation(_json(one)),
        )
        for one in observations
    ]


def _json(one: Observation) -> dict[str, object]:
    # Without the transcript, which lists leave out of their query.
    return {
        "name": one.name,
        "target": {"host": one.host, "address": one.address or None, "port": one.port or None},
        "outcome": one.outcome,
        "value": one.value,
    }
