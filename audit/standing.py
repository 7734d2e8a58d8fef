"""How the trail stands: what is sealed, anchored, archived and verified; and one event's proof."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Min

from audit import anchors, archives, digests, guards
from audit.actions import last_verification, verification_asked
from audit.models import AuditEvent, AuditSeal
from audit.sealing import unsealed
from audit.trail import digest_of


@dataclass(frozen=True)
class State:
    """The trail as its page tells it.

    Attributes:
        seal: the newest seal.
        waiting, oldest: events without a seal yet, and the moment of the oldest.
        anchor: the newest daily anchor.
        archives: all archives.
        verification: the newest verification of the whole trail, as it was recorded.
        asked: whether one is waited for.
        open_locks: what does not hold of the database's own protection, in Chinese.
    """

    seal: AuditSeal | None
    waiting: int
    oldest: dt.datetime | None
    anchor: anchors.Anchor | None
    archives: list[archives.Archive]
    verification: AuditEvent | None
    asked: bool
    open_locks: list[str]


def state() -> State:
    """Look it up; a bounded look, which reads no event but the newest."""
    waiting = unsealed(thorough=False).aggregate(count=Count("pk"), oldest=Min("at"))
    return State(
        seal=AuditSeal.objects.order_by("-seq").first(),
        waiting=waiting["count"],
        oldest=waiting["oldest"],
        anchor=anchors.latest(),
        archives=archives.every(),
        verification=last_verification(),
        asked=verification_asked(),
        open_locks=guards.open_locks(),
    )


@dataclass(frozen=True)
class Proof:
    """Whether one event is as it was written: its seal, and what is wrong in Chinese."""

    seal: AuditSeal | None
    fault: str


def proof_of(event: AuditEvent) -> Proof:
    """Hold an event against its digest and its seal; the chain as a whole is `verify`'s."""
    seal = AuditSeal.objects.filter(event_id=event.pk).first()
    try:
        fault = "" if event.digest == digest_of(event) else "内容与摘要不符，已被改动"
    except digests.UnknownKey as error:
        fault = str(error)
    if not fault and seal and seal.digest != event.digest:
        fault = "摘要与封存时不同，已被改动"
    return Proof(seal, fault)
