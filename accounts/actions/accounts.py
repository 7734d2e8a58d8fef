"""What changes accounts, each act on the audit trail."""

from typing import TYPE_CHECKING, Any

from django.db import transaction

from accounts import sessions
from accounts.actions.base import Refused, not_portal_nor_self
from accounts.actions.sessions import end_sessions
from accounts.models import EndOfLogin, Membership, User
from accounts.roles import OFFICE_ROLES, PORTAL_ROLES, UNIT_ROLES, Role
from audit.trail import Actor, record
from inventory.models import Office, Unit

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.forms.accounts import ChangePasswordForm


def log_out(request: "HttpRequest") -> None:
    """End the session. Takes the request because the session is what it ends."""
    if request.user.is_authenticated:
        record("account.logout", request.user, by=request.user)
    sessions.end(request, EndOfLogin.LOGOUT)


@transaction.atomic
def change_password(form: "ChangePasswordForm", *, by: User, login: int | None) -> User:
    """Set the new password that a valid `form` carries, and the name where it asks for one.

    Of the person's log-ins only `login` goes on (`accounts.sessions.current_login`).
    """
    user: User = form.save(commit=False)
    user.must_change_password = False
    columns = ["password", "must_change_password"]
    for column in ("name", "phone"):
        if column in form.cleaned_data:
            setattr(user, column, form.cleaned_data[column])
            columns.append(column)
    user.save(update_fields=columns)
    record("account.password_change", user, by=by)
    end_sessions(user=user, why=EndOfLogin.PASSWORD, by=by, except_=login)
    return user


@transaction.atomic
def create_account(
    *,
    username: str,
    name: str,
    role: Role,
    by: Actor,
    unit: Unit | None = None,
    office: Office | None = None,
    phone: str = "",
) -> User:
    """Create a user with one membership and no password: an invitation lets them set their own.

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
    user: User = User.objects.create_user(username=username, name=name, phone=phone)
    Membership.objects.create(user=user, role=role, unit=unit, office=office)
    record("account.create", user, by=by, details={"role": role, "place": str(place or "平台")})
    return user


@transaction.atomic
def set_active(*, user: User, active: bool, by: Actor) -> None:
    """Let `user` in or keep them out; their history stays.

    Raises:
        Refused: one's own account, or one of the 三员.
    """
    not_portal_nor_self(user, by)
    user.is_active = active
    user.save(update_fields=["is_active"])
    record("account.activate" if active else "account.deactivate", user, by=by)
    if not active:
        end_sessions(user=user, why=EndOfLogin.STOPPED, by=by)
