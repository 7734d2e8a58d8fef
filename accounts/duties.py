"""Separation of duties: what one person may not hold together.

The database refuses the same (constraints of `Membership`, triggers of migration 0002); here it is
said in words, before anything is written.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from accounts.models import Membership
from accounts.roles import OFFICE_ROLES, PORTAL_ROLES, POWERS, UNIT_ROLES, Role
from inventory.models import Office, Unit

# Who drafts does not approve, who fills in does not sign.
EXCLUSIVE = (
    frozenset({Role.CASE_OFFICER, Role.APPROVER}),
    frozenset({Role.FILLER, Role.SIGNER}),
)


def fits(role: Role, unit: Unit | None, office: Office | None) -> bool:
    """Whether `role` is one of such a place."""
    if role in UNIT_ROLES:
        return unit is not None and office is None
    if role in OFFICE_ROLES:
        return office is not None and unit is None
    return unit is None and office is None


def conflict(
    held: Iterable[Membership], role: Role, unit: Unit | None, office: Office | None
) -> str:
    """Say in Chinese why a person who holds `held` may not also hold `role` there; "" if they may.

    Args:
        held: the person's other memberships, in force or asked for.
    """
    if office is not None and office.retired_on:
        return f"{office}已停用，不能再任职。"
    for seat in held:
        other = Role(seat.role)
        if {role, other} & PORTAL_ROLES:
            return f"三员互不兼任，也不兼任业务角色，此人已是{other.label}。"
        if (seat.unit, seat.office) != (unit, office):
            return f"一个账号只在一处任职，此人已在{seat.place}任{other.label}，请先终止原任职。"
        if other == role:
            return f"此人已是{seat.place}的{other.label}，或正在等待确认。"
        if {role, other} in EXCLUSIVE:
            return f"{role.label}和{other.label}不得由一人兼任。"
    return ""


def overlaps() -> list[tuple[str, str]]:
    """Pairs of one of the 三员 and another role that share a power; must be empty."""
    return [
        (str(one.label), str(other.label))
        for one, other in combinations(Role, 2)
        if {one, other} & PORTAL_ROLES and POWERS[one] & POWERS[other]
    ]


@register
def duties_are_separate(
    app_configs: Sequence[AppConfig] | None, **_kwargs: Any
) -> list[CheckMessage]:
    """No power of the 三员 is one of another role: neither of each other nor of the business."""
    return [
        Error(f"角色“{one}”与“{other}”有相同的权限", id="accounts.E001")
        for one, other in overlaps()
    ]
