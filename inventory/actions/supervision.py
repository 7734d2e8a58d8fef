"""Who supervises a unit: the hand-over from one office to another."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.trail import Actor, record
from emailsec.lib.wake import wake
from inventory.actions.base import Refused
from inventory.jurisdiction import beyond
from inventory.models import Office, Region, Supervision, SupervisionTransfer, Unit


@transaction.atomic
def transfer_unit(
    *, unit: Unit, office: Office, reason: str, by: Actor, region: Region | None = None
) -> SupervisionTransfer:
    """Place `unit` under `office` for the office's kind of authority, and record the move.

    The record with its empty `told_at` is what `inbox` tells both offices of.

    Args:
        region: where the unit lies from now on, where it has moved; else it stays.

    Raises:
        Refused: no reason given, the unit is already there, `by` works in an office that merely
            reads the unit, or the unit would lie outside the area of a supervising office.
    """
    if by.pk is not None and not unit.is_supervised_by(by):
        raise Refused("只有该单位的监管机关或其上级机关可以变更监管关系。")
    if not reason.strip():
        raise Refused("变更监管关系须填写理由。")
    row = unit.supervisions.select_for_update().filter(kind=office.kind).first()
    former = row.office if row else None
    if former == office:
        raise Refused(f"该单位现在就由{office}监管，无需变更。")
    details = _move(unit, office, region)
    details |= {"from": str(former or ""), "to": str(office), "reason": reason.strip()}
    if row:
        row.office = office
        row.since = timezone.localdate()
        row.save(update_fields=["office", "since"])
    else:
        Supervision.objects.create(unit=unit, kind=office.kind, office=office)
    transfer: SupervisionTransfer = SupervisionTransfer.objects.create(
        unit=unit, kind=office.kind, from_office=former, to_office=office, reason=reason.strip()
    )
    record("unit.transfer", unit, by=by, details=details)
    wake("inbox.tasks.tell_transfers")
    return transfer


def _move(unit: Unit, office: Office, region: Region | None) -> dict[str, Any]:
    """Let `unit` lie in `region` from now on; return what to record of it.

    Raises:
        Refused: an office that supervises it from now on does not reach there.
    """
    place = region or unit.region
    others = unit.supervisions.exclude(kind=office.kind).select_related("office__region")
    for each in [office, *(row.office for row in others if region)]:
        if text := beyond(place, each):
            raise Refused(text)
    if place == unit.region:
        return {}
    moved = [unit.region.full_name, place.full_name]
    unit.region = place
    unit.save(update_fields=["region"])
    return {"region": moved}
