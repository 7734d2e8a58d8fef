"""Who holds which role: asked for by one, confirmed by another, taken away by either at once."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import factors
from accounts.actions.base import Refused
from accounts.actions.sessions import end_sessions
from accounts.duties import conflict, fits
from accounts.lifecycles import GRANT
from accounts.models import EndOfLogin, Grant, Invitation, Membership, User
from accounts.roles import Role
from accounts.staff import may_seat
from audit.trail import SYSTEM, Actor, record
from inventory.models import Office, Unit


def seat(
    *,
    user: User,
    role: Role,
    by: Actor,
    unit: Unit | None = None,
    office: Office | None = None,
    reason: str = "",
) -> Grant:
    """Give `user` a role in a place: in force at once where `by` may do so alone, otherwise as a
    request that the 安全管理员 confirms. Call inside a transaction.

    Who may act alone: `accounts.staff.may_seat`.

    Raises:
        Refused: the role is none of such a place, or may not be held beside what `user` holds or
            has been asked for.
    """
    if not fits(role, unit, office):
        raise Refused(f"角色“{role.label}”与所选单位或机关不匹配。")
    User.objects.select_for_update().get(pk=user.pk)
    if why := conflict(_seats(user), role, unit, office):
        raise Refused(why)
    alone = may_seat(by, unit, role)
    membership, _ = Membership.objects.update_or_create(
        user=user, role=role, unit=unit, office=office, defaults={"active": alone}
    )
    grant: Grant = Grant.objects.create(
        membership=membership,
        reason=reason,
        requested_by_id=by.pk,
        status=Grant.Status.CONFIRMED if alone else Grant.Status.REQUESTED,
        since=timezone.now() if alone else None,
    )
    return grant


@transaction.atomic
def request_grant(
    *, user: User, role: Role, unit: Unit | None, office: Office | None, reason: str, by: User
) -> Grant:
    """Ask that `user` also hold `role`.

    Raises:
        Refused: see `seat`; or the account is one of the 三员, or stopped.
    """
    if user.is_portal_side:
        raise Refused("三员账号不在平台内管理，由运维人员在服务器上办理。")
    if not user.is_active:
        raise Refused("账号已停用，请先启用。")
    before = held_words(user)
    grant = seat(user=user, role=role, unit=unit, office=office, reason=reason, by=by)
    details = {"role": role.value, "place": grant.place, "reason": reason, "before": before}
    record("grant.request", grant, by=by, details=details)
    return grant


@transaction.atomic
def decide_grant(grant: Grant, *, action: str, reason: str = "", by: User) -> None:
    """Move a grant along its lifecycle: confirm, refuse, withdraw, revoke or end it.

    Raises:
        Refused: `by` asked for it; or, to confirm, the role no longer goes with what the person
            holds, or the account is stopped or not yet taken up.
        IllegalMove, PermissionDenied: see `Lifecycle.move`.
    """
    step = GRANT.transitions[action]
    if not by.can(step.power, grant):
        raise PermissionDenied(step.power)
    user = User.objects.select_for_update().get(pk=grant.membership.user_id)
    membership, before = grant.membership, held_words(user)
    also: dict[str, Any] = {}
    target = step.target
    if target == Grant.Status.CONFIRMED:
        _check(grant, user, by)
        also = {"decided_by": by, "since": timezone.now()}
    elif target == Grant.Status.REFUSED:
        also = {"decided_by": by}
    elif target == Grant.Status.ENDED:
        also = {"until": timezone.now()}
    membership.active = target == Grant.Status.CONFIRMED
    membership.save(update_fields=["active"])
    words = {"before": before, "after": held_words(user)}
    GRANT.move(grant, action, by=by, reason=reason, also=also, details=words)
    if target == Grant.Status.ENDED:
        end_sessions(user=user, why=EndOfLogin.ROLE, by=by)


def _check(grant: Grant, user: User, by: User) -> None:
    """Whether a request may still be confirmed, and by this person."""
    if grant.requested_by_id == by.pk:
        raise Refused("申请人不能确认自己的申请，须由另一人办理。")
    if not user.is_active:
        raise Refused("账号已停用，不能确认授权。")
    if why := not_taken_up(user):
        raise Refused(why)
    held = user.memberships.filter(active=True).exclude(pk=grant.membership_id)
    seats = held.select_related("unit", "office")
    if why := conflict(seats, Role(grant.membership.role), grant.unit, grant.office):
        raise Refused(why)


def not_taken_up(user: User) -> str:
    """Say in Chinese why no role of `user` may be confirmed yet; "" where it may.

    Whoever holds an open invitation could still take the account up, and whoever gave it out may
    hold it: a role is confirmed to the person who has come in and set up what is asked of them, not
    to the next one who comes. An identity at the unified log-in opens the account without a
    password; a certificate, which is a second factor, does not.
    """
    if Invitation.objects.open().filter(user=user).exists():
        return "邀请还没有使用，凭它仍可启用此账号。须由本人启用，或收回邀请后，才能确认。"
    if not (user.has_usable_password() or user.unified_identities.exists()):
        return "此账号还没有由本人启用，启用后才能确认。"
    if factors.lacks_factor(user):
        return "本人还没有设置二次验证，设置后才能确认。"
    return ""


def _seats(user: User) -> list[Membership]:
    """What `user` holds or has been asked for."""
    live = Q(active=True) | Q(grants__status=Grant.Status.REQUESTED)
    rows = Membership.objects.filter(live, user=user).select_related("unit", "office")
    return list(rows.distinct())


def held_words(user: User) -> str:
    """What `user` holds now, as the trail keeps it: 甲市支队 承办人、审核人."""
    seats = user.memberships.filter(active=True).select_related("unit", "office").order_by("pk")
    return "、".join(f"{seat.place} {Role(seat.role).label}" for seat in seats) or "无"


def stop_grants(user: User, *, by: Actor, action: str = "stop", reason: str = "") -> None:
    """End all that `user` holds and drop what was asked for, as their account is stopped."""
    for grant in Grant.objects.filter(membership__user=user).select_related("membership"):
        if grant.status == Grant.Status.CONFIRMED:
            GRANT.move(grant, action, by=by, reason=reason, also={"until": timezone.now()})
        elif grant.status == Grant.Status.REQUESTED:
            GRANT.move(grant, "lapse", by=SYSTEM)
    user.memberships.update(active=False)


@transaction.atomic
def hold_grants(user: User, *, by: Actor, reason: str) -> list[Grant]:
    """End what `user` holds and ask for it anew, because `by` resets how they come in.

    Whoever resets a log-in gets its code, and whoever resets a second factor lets the next one who
    knows the password set up another: either could come in as this person, with powers that he may
    not give. So what he may not give alone waits until 安全管理员 has confirmed it once more.

    What he may give alone (`accounts.staff.may_seat`) goes on, for it gains him nothing: so the
    server's command is a way of recovery. The 系统管理员 may seat nobody, neither in an office nor
    in a unit; a unit's people are therefore held as well, or he could sign for its leader.

    What waited already is asked for anew too where it could have been confirmed: a confirmation
    prepared before the reset must not reach whoever comes in after it.

    Returns:
        The requests that wait in place of what there was.
    """
    ready = not not_taken_up(User.objects.select_for_update().get(pk=user.pk))
    before, asked = held_words(user), []
    for membership in user.memberships.select_related("unit", "office").order_by("pk"):
        if may_seat(by, membership.unit, Role(membership.role)):
            continue
        # A membership that was not seated by an act of the portal has no grant.
        live = membership.grants.exclude(status__in=_OVER).first()
        if not membership.active and not (live and ready):
            continue
        _put_aside(live, by=by, reason=reason)
        membership.active = False
        membership.save(update_fields=["active"])
        grant = membership.grants.create(reason=reason, requested_by_id=by.pk)
        details = {"role": membership.role, "place": membership.place, "reason": reason}
        record("grant.request", grant, by=by, details=details | {"before": before})
        asked.append(grant)
    user.reread_roles()
    return asked


_OVER = (Grant.Status.REFUSED, Grant.Status.WITHDRAWN, Grant.Status.ENDED)


def _put_aside(live: Grant | None, *, by: Actor, reason: str) -> None:
    if live is None:
        return
    if live.status == Grant.Status.CONFIRMED:
        GRANT.move(live, "hold", by=by, reason=reason, also={"until": timezone.now()})
    else:
        GRANT.move(live, "ask_anew", by=by, reason=reason)


def ask_again(user: User, *, by: Actor) -> list[Grant]:
    """Ask anew for what ended as the account was stopped."""
    stopped = [
        membership
        for membership in user.memberships.prefetch_related("grants__changes")
        if _ended_by_stop(membership)
    ]
    return [
        seat(
            user=user,
            role=Role(membership.role),
            unit=membership.unit,
            office=membership.office,
            reason="账号重新启用",
            by=by,
        )
        for membership in stopped
    ]


def _ended_by_stop(membership: Membership) -> bool:
    last = membership.grants.first()
    change = last.changes.first() if last else None
    return change is not None and change.action in ("stop", "idle")
