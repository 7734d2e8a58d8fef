"""What changes accounts, each act on the audit trail."""

import datetime as dt
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts import sessions
from accounts.actions.base import not_portal_nor_self
from accounts.actions.grants import ask_again, seat, stop_grants
from accounts.actions.sessions import end_sessions
from accounts.models import EndOfLogin, User
from accounts.policy import policy
from accounts.roles import Role
from accounts.staff import may_stop
from audit.trail import SYSTEM, Actor, record
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
    columns = ["password"]
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
    reason: str = "",
) -> User:
    """Create a user with one role, which counts at once or after 安全管理员 confirmed it (see
    `seat`), and no password: an invitation lets them set their own.

    Raises:
        Refused: the role does not belong to the given place.
    """
    user: User = User.objects.create_user(username=username, name=name, phone=phone)
    grant = seat(user=user, role=role, unit=unit, office=office, reason=reason, by=by)
    details = {"role": role, "place": grant.place, "grant": str(grant.get_status_display())}
    record("account.create", user, by=by, details=details)
    return user


@transaction.atomic
def set_active(*, user: User, active: bool, by: Actor) -> None:
    """Keep `user` out, which ends what they hold; or let them in again, which gives nothing back
    before 安全管理员 confirmed it. Their history stays.

    Raises:
        Refused: one's own account, or one of the 三员.
    """
    not_portal_nor_self(user, by)
    user.is_active = active
    user.save(update_fields=["is_active"])
    record("account.activate" if active else "account.deactivate", user, by=by)
    if active:
        ask_again(user, by=by)
    else:
        stop_grants(user, by=by)
        end_sessions(user=user, why=EndOfLogin.STOPPED, by=by)


def stop_idle_accounts() -> int:
    """Stop the accounts of office people that nobody has used for `account.office_idle_days`, and
    return how many. As after any stop, whoever comes back is let in by 系统管理员 and confirmed by
    安全管理员.

    The 三员 are left: with the last of them stopped, nobody could let anybody in again.
    """
    days = policy().account.office_idle_days
    idle = User.objects.idle_in_offices(timezone.now() - dt.timedelta(days=days))
    return sum(
        _stop_idle(pk, f"连续 {days} 天没有登录") for pk in idle.values_list("pk", flat=True)
    )


@transaction.atomic
def _stop_idle(user_id: int, reason: str) -> bool:
    # Taken again under the lock: another worker may have been quicker.
    user = User.objects.select_for_update().filter(pk=user_id, is_active=True).first()
    if user is None:
        return False
    user.is_active = False
    user.save(update_fields=["is_active"])
    record("account.deactivate", user, by=SYSTEM, details={"reason": reason})
    stop_grants(user, by=SYSTEM, action="idle", reason=reason)
    end_sessions(user=user, why=EndOfLogin.STOPPED, by=SYSTEM)
    return True


@transaction.atomic
def leave(*, user: User, reason: str, by: User) -> None:
    """Stop the account of somebody who leaves their unit or office, at once.

    Raises:
        PermissionDenied: the person is not `by`'s to stop.
    """
    if not may_stop(by, user):
        raise PermissionDenied("staff.manage")
    stop_grants(user, by=by, action="leave" if user.is_unit_side else "move_on", reason=reason)
    User.objects.filter(pk=user.pk).update(is_active=False)
    record("account.deactivate", user, by=by, details={"reason": reason})
    end_sessions(user=user, why=EndOfLogin.STOPPED, by=by)
