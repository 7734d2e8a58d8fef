"""Whose rows left the portal: every export, download and print names the units that were in it.

An export of ten thousand units is one event; its units are rows beside it, and the event's own
content, which the chain protects, holds their number and a digest of them.
"""

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from django.db.models import Exists, OuterRef, Q, QuerySet

from audit import digests
from audit.models import AuditEvent, Taken, TakenUnit

# The acts by which something leaves: what the export log lists.
ACTIONS: Final = (
    "list.export",
    "document.download",
    "evidence.download",
    "signoff.download",
    "authorization.download",
    "notice_scan.download",
    "reply_evidence.download",
    "registration.proof",
    "notice.preview",
    "invitation.print",
)
_BATCH: Final = 2000
_EVENTS: Final = 50  # each may have taken every unit there is


class NamedUnit(Protocol):
    """A unit of `inventory`, which lies above this room."""

    pk: Any
    name: Any
    uscc: Any


def counted(units: Iterable[NamedUnit]) -> tuple[Mapping[int, NamedUnit], dict[str, Any]]:
    """Return the units once each, by key, and what the event says of them.

    The digest is the SHA-256 of the keys in ascending order, joined by commas: rows beside the
    event that were added or dropped no longer agree with it.
    """
    once = {int(unit.pk): unit for unit in units}
    return once, {"units": len(once), "units_sha256": _digest(once)} if once else {}


def _digest(keys: Iterable[int]) -> str:
    return hashlib.sha256(",".join(map(str, sorted(keys))).encode()).hexdigest()


def note_taken(event: AuditEvent, units: Mapping[int, NamedUnit]) -> None:
    """Put the units beside their event, within the transaction of the act."""
    algorithm, key_id = digests.current()
    names = [
        TakenUnit(unit_id=key, name=u.name, code=u.uscc, algorithm=algorithm, key_id=key_id)
        for key, u in units.items()
    ]
    for row in names:
        row.digest = name_digest(row)
    TakenUnit.objects.bulk_create(
        names,
        batch_size=_BATCH,
        ignore_conflicts=True,
    )
    Taken.objects.bulk_create(
        [Taken(event_id=event.pk, unit_id=key) for key in units], batch_size=_BATCH
    )


def name_digest(row: TakenUnit) -> str:
    """Return the hex HMAC of a unit's name as it was noted.

    Raises:
        audit.digests.UnknownKey: the portal does not hold the key that the row names.
    """
    return digests.mac([row.unit_id, row.name, row.code], row.algorithm, row.key_id)


def units_named(text: str) -> "QuerySet[TakenUnit]":
    """The units of which something was ever taken, by a part of their name or by their code; also
    by a name that they no longer have."""
    return TakenUnit.objects.filter(Q(name__icontains=text) | Q(code=text.upper())).order_by("name")


def events_about(text: str) -> "QuerySet[Taken, int]":
    """The events by which something of those units was taken, as a subquery of their keys."""
    units = set(units_named(text).values_list("unit_id", flat=True))
    return Taken.objects.filter(unit_id__in=units).values_list("event_id", flat=True)


def renamed() -> Iterator[int]:
    """The units whose noted name or code was altered or is gone, by their keys."""
    for row in TakenUnit.objects.order_by("pk").iterator(_BATCH):
        try:
            sound = row.digest == name_digest(row)
        except digests.UnknownKey:
            sound = False
        if not sound:
            yield row.unit_id
    known = TakenUnit.objects.filter(unit_id=OuterRef("unit_id"))
    nameless = Taken.objects.filter(~Exists(known)).order_by("unit_id")
    yield from nameless.values_list("unit_id", flat=True).distinct()


def disagreeing(since: dt.datetime | None = None) -> Iterator[int]:
    """The events whose units are no longer those that they were recorded with.

    Args:
        since: only events from then on.
    """
    after = 0
    while True:
        events = AuditEvent.objects.filter(action__in=ACTIONS, pk__gt=after).order_by("pk")
        batch = list((events.filter(at__gte=since) if since else events)[:_EVENTS])
        if not batch:
            return
        keys: dict[int, list[int]] = defaultdict(list)
        rows = Taken.objects.filter(event_id__in=[event.pk for event in batch])
        for event_id, unit_id in rows.values_list("event_id", "unit_id").iterator(_BATCH):
            keys[event_id].append(unit_id)
        for event in batch:
            there = keys[event.pk]
            said = (event.details.get("units", 0), event.details.get("units_sha256", ""))
            if said != (len(there), _digest(there) if there else ""):
                yield event.pk
        after = batch[-1].pk
