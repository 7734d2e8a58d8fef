"""What was said and what was seen of a finding, as paper prints it."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final

from django.db.models import Prefetch
from django.utils import timezone

from assessments.definitions import definition
from emailsec.lib.workdays import OFFICE_ZONE
from rectification.models import Finding, FindingSource, Recheck
from reports.paper import contexts as paper
from scans.evidence import ABSENT_LINES, SeenLine, seen_lines, with_evidence
from scans.models import Result, Verdict, Wave

_SAYING: Final = frozenset({FindingSource.Kind.ANSWER, FindingSource.Kind.CONTRADICTION})
_SEEING: Final = frozenset({FindingSource.Kind.VERDICT, FindingSource.Kind.CONTRADICTION})


def with_sources(prefix: str = "") -> "Prefetch[Any]":
    """Prefetch of the `sources` of findings (`prefix`: the way to them) with all
    that `said_of`, `seen_of` and `found_by` read."""
    sources = FindingSource.objects.select_related(
        "sheet__selfcheck__questionnaire", "sheet__system"
    ).prefetch_related(
        Prefetch(
            "verdict",
            with_evidence(Verdict.objects.all()).select_related(
                "run__domain", "run__wave__authorization", "run__wave__confirms__authorization"
            ),
        )
    )
    return Prefetch(f"{prefix}sources", sources)


def found_by(finding: Finding) -> paper.FoundBy:
    """How the finding was found, from the kinds of its sources.

    A confirmed 疑点 decides: to say that answer and observation agreed would be untrue.
    """
    kinds = {source.kind for source in finding.sources.all()}
    if FindingSource.Kind.CONTRADICTION in kinds:
        return paper.FoundBy.CONTRADICTION
    if kinds >= {FindingSource.Kind.ANSWER, FindingSource.Kind.VERDICT}:
        return paper.FoundBy.BOTH
    if FindingSource.Kind.VERDICT in kinds:
        return paper.FoundBy.PROBE
    return paper.FoundBy.SELF_CHECK


def sources_of(finding: Finding, until: datetime | None = None) -> list[FindingSource]:
    """The prefetched sources, without those of a later moment than `until`."""
    return [one for one in finding.sources.all() if until is None or one.at <= until]


def said_of(finding: Finding, until: datetime | None = None) -> tuple[paper.Said, ...]:
    """The answers that the finding rests on, each once."""
    said = {}
    for source in sources_of(finding, until):
        if source.kind not in _SAYING or not source.item or source.sheet is None:
            continue
        item = definition(source.sheet.selfcheck.questionnaire).item(source.item)
        row = paper.Said(
            code=source.item,
            question=item.question,
            answer=source.said,
            on=source.said_on,
        )
        said[row.code, row.answer] = row
    return tuple(said.values())


def seen_of(finding: Finding, until: datetime | None = None) -> tuple[paper.Seen, ...]:
    """The observations that the finding rests on, line by line, each once."""
    seen: dict[paper.Seen, None] = {}
    for source in sources_of(finding, until):
        if source.kind in _SEEING:
            seen.update(dict.fromkeys(_of_source(source)))
    return tuple(seen)


def _of_source(source: FindingSource) -> list[paper.Seen]:
    if source.verdict is not None and (lines := of_verdict(source.verdict)):
        return lines
    # The words kept at confirmation, where the verdict points to no single line.
    text = source.seen or source.said
    return [paper.Seen(line=text, address=source.domain, at=source.at)] if text else []


def of_verdict(verdict: Verdict) -> list[paper.Seen]:
    """The lines of a verdict, each said once; its sentence stands above the first.

    A server answers alike on all its ports: what was seen on several of them is one line with
    their places. The sentence does not repeat the line that stands below it.
    """
    summary, groups = verdict.text, _alike(seen_lines(verdict))
    for line, _ in groups:
        summary = summary.replace(f"：{line}", "")
    seen = []
    for number, ((line, unseen), group) in enumerate(groups.items()):
        first, last = min(one.at for one in group), max(one.at for one in group)
        seen.append(
            paper.Seen(
                line="" if summary and line in ABSENT_LINES else line,
                address=_places([one.place for one in group]),
                at=first,
                until=last if _second(last) > _second(first) else None,
                summary=summary if number == 0 else "",
                could_not_observe=unseen,
            )
        )
    return seen


def _alike(lines: Iterable[SeenLine]) -> dict[tuple[str, bool], list[SeenLine]]:
    groups: dict[tuple[str, bool], list[SeenLine]] = {}
    for one in lines:
        groups.setdefault((one.line, one.could_not_observe), []).append(one)
    return groups


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _places(places: Iterable[str]) -> str:
    """`mx.example.cn [192.0.2.1]:465、993；mx2.example.cn [192.0.2.2]:25`: ports of one address
    are said together."""
    ports: dict[str, list[str]] = {}
    for place in places:
        # The port follows the bracket; an IPv6 address has colons inside it.
        host, found, port = place.rpartition("]:")
        ports.setdefault(host + found if found else place, []).append(port if found else "")
    return "；".join(host + "、".join(dict.fromkeys(numbers)) for host, numbers in ports.items())


def seen_days(findings: Iterable[Finding]) -> tuple[date, date] | None:
    """First and last day on which the observations behind the findings were made."""
    days = [
        seen.at.astimezone(OFFICE_ZONE).date() for finding in findings for seen in seen_of(finding)
    ]
    return (min(days), max(days)) if days else None


def letters_of(findings: Iterable[Finding]) -> str:
    """Numbers of the 《远程检测授权书》 under which the observations were made, joined by 、."""
    numbers = {
        letter.number
        for finding in findings
        for source in finding.sources.all()
        if source.kind in _SEEING
        and source.verdict is not None
        and (letter := _letter(source.verdict.run.wave)) is not None
    }
    return "、".join(sorted(numbers))


def _letter(wave: Wave) -> Any:
    return wave.authorization or (wave.confirms.authorization if wave.confirms else None)


def after_of(finding: Finding, recheck: Recheck) -> tuple[paper.Seen, ...]:
    """What a 复查 saw: of a rescan the lines themselves, else the words of the officer."""
    at = recheck.finished_at or recheck.at or timezone.now()
    if recheck.wave is None:
        return (paper.Seen(line=recheck.seen, address="", at=at),) if recheck.seen else ()
    wanted = {
        (source.rule, source.verdict.run.domain_id)
        for source in finding.sources.all()
        if source.verdict is not None
    }
    looks = [recheck.wave.pk]
    second = Wave.objects.filter(confirms=recheck.wave, status=Wave.Status.DONE).first()
    if second is not None:
        looks = [second.pk]
    verdicts = with_evidence(Verdict.objects.filter(run__wave__in=looks))
    seen = [
        line
        for verdict in verdicts
        if (verdict.rule, verdict.run.domain_id) in wanted
        for line in of_verdict(verdict) or [_without_line(verdict)]
    ]
    return tuple(dict.fromkeys(seen)) or (
        (paper.Seen(line=recheck.seen, address="", at=at),) if recheck.seen else ()
    )


def _without_line(verdict: Verdict) -> paper.Seen:
    return paper.Seen(
        line=verdict.text,
        address=str(verdict.run.domain),
        at=verdict.run.finished_at or verdict.run.wave.created_at,
        could_not_observe=verdict.result == Result.UNKNOWN,
    )
