"""What changes the tree of supervising offices."""

from django.db import IntegrityError, transaction

from audit.trail import Actor, record
from inventory.actions.base import Refused, changes_of
from inventory.models import Office
from inventory.offices import problems


@transaction.atomic
def save_office(*, office: Office, by: Actor) -> Office:
    """Save an office, new or changed; those below it keep their place beneath it.

    Raises:
        Refused: `by` does not keep the reference data, or a rule of `inventory.offices` forbids it,
            perhaps because of what somebody else has just saved.
    """
    if not by.can("reference.manage"):
        raise Refused("监管机关由系统管理员维护。")
    # One change of the tree at a time: two that are right alone can make a ring together.
    list(Office.objects.select_for_update().order_by("pk").values_list("pk", flat=True))
    if reason := next((reason for _, reason in problems(office)), ""):
        raise Refused(reason)
    is_new = office.pk is None
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
