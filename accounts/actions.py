"""What changes accounts, each act on the audit trail."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth import logout
from django.db import transaction

from accounts.models import Membership, User
from accounts.roles import OFFICE_ROLES, PORTAL_ROLES, UNIT_ROLES, Role
from audit.trail import Actor, record
from inventory.models import Office, Unit

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.forms import ChangePasswordForm


class Refused(Exception):
    """A rule of this room forbids the act; `str(error)` is Chinese and meant for the person."""


def log_out(request: "HttpRequest") -> None:
    """End the session. Takes the request because the session is what it ends."""
    if request.user.is_authenticated:
        record("account.logout", request.user, by=request.user)
    logout(request)


@transaction.atomic
def change_password(form: "ChangePasswordForm", *, by: User) -> User:
    """Set the new password that a valid `form` carries; return the user."""
    user: User = form.save(commit=False)
    user.must_change_password = False
    user.save(update_fields=["password", "must_change_password"])
    record("account.password_change", user, by=by)
    return user


@transaction.atomic
def create_account(
    *,
    username: str,
    name: str,
    role: Role,
    password: str,
    by: Actor,
    unit: Unit | None = None,
    office: Office | None = None,
    phone: str = "",
    must_change_password: bool = True,
) -> User:
    """Create a user with one membership.

    Raises:
        Refused: the role does not belong to the given place.
    """
    place: Any = unit or office
    fits = (
        (role in UNIT_ROLES and unit is not None and office is None)
        or (role in OFFICE_ROLES and office is not None and unit is None)
        or (role in PORTAL_ROLES and place is None)
    )
    if not fits:
        raise Refused(f"角色“{role.label}”与所选单位或机关不匹配。")
    user = User.objects.create_user(
        username=username,
        password=password,
        name=name,
        phone=phone,
        must_change_password=must_change_password,
    )
    Membership.objects.create(user=user, role=role, unit=unit, office=office)
    record("account.create", user, by=by, details={"role": role, "place": str(place or "平台")})
    return user
