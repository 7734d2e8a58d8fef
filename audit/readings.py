"""Reading on the trail: which authority, or superior unit, looked at whose details."""

import datetime as dt
from typing import Any, Final

from django.db import models
from django.utils import timezone

from audit.models import AuditEvent
from audit.policy import policy
from audit.trail import record

READ: Final = "unit.read"


def note_reading(obj: models.Model, *, unit: models.Model, by: Any) -> None:
    """Record that somebody reads what is another unit's, once per object within the quiet time.

    Called by the pages that show details, never by lists: a list is told by its export. People of
    the unit itself leave nothing.

    Args:
        obj: what the page shows: the unit, or its mail system, self-check, finding or notice.
        unit: whose it is.
        by: the reader.
    """
    if by.unit == unit:
        return
    lately = AuditEvent.objects.filter(
        actor_id=by.pk,
        action=READ,
        at__gte=timezone.now() - dt.timedelta(minutes=policy().quiet_minutes),
        object_type=obj._meta.label_lower,
        object_id=str(obj.pk),
    )
    if not lately.exists():
        details = {} if obj == unit else {"unit": str(unit)}
        record(READ, obj, by=by, details=details)
