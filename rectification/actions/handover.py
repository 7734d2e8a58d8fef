"""What becomes of the notices of an office that gave a unit away."""

from typing import Final

from django.db import transaction
from django.utils import timezone

from audit.trail import SYSTEM
from emailsec.lib.workdays import today
from inventory.models import SupervisionTransfer
from rectification.actions.base import lock
from rectification.lifecycles import NOTICE
from rectification.models import Notice

_UNSERVED: Final = (Notice.Status.DRAFTED, Notice.Status.CHECKED, Notice.Status.APPROVED)


@transaction.atomic
def settle_transfer(transfer: SupervisionTransfer) -> int:
    """End the notices that the unit has not had yet and that nobody could serve any more: those of
    the giving office and of offices above it that do not stand above the taking one. A number once
    given stays used; the findings are free for a notice of the office that took over.

    Returns:
        how many notices were ended; 0 as well where another call settled the hand-over.
    """
    waiting = SupervisionTransfer.objects.filter(pk=transfer.pk, settled_at=None)
    if waiting.update(settled_at=timezone.now()) != 1:
        return 0
    path = transfer.to_office.path
    rows = Notice.objects.filter(
        unit=transfer.unit, office__kind=transfer.kind, status__in=_UNSERVED
    ).select_related("office", "unit")
    lost = [notice for notice in rows if not path.startswith(notice.office.path)]
    for notice in lost:
        lock(notice)
        reason = f"单位已移交{transfer.to_office}监管，尚未送达的通知不再执行。"
        NOTICE.move(notice, "handed_over", by=SYSTEM, reason=reason)
        notice.items.live().update(ended_on=today())
    return len(lost)


def settle_transfers() -> None:
    """Settle what was handed over since the last time; safe to run twice."""
    done = SupervisionTransfer.objects.filter(settled_at=None, status__in=SupervisionTransfer.DONE)
    for transfer in done.select_related("unit", "to_office")[:200]:
        settle_transfer(transfer)
