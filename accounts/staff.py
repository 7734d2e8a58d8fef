"""Whose people somebody may look after: a unit's own, a unit's by its office, an office's own."""

from accounts.models import User
from accounts.roles import Role
from audit.trail import SYSTEM, Actor
from inventory.models import Unit


def may_seat(by: Actor, unit: Unit | None, role: Role) -> bool:
    """Whether `by` alone may give `role` in `unit`: the portal itself, the office that supervises
    the unit, and for all but 审签人 the unit's own 审签人."""
    if by is SYSTEM:
        return True
    if unit is None:
        return False
    if unit.is_supervised_by(by):
        return True
    return role != Role.SIGNER and by.can("staff.manage", unit)


def may_stop(by: User, person: User) -> bool:
    """Whether `by` may end what `person` does in their unit or office, and hand it over.

    A 审签人 is stopped by the office that supervises the unit, neither by themselves nor by
    another of the unit.
    """
    if person.pk == by.pk:
        return False
    if person.unit is not None:
        leads = Role.SIGNER in person.roles
        return by.can("staff.manage", person.unit) and not (leads and by.is_unit_side)
    return person.office is not None and person.office == by.office and by.can("colleague.manage")
