"""What the rooms above read: verdicts, the lines that were seen, before against after.

Every function works on what was stored; none probes, and none costs a query per verdict.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Prefetch

from emailsec.lib.words import cn_date, cn_time
from inventory.models import MailSystem
from scans.models import Observation, Outcome, Result, ScanRun, Verdict, place_of
from scans.probes import text as words

# What stands for a line where the target said nothing.
ABSENT_LINES: Final = ("（没有此记录）", "（没有应答行）")


@dataclass(frozen=True)
class SeenLine:
    """One line as it was seen.

    Attributes:
        line: the bytes as text; for what could not be observed, why (Chinese).
        place: `mx.example.cn [192.0.2.1]:25`, or the DNS name asked.
        at: aware time of the observation.
        name: observation name.
        observation_id: its row, for the transcript; None if it is not stored.
        could_not_observe: the attempt said nothing about the target.
    """

    line: str
    place: str
    at: dt.datetime
    name: str = ""
    observation_id: int | None = None
    could_not_observe: bool = False

    def __str__(self) -> str:
        return f"{cn_date(self.at)} {cn_time(self.at)} {self.place} {self.line}".strip()


def latest_verdicts(system: MailSystem) -> list[Verdict]:
    """Return the verdicts of the newest finished look at each present domain, for `seen_lines`.

    Three queries, whatever the number of domains.
    """
    return list(with_evidence(Verdict.objects.of_latest_runs(system)))


def with_evidence(verdicts: Any) -> Any:
    """Return the queryset with what `seen_lines` reads prefetched (transcripts left out)."""
    observations = Observation.objects.defer("transcript", "value")
    return verdicts.select_related("run__domain", "run__wave").prefetch_related(
        Prefetch("run__observations", queryset=observations)
    )


def seen_lines(verdict: Verdict) -> list[SeenLine]:
    """Return the lines that a verdict rests on, the telling ones first.

    For `unknown`, the lines say why nothing could be observed.
    """
    params = verdict.params
    keys = {
        Result.NONCONFORMING: ("offenders",),
        Result.WARNING: ("warnings",),
        Result.UNKNOWN: ("unknown",),
    }.get(Result(verdict.result), ("good",))
    stored = {_key(one): one for one in verdict.run.observations.all()}
    lines = [_line(verdict, entry, stored) for key in keys for entry in params.get(key, ()) or ()]
    return list(dict.fromkeys(lines))


def observation_lines(verdict: Verdict) -> list[str]:
    """Return `seen_lines` as text: `2026年11月24日（周二） 14:32:05 mx.x.cn [192.0.2.1]:25 …`."""
    return [str(line) for line in seen_lines(verdict)]


def _key(one: Observation) -> tuple[str, str, str, int]:
    return one.name, one.host, one.address, one.port


def _line(
    verdict: Verdict,
    entry: dict[str, Any],
    stored: dict[tuple[str, str, str, int], Observation],
) -> SeenLine:
    name = str(entry.get("observation") or "")
    host, address = str(entry.get("host") or ""), str(entry.get("address") or "")
    port = int(entry.get("port") or 0)
    row = stored.get((name, host, address, port))
    at = row.seen_at if row else verdict.run.finished_at or verdict.run.wave.created_at
    unseen = verdict.result == Result.UNKNOWN
    text = str(entry.get("line") or "")
    if unseen:
        text = why_unseen(str(entry.get("kind") or ""), text)
    elif not text:
        text = ABSENT_LINES[0 if row and row.outcome == Outcome.ABSENT else 1]
    return SeenLine(text, place_of(host, address, port), at, name, row.pk if row else None, unseen)


def why_unseen(kind: str, reason: str) -> str:
    """Say in Chinese why something could not be observed.

    Args:
        kind: an outcome, or a kind of the rule.
        reason: a slug of rules.toml's `reason`, or the line that the server said.
    """
    said = words.reason(reason)
    if kind not in Outcome.values:
        return said or "本次未能观测"
    label = str(Outcome(kind).label)
    return f"{label}：{said}" if said and said != label else label


@dataclass(frozen=True)
class Comparison:
    """One rule on one domain, before against after.

    Attributes:
        change: repaired, unrepaired, unseen (the later look could not observe it) or worse.
        sentence: one Chinese sentence.
        before, after: what was seen.
    """

    change: str
    sentence: str
    before: tuple[SeenLine, ...]
    after: tuple[SeenLine, ...]

    @property
    def repaired(self) -> bool:
        return self.change == "repaired"


def compare(before: Verdict, after: Verdict) -> Comparison:
    """Compare two verdicts of one rule on one domain.

    Only a sighting counts as repaired: what could not be observed again is never a repair.

    Raises:
        ValueError: they are not about the same rule and domain.
    """
    if (before.rule, before.run.domain_id) != (after.rule, after.run.domain_id):
        raise ValueError("two verdicts of one rule on one domain are needed")
    was_bad = before.result in (Result.NONCONFORMING, Result.WARNING)
    good = after.result in (Result.CONFORMING, Result.NOT_APPLICABLE)
    if after.result == Result.UNKNOWN:
        change, words = "unseen", "复测未能观测，不能据此认定已整改"
    elif before.result == Result.WARNING and after.result == Result.NONCONFORMING:
        change, words = "worse", "复测结果变差"
    elif after.result == Result.NONCONFORMING and not was_bad:
        change, words = "worse", "复测发现不符合"
    elif good and was_bad:
        change, words = "repaired", "复测已符合"
    elif good:
        change, words = "same", "前后均符合"
    elif before.result == Result.NONCONFORMING and after.result == Result.WARNING:
        change, words = "improved", "复测已有改善，仍有提示"
    else:
        change, words = "unrepaired", "复测仍不符合"
    return Comparison(
        change,
        f"{after.run.domain}：{words}。",
        tuple(seen_lines(before)),
        tuple(seen_lines(after)),
    )


def before_and_after(verdict: Verdict, runs: Iterable[ScanRun] | None = None) -> Comparison | None:
    """Compare a verdict with the newest later look at the same domain; None if there is none.

    Args:
        verdict: the earlier one.
        runs: limit the later looks to these (a re-check's own), default any.
    """
    later = Verdict.objects.filter(
        rule=verdict.rule, run__domain=verdict.run.domain_id, run_id__gt=verdict.run_id
    ).filter(run__in=ScanRun.objects.finished())
    if runs is not None:
        later = later.filter(run__in=[run.pk for run in runs])
    after = with_evidence(later).order_by("-run_id").first()
    return compare(verdict, after) if after is not None else None
