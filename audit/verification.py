"""Find any altered, missing or reordered row of the trail, and say which.

The rows are read in the order of the chain, archives first, a batch at a time: the memory needed
does not grow with the trail.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from django.db import connection
from django.utils import timezone

from audit import anchors, archives, digests, guards, taken
from audit.chain import ALTERED, MISSING, NAME, SEAL, Chain, Fault
from audit.models import AuditEvent, AuditSeal
from audit.policy import policy
from audit.sealing import unsealed
from audit.trail import digest_of

BATCH: Final = 2000
MOST_KEPT: Final = 1000  # faults told one by one; beyond that they are only counted
Rows = Iterator[tuple[AuditSeal, AuditEvent | None]]


@dataclass
class Report:
    """What a verification found.

    Attributes:
        rows: sealed rows that were read, those of archives included.
        unsealed, oldest: events without a seal yet, and the moment of the oldest.
        fault_count: all faults; `faults` keeps the first MOST_KEPT.
        warnings: what is no fault of a row, in Chinese.
        seconds: how long it took.
    """

    rows: int = 0
    unsealed: int = 0
    oldest: dt.datetime | None = None
    fault_count: int = 0
    faults: list[Fault] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, fault: Fault) -> None:
        self.fault_count += 1
        if len(self.faults) < MOST_KEPT:
            self.faults.append(fault)


def verify(
    *, since: dt.datetime | None = None, on_fault: Callable[[Fault], None] | None = None
) -> Report:
    """Verify the trail and return what was found.

    Args:
        since: only what was sealed from then on; None verifies everything, archives included.
        on_fault: told of each fault as it is found.
    """
    begun = time.perf_counter()
    report = Report()
    for fault in _faults(report, since):
        report.add(fault)
        if on_fault:
            on_fault(fault)
    report.warnings += guards.open_locks(connection)
    _tell_waiting(report)
    report.seconds = time.perf_counter() - begun
    return report


def _faults(report: Report, since: dt.datetime | None) -> Iterator[Fault]:
    known, high = _anchored(report)
    chain = Chain(0, "", known)
    # The head is read before the rows: what is sealed meanwhile lies behind it.
    if since is None:
        yield from _archived(report, chain)
    elif start := AuditSeal.objects.filter(sealed_at__lt=since).order_by("-seq").first():
        chain.skip_to(start.seq, start.chain)
    elif first := archives.last_signed():
        chain.skip_to(first.last_seq, first.chain_after)
    yield from _followed(report, chain, _live(chain.seq))
    if high and high.seq > chain.seq:
        yield Fault(MISSING, high.event_id, chain.seq + 1, high.seq)
    for event in unsealed().order_by("pk").iterator(BATCH):
        report.unsealed += 1
        report.oldest = min(report.oldest or event.at, event.at)
        try:
            sound = event.digest == digest_of(event)
        except digests.UnknownKey:
            sound = False
        if not sound:
            yield Fault(ALTERED, event.pk, None)
    for event_id in taken.disagreeing(since):
        yield Fault(ALTERED, event_id, None, note="涉及单位与登记的不符")
    for unit_id in taken.renamed():
        yield Fault(NAME, None, None, note=f"单位编号 {unit_id}")


def _anchored(report: Report) -> tuple[dict[int, tuple[str, str]], anchors.Anchor | None]:
    """The chain values that are known from outside the database, and the highest of them."""
    known: dict[int, tuple[str, str]] = {}
    high: anchors.Anchor | None = None
    for path, anchor in anchors.every():
        if isinstance(anchor, str):
            report.warnings.append(f"锚定文件 {path.name} 不可信：{anchor}")
            continue
        known.setdefault(anchor.seq, (anchor.chain, path.name))
        if high is None or anchor.seq > high.seq:
            high = anchor
    return known, high


def _archived(report: Report, chain: Chain) -> Iterator[Fault]:
    report.warnings += [f"{name} 不是归档清单" for name in archives.unreadable()]
    for archive in archives.every():
        if problem := archive.fault():
            report.warnings.append(f"归档 {archive.name} 不可信：{problem}")
        if not archive.is_signed:
            # Anybody could have written it in place of the rows: what it claims is missing, unless
            # another archive or the database has it.
            continue
        if archive.first_seq > chain.seq + 1:
            yield Fault(MISSING, None, chain.seq + 1, archive.first_seq - 1, note="缺少归档")
        elif archive.chain_before not in chain.heads:
            yield Fault(SEAL, None, archive.first_seq, note=f"归档 {archive.name} 接不上链")
        chain.skip_to(archive.first_seq - 1, archive.chain_before)
        if not archive.path.exists():
            report.warnings.append(f"归档 {archive.name} 的内容不在本机，只核验了首尾")
        else:
            yield from _followed(report, chain, archive.rows())
            if chain.seq < archive.last_seq:  # the file ends before its last row
                note = f"归档 {archive.name} 不完整"
                yield Fault(MISSING, None, chain.seq + 1, archive.last_seq, note=note)
        chain.skip_to(archive.last_seq, archive.chain_after)


def _followed(report: Report, chain: Chain, rows: Rows) -> Iterator[Fault]:
    """Follow the chain through some rows and count them."""
    for seal, event in rows:
        report.rows += 1
        for fault in (chain.gap(seal), chain.fault_of(seal, event)):
            if fault:
                yield fault


def _live(after: int) -> Rows:
    while seals := list(AuditSeal.objects.filter(seq__gt=after).order_by("seq")[:BATCH]):
        events = AuditEvent.objects.in_bulk([seal.event_id for seal in seals])
        for seal in seals:
            yield seal, events.get(seal.event_id)
        after = seals[-1].seq


def _tell_waiting(report: Report) -> None:
    if report.oldest is None:
        return
    age = timezone.now() - report.oldest
    if age > dt.timedelta(seconds=policy().unsealed_seconds):
        report.warnings.append(f"有 {report.unsealed} 条尚未封存，最早的已等待{_lasting(age)}")


def _lasting(age: dt.timedelta) -> str:
    """A span in its largest whole unit."""
    for unit, name in ((dt.timedelta(days=1), "天"), (dt.timedelta(hours=1), "小时")):
        if age >= 2 * unit:
            return f" {age // unit} {name}"
    return f" {age // dt.timedelta(minutes=1)} 分钟"
