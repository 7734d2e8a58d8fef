"""What changes the tree of supervising offices."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.trail import Actor, record
from inventory.actions.base import Refused, changes_of
from inventory.models import Office
from inventory.offices import left_of, problems


@transaction.atomic
def save_office(*, office: Office, by: Actor) -> Office:
    """Save an office, new or changed; those below it keep their place beneath it.

    Raises:
        Refused: `by` does not keep the reference data, or a rule of `inventory.offices` forbids it,
            perhaps because of what somebody else has just saved.
    """
    _hold_tree(by)
    is_new = office.pk is None
    if not is_new:  # the form was opened before: a retirement since then stands
        office.retired_on = Office.objects.get(pk=office.pk).retired_on
    if reason := next((reason for _, reason in problems(office)), ""):
        raise Refused(reason)
    changes = {} if is_new else changes_of(office)
    try:
        with transaction.atomic():
            office.save()
    except IntegrityError:
        raise Refused("已有同名的监管机关。") from None
    if is_new:
        record("office.create", office, by=by, details={"parent": str(office.parent or "")})
    elif changes:
        record("office.update", office, by=by, details=changes)
    return office


@transaction.atomic
def retire_office(*, office: Office, reason: str, by: Actor) -> None:
    """Take an office out of use: nothing new is given to it, what it did still names it.

    Raises:
        Refused: `by` does not keep the reference data, no reason, it is retired already, or
            something still hangs on it (see `inventory.offices.left_of`).
    """
    _hold_tree(by)
    if not reason.strip():
        raise Refused("停用监管机关须填写理由。")
    office.refresh_from_db()
    if office.retired_on:
        raise Refused(f"{office}已经停用。")
    if left := left_of(office):
        raise Refused(f"{office}还不能停用，尚有：{'、'.join(left)}。")
    office.retired_on = timezone.localdate()
    office.save(update_fields=["retired_on"])
    record("office.retire", office, by=by, details={"reason": reason.strip()})


@transaction.atomic
def restore_office(*, office: Office, by: Actor) -> None:
    """Take a retired office into use again.

    Raises:
        Refused: `by` does not keep the reference data, it is in use, or the one above is retired.
    """
    _hold_tree(by)
    office.refresh_from_db()
    if not office.retired_on:
        raise Refused(f"{office}没有停用。")
    if office.parent and office.parent.retired_on:
        raise Refused(f"上级机关{office.parent}已停用，请先恢复上级，或改变上级。")
    since = office.retired_on
    office.retired_on = None
    office.save(update_fields=["retired_on"])
    record("office.restore", office, by=by, details={"since": since.isoformat()})


def _hold_tree(by: Actor) -> None:
    """Let `by` change the tree, one change at a time: two that are right alone can make a ring
    together, or hang a new office below one that has just been retired."""
    if not by.can("reference.manage"):
        raise Refused("监管机关由系统管理员维护。")
    list(Office.objects.select_for_update().order_by("pk").values_list("pk", flat=True))
