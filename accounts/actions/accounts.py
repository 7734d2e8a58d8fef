"""What changes accounts, each act on the audit trail."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.contrib.auth import logout
from django.db import transaction

from accounts.actions.base import Refused, not_portal_nor_self
from accounts.models import Membership, User
from accounts.passwords import initial_password
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
    logout(request)


@transaction.atomic
def change_password(form: "ChangePasswordForm", *, by: User) -> User:
    """Set the new password that a valid `form` carries, and the name where it asks for one."""
    user: User = form.save(commit=False)
    user.must_change_password = False
    columns = ["password", "must_change_password"]
    for column in ("name", "phone"):
        if column in form.cleaned_data:
            setattr(user, column, form.cleaned_data[column])
            columns.append(column)
    user.save(update_fields=columns)
    record("account.password_change", user, by=by)
    return user


@transaction.atomic
def create_account(
    *,
    username: str,
    name: str,
    role: Role,
    password: str | None,
    by: Actor,
    unit: Unit | None = None,
    office: Office | None = None,
    phone: str = "",
    must_change_password: bool = True,
) -> User:
    """Create a user with one membership; without a password nobody can log in as them yet.

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
    user: User = User.objects.create_user(
        username=username,
        password=password,
        name=name,
        phone=phone,
        must_change_password=must_change_password,
    )
    Membership.objects.create(user=user, role=role, unit=unit, office=office)
    record("account.create", user, by=by, details={"role": role, "place": str(place or "平台")})
    return user


@dataclass(frozen=True)
class Invitation:
    """A fresh account of a unit and its one-time password, which is kept nowhere else."""

    user: User
    password: str = field(repr=False)
    renewed: bool


def seat_of(unit: Unit, role: Role) -> User | None:
    """The active account that holds `role` in `unit`: the oldest one, where there are several."""
    seats = Membership.objects.filter(unit=unit, role=role, active=True, user__is_active=True)
    seat = seats.select_related("user").order_by("user_id").first()
    return seat.user if seat else None


# Why a sheet is no longer printed for an account.
IN_USE = "本人已启用，忘记口令由平台系统管理员重置"
_SUFFIX = {Role.FILLER: "tb", Role.SIGNER: "sq"}


@transaction.atomic
def invite_unit(*, unit: Unit, role: Role, by: Actor) -> Invitation:
    """Create the unit's account for `role`, or give one that nobody has used yet a new first
    password.

    Whoever prints the sheet reads the password on it. Were an account in use to be reset here, its
    supervisor could sign in the name of the unit's leader.

    Raises:
        Refused: not a role to invite, `by` works in an office that merely reads the unit, or the
            account is its owner's already.
    """
    if role not in _SUFFIX:
        raise Refused("报送账号只有填报人和审签人两种。")
    if not unit.is_supervised_by(by):
        raise Refused("只有该单位的监管机关或其上级机关可以发放账号。")
    password = initial_password()
    user = seat_of(unit, role)
    renewed = user is not None
    if user is not None and user.has_been_used:
        raise Refused(f"{role.label}账号{IN_USE}。")
    if user is None:
        user = create_account(
            username=_free_username(f"dw{unit.pk:06d}-{_SUFFIX[role]}"),
            name=str(role.label),
            role=role,
            unit=unit,
            password=password,
            by=by,
        )
    else:
        _give(user, password)
    record(
        "account.invite",
        unit,
        by=by,
        details={"username": user.username, "role": role.value, "renewed": renewed},
    )
    return Invitation(user=user, password=password, renewed=renewed)


def _free_username(base: str) -> str:
    taken = set(User.objects.filter(username__startswith=base).values_list("username", flat=True))
    names = [base, *(f"{base}{n}" for n in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def _give(user: User, password: str) -> None:
    user.set_password(password)
    user.must_change_password = True
    user.save(update_fields=["password", "must_change_password"])


@transaction.atomic
def reset_password(*, user: User, by: Actor) -> str:
    """Give `user` a one-time password and return it; it is kept nowhere else.

    Raises:
        Refused: one's own account, or one of the 三员.
    """
    not_portal_nor_self(user, by)
    password = initial_password()
    _give(user, password)
    record("account.reset_password", user, by=by)
    return password


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
