"""What the pages of a case show, put together from few queries."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Prefetch, QuerySet

from accounts.models import User
from assessments.definitions import definition
from audit.models import StatusChange
from rectification.actions.base import may_handle_finding
from rectification.models import Finding, FindingSource, Recheck
from rectification.rechecks import why_not_by, why_not_closable, with_rounds
from scans.evidence import SeenLine, seen_lines, with_evidence
from scans.models import Result, Verdict, Wave
from scans.rules import Step, repair_of, repair_steps, rule_of


@dataclass(frozen=True)
class Entry:
    """One line of a history block: when, who, what, and a note."""

    at: Any
    who: str
    what: str
    note: str = ""


def failed_recheck(changes: Sequence[StatusChange]) -> StatusChange | None:
    """The 复查 that sent a finding back, while nothing has followed it; changes newest first."""
    return next((c for c in changes[:1] if c.action in {"fail", "fail_open"}), None)


def history(changes: Iterable[StatusChange], *, office: bool) -> list[Entry]:
    """Changes of a lifecycle as lines of its history, newest first, in the words of the office or
    of the unit."""
    return [
        Entry(c.at, c.by_name, c.action_label if office else c.unit_label, c.reason)
        for c in changes
    ]


# --- What a finding rests on ------------------------------------------------------------------


def with_sources() -> "Prefetch[Any]":
    """Prefetch of `sources` with all that `said_of` and `seen_of` read."""
    verdicts = with_evidence(Verdict.objects.all())
    sources: QuerySet[FindingSource] = FindingSource.objects.select_related(
        "sheet__selfcheck__questionnaire", "sheet__system", "contradiction"
    ).prefetch_related(Prefetch("verdict", verdicts))
    return Prefetch("sources", sources)


@dataclass(frozen=True)
class Said:
    """One answer of the self-check.

    Attributes:
        code, question: the item.
        answer: in words.
        source: its row, for the date and the explanation of a 疑点.
    """

    code: str
    question: str
    answer: str
    source: FindingSource

    @property
    def explanation(self) -> str:
        """What the unit said of a 疑点."""
        doubt = self.source.contradiction
        return doubt.explanation if doubt is not None else ""


@dataclass(frozen=True)
class Seen:
    """One verdict: its sentence, and the lines that it rests on."""

    rule: str
    domain: str
    sentence: str
    result: str
    lines: tuple[SeenLine, ...]
    # The words kept at confirmation, where the verdict points to no single line.
    text: str = ""


def said_of(sources: Iterable[FindingSource]) -> list[Said]:
    """The answers among the sources."""
    rows = []
    for source in sources:
        if not source.said or source.sheet is None or not source.item:
            continue
        items = definition(source.sheet.selfcheck.questionnaire).by_code
        item = items.get(source.item)
        rows.append(Said(source.item, item.question if item else "", source.said, source))
    return rows


def seen_of(sources: Iterable[FindingSource]) -> list[Seen]:
    """The verdicts among the sources, the newest of each rule and domain."""
    newest: dict[tuple[str, str], Seen] = {}
    for source in sources:
        if source.kind == FindingSource.Kind.ANSWER:
            continue
        if source.verdict is not None:
            newest[source.rule, source.domain] = seen(source.verdict)
        elif source.seen:
            newest[source.rule, source.domain] = Seen(
                source.rule, source.domain, "", Result.NONCONFORMING, (), source.seen
            )
    return list(newest.values())


def seen(verdict: Verdict) -> Seen:
    """One verdict with its lines."""
    return Seen(
        verdict.rule,
        str(verdict.run.domain),
        verdict.text,
        verdict.result,
        tuple(seen_lines(verdict)),
    )


@dataclass(frozen=True)
class Remedy:
    """What to do: sentences, and blocks to copy."""

    heading: str
    steps: tuple[Step, ...]


def remedies(finding: Finding) -> list[Remedy]:
    """The office's requirement first, then what to set for each rule and domain."""
    rules: dict[tuple[str, str], str] = {}
    for source in finding.sources.all():
        if source.rule and source.verdict is not None:
            rules[source.rule, source.verdict.run.domain.name] = str(source.verdict.run.domain)
    known = {repair_of(rule, domain) for rule, domain in rules}
    found = []
    if finding.advice and finding.advice.strip() not in known:
        found.append(Remedy("", (Step(finding.advice, to_copy=False),)))
    for (rule, domain), shown in rules.items():
        heading = f"{shown}：{rule_of(rule).subject}"
        found.append(Remedy(heading, tuple(repair_steps(rule, domain))))
    return found


# --- 复查: before against after -----------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """One rule on one domain, before against after; `after` is None where nobody looked."""

    before: Seen
    after: Seen | None


@dataclass
class Card:
    """How the 复查 of one finding stands.

    Attributes:
        rows: re-checks of this round, newest first.
        pairs: of the newest rescan.
        blocked: why it cannot be 销号 yet, or not by the person at the screen, "" if it can.
        passed: the 复查 has passed, whoever is to close.
        may_close, may_recheck: what the person at the screen may do.
    """

    finding: Finding
    rows: list[Recheck]
    pairs: list[Pair] = field(default_factory=list)
    blocked: str = ""
    passed: bool = False
    may_close: bool = False
    may_recheck: bool = False

    @property
    def latest(self) -> Recheck | None:
        return self.rows[0] if self.rows else None

    @property
    def pending(self) -> bool:
        return any(row.result == Recheck.Result.PENDING for row in self.rows)

    @property
    def wave_ended(self) -> bool:
        """Whether a pending rescan only waits to be read."""
        return any(
            row.result == Recheck.Result.PENDING
            and row.wave is not None
            and row.wave.status != Wave.Status.OPEN
            for row in self.rows
        )

    @property
    def rescan(self) -> Recheck | None:
        return next((r for r in self.rows if r.kind == Recheck.Kind.RESCAN), None)

    @property
    def settled_wave(self) -> int | None:
        """The wave of the newest rescan, once its result is known."""
        row = self.rescan
        return None if row is None or row.result == Recheck.Result.PENDING else row.wave_id

    @property
    def waits(self) -> bool:
        return self.finding.status == Finding.Status.TO_RECHECK


def cards(findings: Iterable[Finding], user: User) -> list[Card]:
    """The 复查 of findings whose `sources` are prefetched by `with_sources`.

    The number of queries does not depend on how many there are; whose case it is, is asked of
    the first, because the findings of one page belong to one case.
    """
    rows = list(findings)
    rounds = with_rounds(rows)
    may = {"close": False, "recheck": False}
    if rows:
        may = {word: may_handle_finding(user, f"finding.{word}", rows[0]) for word in may}
    made = []
    for finding in rows:
        card = Card(finding, rounds[finding.pk])
        card.blocked = why_not_closable(card.rows)
        card.passed = not card.blocked
        if may["close"]:
            card.blocked = card.blocked or why_not_by(card.rows, user)
        card.may_recheck = card.waits and may["recheck"]
        card.may_close = card.waits and may["close"] and not card.blocked
        made.append(card)
    _add_pairs(made)
    return made


def _add_pairs(made: list[Card]) -> None:
    settled = {wave for card in made if (wave := card.settled_wave) is not None}
    if not settled:
        return
    seconds = Wave.objects.filter(confirms__in=settled, status=Wave.Status.DONE)
    second_of = dict(seconds.values_list("confirms_id", "pk"))
    looks: dict[int, list[Verdict]] = defaultdict(list)
    wanted = settled | set(second_of.values())
    for verdict in with_evidence(Verdict.objects.filter(run__wave__in=wanted)):
        looks[verdict.run.wave_id].append(verdict)
    for card in made:
        if (wave := card.settled_wave) is not None:
            second = looks.get(second_of.get(wave, 0), [])
            card.pairs = _pairs(card.finding, looks[wave], second)


def _pairs(finding: Finding, first: list[Verdict], second: list[Verdict]) -> list[Pair]:
    newest = {
        (s.rule, s.verdict.run.domain_id): s.verdict
        for s in finding.sources.all()
        if s.verdict is not None
    }
    after = {k: v for v in first if (k := (v.rule, v.run.domain_id)) in newest}
    if any(v.result == Result.NONCONFORMING and not v.confirmed for v in after.values()):
        # As rechecks.judge decides: a doubtful first look gives way to the second.
        after |= {k: v for v in second if (k := (v.rule, v.run.domain_id)) in newest}
    return [
        Pair(seen(verdict), seen(after[key]) if key in after else None)
        for key, verdict in newest.items()
    ]
