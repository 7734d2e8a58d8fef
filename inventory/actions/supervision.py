"""Who supervises a unit: the hand-over from one office to another.

The giving office proposes, the taking office accepts or declines; an office that stands above both
orders it at once. Until then nothing changes.
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.trail import Actor, record
from emailsec.lib.wake import wake
from inventory.actions.base import Refused, require_in_use
from inventory.jurisdiction import beyond
from inventory.models import Office, Region, Supervision, SupervisionTransfer, Unit

_S = SupervisionTransfer.Status


@transaction.atomic
def transfer_unit(
    *, unit: Unit, office: Office, reason: str, by: Actor, region: Region | None = None
) -> SupervisionTransfer:
    """Propose that `office` supervise `unit` for its kind of authority, or order it at once where
    `by` works in an office that stands above both (or is the portal itself).

    The record with its empty `told_at` is what `inbox` tells those concerned of.

    Args:
        region: where the unit lies from then on, where it has moved; else it stays.

    Raises:
        Refused: no reason given, the unit is already there or on its way, `by` works in an office
            that merely reads the unit, `office` is retired, or the unit would lie outside the area
            of a supervising office.
    """
    if by.pk is not None and not unit.is_supervised_by(by):
        raise Refused("只有该单位的监管机关或其上级机关可以变更监管关系。")
    if not reason.strip():
        raise Refused("变更监管关系须填写理由。")
    former = _supervisor(unit, office.kind)
    if former == office:
        raise Refused(f"该单位现在就由{office}监管，无需变更。")
    require_in_use(office)
    _require_area(unit, office, region)
    transfer = SupervisionTransfer(
        unit=unit,
        kind=office.kind,
        from_office=former,
        to_office=office,
        region=region,
        reason=reason.strip(),
        by_label=by.label,
    )
    if _stands_above(by, transfer):
        _overrule(transfer, by=by)
        _carry_out(transfer, _S.ORDERED, by=by)
    else:
        _save(transfer)
        details = {"from": str(former or ""), "to": str(office), "reason": transfer.reason}
        record("unit.transfer_propose", unit, by=by, details=details)
    wake("inbox.tasks.tell_transfers")
    return transfer


@transaction.atomic
def accept_transfer(*, transfer: SupervisionTransfer, by: Actor) -> None:
    """Take the unit over; from now on `transfer.to_office` supervises it.

    Raises:
        PermissionDenied: `by` does not manage units for the taking office.
        Refused: the proposal is no longer open, or no longer fits.
    """
    _require_seat(by, transfer.to_office)
    _lock(transfer)
    if _supervisor(transfer.unit, transfer.kind) != transfer.from_office:
        raise Refused("该单位的监管机关已另有变更，此项移交不再有效，请不予接收。")
    require_in_use(transfer.to_office)
    _require_area(transfer.unit, transfer.to_office, transfer.region)
    _carry_out(transfer, _S.ACCEPTED, by=by)
    wake("inbox.tasks.tell_transfers")


@transaction.atomic
def decline_transfer(*, transfer: SupervisionTransfer, reason: str, by: Actor) -> None:
    """Leave the unit where it is, and say why.

    Raises:
        PermissionDenied: `by` does not manage units for the taking office.
        Refused: no reason given, or the proposal is no longer open.
    """
    _require_seat(by, transfer.to_office)
    if not reason.strip():
        raise Refused("不予接收须填写理由。")
    _lock(transfer)
    _answer(transfer, _S.DECLINED, by=by, answer=reason.strip())
    details = {"to": str(transfer.to_office), "reason": transfer.answer}
    record("unit.transfer_decline", transfer.unit, by=by, details=details)
    wake("inbox.tasks.tell_transfers")


@transaction.atomic
def withdraw_transfer(*, transfer: SupervisionTransfer, by: Actor) -> None:
    """Take a proposal back while it is open.

    Raises:
        PermissionDenied: `by` does not manage units for the giving office.
        Refused: the proposal is no longer open.
    """
    _require_seat(by, transfer.from_office)
    _lock(transfer)
    _answer(transfer, _S.WITHDRAWN, by=by)
    details = {"to": str(transfer.to_office)}
    record("unit.transfer_withdraw", transfer.unit, by=by, details=details)
    wake("inbox.tasks.tell_transfers")


def may_answer(by: Actor, office: Office | None) -> bool:
    """Say whether `by` manages units for `office`, in it or above it."""
    return by.can("unit.manage") and _under(by, {office.pk if office else None})


def _require_seat(by: Actor, office: Office | None) -> None:
    if not may_answer(by, office):
        raise PermissionDenied("unit.manage")


def _under(by: Actor, keys: set[int | None]) -> bool:
    return bool(keys <= set(Office.objects.under(by).values_list("pk", flat=True)))


def _stands_above(by: Actor, transfer: SupervisionTransfer) -> bool:
    both = {transfer.to_office_id, transfer.from_office_id} - {None}
    return by.pk is None or _under(by, both)


def _supervisor(unit: Unit, kind: str) -> Office | None:
    row = unit.supervisions.filter(kind=kind).select_related("office").first()
    return row.office if row else None


def _save(transfer: SupervisionTransfer) -> None:
    try:
        with transaction.atomic():
            transfer.save()
    except IntegrityError:
        raise Refused("该单位已有一项移交待接收，请先撤回或等待答复。") from None


def _overrule(transfer: SupervisionTransfer, *, by: Actor) -> None:
    """Close the open proposal, if any, that an order leaves without object."""
    rows = SupervisionTransfer.objects.select_for_update().waiting()
    for row in rows.filter(unit=transfer.unit, kind=transfer.kind):
        _answer(row, _S.WITHDRAWN, by=by, answer="上级机关已另行决定。")


def _lock(transfer: SupervisionTransfer) -> None:
    """Queue at the row and read it afresh, so that one answer wins."""
    SupervisionTransfer.objects.select_for_update().get(pk=transfer.pk)
    transfer.refresh_from_db()
    if transfer.status != _S.PROPOSED:
        raise Refused(f"此项移交“{transfer.get_status_display()}”，不能再办理。")


def _answer(transfer: SupervisionTransfer, status: str, *, by: Actor, answer: str = "") -> None:
    transfer.status, transfer.answer, transfer.told_at = status, answer, None
    transfer.answered_at, transfer.answered_by = timezone.now(), by.label
    transfer.save()


def _carry_out(transfer: SupervisionTransfer, status: str, *, by: Actor) -> None:
    """Place the unit under the taking office, and record it."""
    unit, office = transfer.unit, transfer.to_office
    details = {
        "from": str(transfer.from_office or ""),
        "to": str(office),
        "reason": transfer.reason,
        "decision": str(SupervisionTransfer.Status(status).label),
        **_move(unit, transfer.region),
    }
    Supervision.objects.update_or_create(
        unit=unit, kind=transfer.kind, defaults={"office": office, "since": timezone.localdate()}
    )
    _answer(transfer, status, by=by)
    record("unit.transfer", unit, by=by, details=details)
    wake("rectification.tasks.settle_transfers")


def _require_area(unit: Unit, office: Office, region: Region | None) -> None:
    """Refuse where an office that supervises the unit from now on does not reach it."""
    others = unit.supervisions.exclude(kind=office.kind).select_related("office__region")
    for each in [office, *(row.office for row in others if region)]:
        if text := beyond(region or unit.region, each):
            raise Refused(text)


def _move(unit: Unit, region: Region | None) -> dict[str, Any]:
    """Let `unit` lie in `region` from now on; return what to record of it."""
    if region is None or region == unit.region:
        return {}
    moved = [unit.region.full_name, region.full_name]
    unit.region = region
    unit.save(update_fields=["region"])
    return {"region": moved}
