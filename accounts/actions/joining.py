"""Invitations: given out, taken back, and taken up. No password is ever told to anybody."""

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.actions.accounts import create_account
from accounts.actions.base import Refused, not_portal_nor_self
from accounts.actions.grants import hold_grants
from accounts.actions.sessions import end_sessions
from accounts.actions.ways import unbind_all
from accounts.invitation_codes import digest_of, new_code
from accounts.models import EndOfLogin, Grant, Invitation, Membership, User
from accounts.policy import policy
from accounts.roles import Role
from accounts.staff import may_seat
from audit.trail import SYSTEM, Actor, record
from inventory.models import Unit

if TYPE_CHECKING:
    from accounts.forms import JoinForm

# Why no letter is printed for an account.
IN_USE = "本人已启用，忘记口令由平台系统管理员重置"
WAITS = "待平台安全管理员确认"
# One text whether a code never was, was used, has expired or was taken back: it helps nobody guess.
NO_SUCH_CODE = (
    "邀请码无效：可能抄错，也可能已经用过、过期或被收回。请核对；不行的，请联系发放的一方重发。"
)
_SUFFIX = {Role.FILLER: "tb", Role.SIGNER: "sq", Role.READER: "cy"}
# Whom a printed letter invites.
_LETTERS = (Role.FILLER, Role.SIGNER)


@dataclass(frozen=True)
class Invited:
    """A fresh invitation and its code, which is kept nowhere else.

    Attributes:
        renewed: the account stood before.
    """

    user: User
    code: str = field(repr=False)
    expires_at: dt.datetime
    renewed: bool = False

    @property
    def link(self) -> str:
        """The address that opens the invitation; the code stands behind the #, see
        accounts.invitation_codes."""
        return f"{join_address()}#{self.code}"


def join_address() -> str:
    """The page on which a code is typed."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{reverse('accounts:join')}"


@transaction.atomic
def issue_invitation(
    *, user: User, by: Actor, days: int | None = None, renewed: bool = False
) -> Invited:
    """Give `user` a new invitation; an older one is void. The caller records why.

    Args:
        days: how long it is valid; the policy's valid_days where None.
    """
    User.objects.select_for_update().get(pk=user.pk)  # one of two at a time
    _withdraw(user)
    code = new_code()
    until = timezone.now() + dt.timedelta(days=days or policy().invitation.valid_days)
    Invitation.objects.create(
        user=user, digest=digest_of(code), inviter=_inviter(by), expires_at=until
    )
    return Invited(user=user, code=code, expires_at=until, renewed=renewed)


def _inviter(by: Actor) -> str:
    if by is SYSTEM:
        return "平台运维人员"
    label = by.role_label
    # An account of the 三员 may bear the name of its role.
    return (label if label.endswith(str(by)) else f"{label} {by}".strip())[-150:]


def _withdraw(user: User) -> int:
    rows = Invitation.objects.filter(user=user, used_at=None, withdrawn_at=None)
    return rows.update(withdrawn_at=timezone.now())


def seat_of(unit: Unit, role: Role) -> User | None:
    """The active account that holds `role` in `unit`: the oldest one, where there are several.

    Where there is none, the one that waits for 安全管理员: its seat is not free.
    """
    seats = Membership.objects.filter(
        Q(active=True) | Q(grants__status=Grant.Status.REQUESTED),
        unit=unit,
        role=role,
        user__is_active=True,
    )
    seat = seats.select_related("user").order_by("-active", "user_id").first()
    return seat.user if seat else None


@transaction.atomic
def invite_unit(*, unit: Unit, role: Role, by: Actor) -> Invited:
    """Create the unit's account for `role`, or invite again to one that nobody has used yet.

    Whoever prints the letter reads the code on it. Could an account in use be invited to again
    here, its supervisor could sign in the name of the unit's leader.

    Raises:
        Refused: not a role to invite, `by` works in an office that merely reads the unit, or the
            account is its owner's already, or waits to be confirmed.
    """
    _may_invite(unit, role, by)
    user = seat_of(unit, role)
    renewed = user is not None
    if user is not None and role not in user.roles:
        raise Refused(f"{role.label}账号{WAITS}。")
    if user is not None and user.has_been_used:
        raise Refused(f"{role.label}账号{IN_USE}。")
    if user is None:
        user = create_account(
            username=_free_username(f"dw{unit.pk:06d}-{_SUFFIX[role]}"),
            name=str(role.label),
            role=role,
            unit=unit,
            by=by,
        )
    details = {"username": user.username, "role": role.value, "renewed": renewed}
    record("account.invite", unit, by=by, details=details)
    days = policy().invitation.letter_days
    return issue_invitation(user=user, by=by, days=days, renewed=renewed)


@transaction.atomic
def invite_colleague(*, unit: Unit, role: Role, by: User) -> Invited:
    """Open a further account of the unit for somebody who is to have `role`, and invite them.

    Raises:
        Refused: not a role of a unit, or not `by`'s to give (`accounts.staff.may_seat`).
    """
    if role not in _SUFFIX or not may_seat(by, unit, role):
        raise Refused("审签人由监管机关邀请，填报人和查阅由本单位审签人或监管机关邀请。")
    name = _free_username(f"dw{unit.pk:06d}-{_SUFFIX[role]}")
    user = create_account(username=name, name=str(role.label), role=role, unit=unit, by=by)
    details = {"username": name, "role": role.value, "renewed": False}
    record("account.invite", unit, by=by, details=details)
    return issue_invitation(user=user, by=by)


def _may_invite(unit: Unit, role: Role, by: Actor) -> None:
    if role not in _LETTERS:
        raise Refused("报送账号只有填报人和审签人两种。")
    if not unit.is_supervised_by(by):
        raise Refused("只有该单位的监管机关或其上级机关可以发放账号。")


def _free_username(base: str) -> str:
    taken = set(User.objects.filter(username__startswith=base).values_list("username", flat=True))
    names = [base, *(f"{base}{n}" for n in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


@transaction.atomic
def withdraw_from_unit(*, unit: Unit, role: Role, by: Actor) -> None:
    """Take back the invitation to the unit's account for `role`.

    Raises:
        Refused: see `invite_unit`; or there is none to take back.
    """
    _may_invite(unit, role, by)
    user = seat_of(unit, role)
    if user is None or not _withdraw(user):
        raise Refused("没有可收回的邀请：可能已经启用或已经收回。")
    record("account.withdraw_invitation", user, by=by)


@transaction.atomic
def open_account(*, by: Actor, **facts: Any) -> Invited:
    """Create an account and invite its owner.

    Args:
        facts: as `create_account` takes them.

    Raises:
        Refused: see `create_account`.
    """
    return issue_invitation(user=create_account(by=by, **facts), by=by)


@transaction.atomic
def reset_access(*, user: User, by: Actor) -> Invited:
    """Stop the password of `user` at once and invite them to set a new one; what they hold waits
    to be confirmed anew (`accounts.actions.grants.hold_grants`).

    Raises:
        Refused: one's own account, or one of the 三员.
    """
    not_portal_nor_self(user, by)
    hold_grants(user, by=by, reason="重置登录方式后重新确认")
    return stop_and_invite(user=user, by=by)


@transaction.atomic
def stop_and_invite(*, user: User, by: Actor) -> Invited:
    """Stop the password and invite anew, by whoever may seat anybody (the command line).

    Whoever came in before with a code of theirs may have bound an identity of their own, which
    would open the account beside the owner's new password: the owner binds theirs again.
    """
    user.set_unusable_password()
    user.save(update_fields=["password"])
    record("account.reset_password", user, by=by)
    end_sessions(user=user, why=EndOfLogin.PASSWORD, by=by)
    unbind_all(user, by=by)
    return issue_invitation(user=user, by=by, renewed=True)


@transaction.atomic
def withdraw_invitation(*, user: User, by: Actor) -> None:
    """Take back the open invitation of `user`.

    Raises:
        Refused: one's own account, one of the 三员, or there is none to take back.
    """
    not_portal_nor_self(user, by)
    if not _withdraw(user):
        raise Refused("没有可收回的邀请：可能已经启用或已经收回。")
    record("account.withdraw_invitation", user, by=by)


def invited_until(user: User) -> dt.datetime | None:
    """Until when the invitation of `user` works; None where there is none that does."""
    found: Invitation | None = Invitation.objects.open().filter(user=user).first()
    return found.expires_at if found else None


def open_invitation(code: str) -> Invitation | None:
    """The invitation that a typed code opens, if it still does."""
    rows = Invitation.objects.open().select_related("user")
    found: Invitation | None = rows.filter(digest=digest_of(code)).first()
    return found


def seats_offered(user: User) -> list[Membership]:
    """What `user` is invited to: what is held, and what still waits for 安全管理员."""
    waiting = Q(grants__status=Grant.Status.REQUESTED)
    rows = user.memberships.filter(Q(active=True) | waiting).distinct()
    return list(rows.select_related("unit", "office").order_by("pk"))


def note_miss() -> None:
    """Put on record that somebody came with a code that opens nothing."""
    record("account.join_failed", None, by=None, result="failed", label="邀请码无效")


@transaction.atomic
def join(form: "JoinForm", *, invitation: Invitation) -> User:
    """Take the account into use: name and password of the valid `form` are its owner's own.

    Raises:
        Refused: the invitation was used or withdrawn, or expired, in the meantime.
    """
    # Of two at once the second must look after the first has written. The condition asks the user's
    # row as well, so the database alone would compare it with what both of them saw.
    User.objects.select_for_update().get(pk=invitation.user_id)
    rows = Invitation.objects.open().filter(pk=invitation.pk)
    if rows.update(used_at=timezone.now()) != 1:
        raise Refused(NO_SUCH_CODE)
    user: User = form.save(commit=False)
    user.name, user.phone = form.cleaned_data["name"], form.cleaned_data["phone"]
    user.save(update_fields=["password", "name", "phone"])
    record("account.join", user, by=user)
    return user
