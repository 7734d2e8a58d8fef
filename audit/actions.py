"""What is done with the trail itself: asking for a verification, doing it, anchoring it."""

import datetime as dt
from typing import Any, Final

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from audit import anchors
from audit.configuration import note_configuration
from audit.models import AuditEvent
from audit.policy import policy
from audit.sealing import seal
from audit.trail import SYSTEM, Actor, record
from audit.verification import Report, verify
from emailsec.lib.wake import wake

ASKED: Final = "audit.ask"
VERIFIED: Final = "audit.verify"
MOST_TOLD: Final = 20  # faults named in the event; the command names them all
_HELD: Final = "audit.verification"
_HOLD_SECONDS: Final = 600  # as long as a task may take


def ask_verification(*, by: Actor) -> None:
    """Have the trail verified in the background, by whoever gets to it first."""
    with transaction.atomic():
        record(ASKED, None, by=by, label="审计日志")
        wake("audit.tasks.watch")


def run_verification(
    *, by: Actor = SYSTEM, since: dt.datetime | None = None, **more: Any
) -> Report:
    """Verify the trail and record the result as an event of its own.

    Args:
        since: as for `verify`, which takes `more` as well.
    """
    report = verify(since=since, **more)
    details = {
        "rows": report.rows,
        "unsealed": report.unsealed,
        "faults": report.fault_count,
        "found": [str(fault) for fault in report.faults[:MOST_TOLD]],
        "warnings": report.warnings[:MOST_TOLD],
        "seconds": round(report.seconds, 1),
    }
    if since:
        details["since"] = since.isoformat()
    with transaction.atomic():
        result = "failed" if report.fault_count else "ok"
        record(VERIFIED, None, by=by, label="审计日志", details=details, result=result)
    return report


def last_verification() -> AuditEvent | None:
    """The newest verification of the whole trail, as it was recorded."""
    return AuditEvent.objects.filter(action=VERIFIED).exclude(details__has_key="since").first()


def verification_asked() -> bool:
    """Whether somebody waits for a verification."""
    last = last_verification()
    return AuditEvent.objects.filter(action=ASKED, pk__gt=last.pk if last else 0).exists()


def verification_due() -> bool:
    """Whether somebody waits for a verification, or the last one is too long ago."""
    last = last_verification()
    if last is None or last.at < timezone.now() - dt.timedelta(hours=policy().verify_hours):
        return True
    return verification_asked()


def watch() -> None:
    """Do what is due: note the configuration, anchor the day, verify. Safe to run twice."""
    note_configuration()
    if anchors.due():
        seal(thorough=True)
        anchors.write()
    if verification_due() and cache.add(_HELD, True, _HOLD_SECONDS):
        try:
            run_verification()
        finally:
            cache.delete(_HELD)
