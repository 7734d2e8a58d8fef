"""The one sealer: gives each event its place in the chain, within seconds of its commit.

The order of the chain is that of sealing. An event whose transaction commits late finds events
with higher keys sealed before it, and simply gets the next number.
"""

from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from audit import anchors, digests
from audit.chain import chain_of
from audit.models import AuditEvent, AuditEventQuerySet, AuditSeal

BATCH: Final = 2000
# How far below the newest sealed key a late commit is looked for every few seconds; further back
# the thorough call of the day looks.
LATE: Final = 20_000
_LOCK: Final = 0x61756469  # any number that nothing else of this database locks


def unsealed(*, thorough: bool = True) -> AuditEventQuerySet:
    """The events that have no seal yet; unless thorough, only the newest are looked through."""
    sealed = AuditSeal.objects.filter(event_id=OuterRef("pk"))
    rows = AuditEvent.objects.filter(~Exists(sealed))
    if thorough:
        return rows
    return rows.filter(pk__gt=_newest() - LATE)


def _newest() -> int:
    """The highest key that has a seal."""
    return AuditSeal.objects.aggregate(found=Max("event_id"))["found"] or 0


def seal(*, thorough: bool = False) -> int:
    """Seal what waits, in batches of one transaction each; return how many.

    Safe to call at any time and from several processes: one seals, the others find the place taken
    and leave. A crash leaves whole batches only.

    Args:
        thorough: look through the whole trail for late commits, not only its newest part.
    """
    total = 0
    # Looked at once without the lock: most calls find nothing, and hold up nobody.
    while _waiting(thorough=thorough):
        done = _seal_batch(thorough=thorough)
        total += done
        if done < BATCH:
            break
    return total


def _waiting(*, thorough: bool) -> list[tuple[int, str]]:
    """Key and digest of the events that come next: the late ones, then those behind the newest.

    Behind the newest sealed key no event has a seal, so a backlog is read without a comparison.
    """
    newest = _newest()
    late = unsealed(thorough=thorough).filter(pk__lte=newest)
    fresh = AuditEvent.objects.filter(pk__gt=newest)
    found: list[tuple[int, str]] = []
    for rows in (late, fresh):
        rest = BATCH - len(found)
        found += rows.order_by("pk").values_list("pk", "digest")[:rest] if rest else []
    return found


def _seal_batch(*, thorough: bool) -> int:
    with transaction.atomic():
        if not _my_turn():
            return 0
        head = AuditSeal.objects.order_by("-seq").first()
        seals = _chained(_waiting(thorough=thorough), head, timezone.now())
        AuditSeal.objects.bulk_create(seals, batch_size=500)
        if seals:
            transaction.on_commit(lambda: anchors.note_head(seals[-1]))
    return len(seals)


def _my_turn() -> bool:
    """Whether this transaction is the sealer; SQLite's transactions are one at a time anyway."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _chained(
    waiting: list[tuple[int, str]], head: AuditSeal | None, now: datetime
) -> list[AuditSeal]:
    algorithm, key_id = digests.current()
    seq, chain = (head.seq, head.chain) if head else (0, "")
    seals = []
    for event_id, digest in waiting:
        seq += 1
        made = AuditSeal(
            seq=seq,
            event_id=event_id,
            digest=digest,
            sealed_at=now,
            algorithm=algorithm,
            key_id=key_id,
        )
        chain = made.chain = chain_of(chain, made)
        seals.append(made)
    return seals
