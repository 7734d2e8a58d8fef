"""Who may read a unit beside those who supervise it: other offices for a time, its superior."""

import datetime as dt

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from audit.trail import Actor, record
from inventory.actions.base import Refused, require_in_use
from inventory.models import Delegation, Office, Unit

LONGEST_DAYS = 366


def _require(by: Actor, unit: Unit) -> None:
    if not by.can("unit.manage", unit):
        raise PermissionDenied("unit.manage")


@transaction.atomic
def delegate_unit(
    *, unit: Unit, office: Office, until: dt.date, reason: str, by: Actor
) -> Delegation:
    """Let the people of `office` read `unit` until the end of a day.

    Raises:
        PermissionDenied: `by` does not manage the unit.
        Refused: no reason, a day that is past or more than a year away, or an office that
            supervises the unit, may read it already or is retired.
    """
    _require(by, unit)
    if not reason.strip():
        raise Refused("请填写事由。")
    today = timezone.localdate()
    if not today <= until <= today + dt.timedelta(days=LONGEST_DAYS):
        raise Refused("截止日期须在今天至一年以内。")
    if unit.supervisions.filter(office__path__startswith=office.path).exists():
        raise Refused(f"{office}本来就能查阅该单位，无需授权。")
    require_in_use(office)
    Unit.objects.select_for_update().get(pk=unit.pk)  # two clicks give one delegation
    if unit.delegations.in_force().filter(office=office).exists():
        raise Refused(f"已授权{office}查阅，如需变更请先结束原来的授权。")
    row: Delegation = Delegation.objects.create(
        unit=unit, office=office, until=until, reason=reason.strip(), given_by=by.label
    )
    details = {"to": str(office), "until": until.isoformat(), "reason": row.reason}
    record("unit.delegate", unit, by=by, details=details)
    return row


@transaction.atomic
def end_delegation(*, delegation: Delegation, by: Actor) -> None:
    """End a delegation before its day; the trail keeps who had it and until when.

    Raises:
        PermissionDenied: `by` does not manage the unit.
    """
    _require(by, delegation.unit)
    if Delegation.objects.filter(pk=delegation.pk).delete()[0]:
        details = {"to": str(delegation.office), "until": delegation.until.isoformat()}
        record("unit.delegate_end", delegation.unit, by=by, details=details)


@transaction.atomic
def set_superior(*, unit: Unit, uscc: str, may_read: bool, by: Actor) -> Unit | None:
    """Name the superior unit by its credit code, and say whether it may read; "" for none.

    Raises:
        PermissionDenied: `by` does not manage the unit.
        Refused: no unit has that code, or the unit would stand above itself.
    """
    _require(by, unit)
    superior = Unit.objects.filter(uscc=uscc).first() if uscc else None
    if uscc and superior is None:
        raise Refused("没有登记此代码的单位，请核对；上级单位须先登记。")
    if unit.pk in _line(superior):
        raise Refused("上级单位不能是本单位或其下级单位。")
    before = {"superior": str(unit.superior or ""), "may_read": unit.superior_may_read}
    unit.superior, unit.superior_may_read = superior, bool(may_read and superior)
    after = {"superior": str(superior or ""), "may_read": unit.superior_may_read}
    if changes := {
        name: [before[name], after[name]] for name in after if before[name] != after[name]
    }:
        unit.save(update_fields=["superior", "superior_may_read"])
        record("unit.superior", unit, by=by, details=changes)
    return superior


def _line(unit: Unit | None) -> set[int]:
    """Keys of `unit` and of the units above it."""
    line: set[int] = set()
    while unit is not None and unit.pk not in line:
        line.add(unit.pk)
        unit = unit.superior
    return line
