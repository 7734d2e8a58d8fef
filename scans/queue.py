"""Which looks are due, and who holds them: schedule, leases, the end of a wave.

The truth stands in the database; a task is only a nudge. A worker claims waves by a conditional
UPDATE (SKIP LOCKED where the database has it) and holds them under a lease. If it is killed, the
lease expires and the next minute hands the wave on; what it had already written stays.
"""

import datetime as dt
import uuid
import zlib
from dataclasses import dataclass

from celery import current_app
from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from inventory.models import MailDomain, MailSystem
from scans.models import Authorization, ScanRun, Wave
from scans.policy import scan_policy

#: A worker is killed at the task's time limit; only then may another take its waves.
LEASE = dt.timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT + 60)
BATCH = 20
#: A wave whose worker was lost this often is given up, with a row that a person can see.
MAX_ATTEMPTS = 3
_SCHEDULED_AT_ONCE = 500
DRAIN = "scans.tasks.drain_due"


@dataclass(frozen=True)
class Lease:
    """Waves that this worker holds until `token` is replaced."""

    token: str
    wave_ids: tuple[int, ...]


def wake_drain(after: float = 0) -> None:
    """Ask for `drain_due` once the transaction commits, `after` seconds later."""
    transaction.on_commit(
        lambda: current_app.send_task(DRAIN, countdown=after or None), robust=True
    )


def schedule_due(now: dt.datetime | None = None) -> int:
    """Create the periodic waves that have come due; return how many.

    A system that was never looked at is due at once; later looks are spread by a hash over a
    seventh of the interval, so that letters filed on one day do not stay bunched.
    """
    moment = now or timezone.now()
    wave = scan_policy().wave
    interval = dt.timedelta(seconds=wave.interval)
    looks = Wave.objects.filter(system=OuterRef("pk")).exclude(reason=Wave.Reason.CONFIRM)
    in_force = Authorization.objects.in_force(timezone.localdate(moment))
    due = (
        MailSystem.objects.filter(Exists(in_force.filter(system=OuterRef("pk"))))
        .filter(Exists(MailDomain.objects.filter(system=OuterRef("pk"))))
        .filter(Q(retired_on=None) | Q(retired_on__gt=timezone.localdate(moment)))
        .filter(no_active_probe=False)
        .exclude(Exists(looks.filter(status=Wave.Status.OPEN)))
        .exclude(Exists(looks.filter(status=Wave.Status.DONE, created_at__gt=moment - interval)))
        # A wave given up is not tried again before the policy's pause.
        .exclude(
            Exists(
                looks.filter(
                    status=Wave.Status.VOID,
                    reason=Wave.Reason.SCHEDULE,
                    created_at__gt=moment - dt.timedelta(seconds=wave.retry_after[0]),
                )
            )
        )
        .annotate(seen=Exists(looks.filter(status=Wave.Status.DONE)))
        .values_list("pk", "seen")
        .order_by("pk")[:_SCHEDULED_AT_ONCE]
    )
    rows = [
        Wave(
            system_id=pk,
            reason=Wave.Reason.SCHEDULE,
            due_at=moment + (_offset(pk, interval / 7) if seen else dt.timedelta()),
        )
        for pk, seen in due
    ]
    # ON CONFLICT DO NOTHING: two schedulers in one minute start one wave a system.
    Wave.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _offset(pk: int, span: dt.timedelta) -> dt.timedelta:
    return span * (zlib.crc32(str(pk).encode()) / 2**32)


def claim_due(limit: int = BATCH, now: dt.datetime | None = None) -> Lease | None:
    """Take up to `limit` due waves that nobody holds; None if there are none.

    What people ask for goes before the schedule. Of one system only one wave is held at a time: a
    re-test asked for during the weekly look waits for its end, and no host is met twice at once.
    """
    moment = now or timezone.now()
    asked = models.Case(
        models.When(reason__in=[Wave.Reason.REQUEST, Wave.Reason.RECHECK], then=0), default=1
    )
    with transaction.atomic():
        free = (
            Wave.objects.open()
            .filter(due_at__lte=moment)
            .filter(Q(leased_until=None) | Q(leased_until__lt=moment))
            .order_by(asked, "due_at", "pk")
            .select_related("system")
            .only("pk", "attempts", "system__id")
        )
        if connection.features.has_select_for_update_skip_locked:
            free = free.select_for_update(skip_locked=True, of=("self", "system"), no_key=True)
        held = Wave.objects.open().filter(leased_until__gte=moment).values("system_id")
        locked = list(free.exclude(system__in=held)[:limit])
        # Asked again under the lock: another worker may have committed a lease meanwhile.
        busy = set(
            held.filter(system__in={wave.system_id for wave in locked}).values_list(
                "system_id", flat=True
            )
        )
        found = list(
            {w.system_id: w for w in reversed(locked) if w.system_id not in busy}.values()
        )[::-1]
        if not found:
            return None
        # What failed before goes alone, so that it cannot take nineteen others along again.
        ids = [wave.pk for wave in found if not wave.attempts] or [found[0].pk]
        token = uuid.uuid4().hex
        Wave.objects.filter(pk__in=ids).update(
            lease=token, leased_until=moment + LEASE, attempts=F("attempts") + 1
        )
    return Lease(token, tuple(ids))


def keep(wave_id: int, token: str) -> bool:
    """Prolong the lease on one wave; False if it was lost. Locks the row within a transaction."""
    return bool(
        Wave.objects.open()
        .filter(pk=wave_id, lease=token)
        .update(leased_until=timezone.now() + LEASE)
    )


def holds(lease: Lease, wave_ids: set[int]) -> bool:
    """Whether every one of these waves is still open under the lease, on a system in service.

    A withdrawn letter ends its waves itself; a system retired or closed to probing meanwhile is
    noticed here.
    """
    held = (
        Wave.objects.open()
        .filter(pk__in=wave_ids, lease=lease.token, system__no_active_probe=False)
        .filter(Q(system__retired_on=None) | Q(system__retired_on__gt=timezone.localdate()))
    )
    return held.count() == len(wave_ids)


def release(lease: Lease) -> None:
    """Return what is left of a lease at once, as if it had not been claimed."""
    Wave.objects.open().filter(pk__in=lease.wave_ids, lease=lease.token).update(
        lease="", leased_until=None, attempts=F("attempts") - 1
    )


def put_back(lease: Lease, problem: str) -> None:
    """Return the waves of a lease that are still open, for the pause that the policy names."""
    pauses = scan_policy().wave.retry_after
    for wave in Wave.objects.open().filter(pk__in=lease.wave_ids, lease=lease.token):
        pause = pauses[min(wave.attempts, len(pauses)) - 1]
        if wave.attempts >= MAX_ATTEMPTS:
            give_up(wave, lease.token, problem)
            continue
        Wave.objects.open().filter(pk=wave.pk, lease=lease.token).update(
            lease="",
            leased_until=None,
            due_at=timezone.now() + dt.timedelta(seconds=pause),
            problem=problem[:300],
        )


def give_up(wave: Wave, token: str, problem: str) -> None:
    """End a wave without a result; its runs say why."""
    with transaction.atomic():
        if not keep(wave.pk, token):
            return
        now = timezone.now()
        ScanRun.objects.filter(wave=wave).exclude(status__in=ScanRun.ENDED).update(
            status=ScanRun.Status.FAILED, problem=problem[:300], finished_at=now
        )
        Wave.objects.filter(pk=wave.pk).update(
            status=Wave.Status.VOID,
            problem=problem[:300],
            finished_at=now,
            lease="",
            leased_until=None,
        )
