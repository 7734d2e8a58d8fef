"""Binding further ways to log in, and ending them."""

from typing import Final

from django.db import IntegrityError, transaction

from accounts import factors
from accounts.actions.base import Refused, not_portal_nor_self
from accounts.actions.grants import hold_grants
from accounts.actions.sessions import end_sessions_by
from accounts.certificates import Shown
from accounts.models import ClientCertificate, Grant, LoginSession, UnifiedIdentity, User
from accounts.unified import Identity, bound_to
from audit.trail import Actor, record

# What went wrong at the provider when a person should prove again: for the trail, for the person.
_NOT_OWN: Final = (
    "不是此账号绑定的身份",
    "您在认证方登录的不是绑定的那个账号，确认没有成功。请重新去确认，并在认证方换回绑定的账号。",
)
_WEAKER: Final = (
    "认证方没有核对第二因素",
    "认证方这次没有核对第二因素，确认没有成功。请重新去确认，并在认证方按平时登录的方式核对。",
)
_UNTIMED: Final = (
    "令牌没有核对时间",
    "认证方没有说明是什么时候核对您本人的，确认不能算数。请联系平台系统管理员，"
    "由其请认证方在令牌中提供核对时间（auth_time）；急需办理的，可以请其解除绑定，改用口令登录。",
)
_STALE: Final = (
    "认证方没有重新核对本人",
    "认证方这次没有重新核对您本人，用的是先前的登录，确认不能算数。"
    "请先在认证方退出登录，再重新去确认；仍不行的，请联系平台系统管理员。",
)
_OVER: Final = "没有绑定：这次登录已经结束，请重新登录。"
_TAKEN: Final = "没有绑定：该统一身份认证账号已绑定其他账号，或者您已绑定了另一个。"


def link_identity(
    *, user: User, identity: Identity, by: Actor, login: int | None
) -> UnifiedIdentity:
    """Bind what the provider has just said of the person to their account.

    Args:
        login: the log-in that asked for it (`accounts.sessions.current_login`).

    Raises:
        Refused: bound to another account already, or the account is bound to another identity, or
            the log-in has been ended while the provider was asked.
    """
    try:
        with transaction.atomic():
            User.objects.select_for_update().get(pk=user.pk)  # a reset is over, or waits
            if login not in LoginSession.objects.live().filter(user=user).values_list(
                "pk", flat=True
            ):
                raise Refused(_OVER)
            way: UnifiedIdentity = UnifiedIdentity.objects.create(
                user=user,
                issuer=identity.issuer,
                subject=identity.subject,
                name=identity.name[:64],
            )
            record("account.unified_link", user, by=by, details=_told(way))
    except IntegrityError:
        record("account.unified_link", user, by=by, result="failed")
        raise Refused(_TAKEN) from None
    return way


@transaction.atomic
def unlink_identity(*, way: UnifiedIdentity, by: Actor) -> None:
    """Let the identity open the account no longer; the log-ins that it opened end."""
    record("account.unified_unlink", way.user, by=by, details=_told(way))
    end_sessions_by(way=way, by=by)
    way.delete()


@transaction.atomic
def end_ways(*, user: User, by: Actor) -> tuple[int, list[Grant]]:
    """Unbind all further ways into the account of somebody else.

    Where the identity stood in for a second factor that the person must have, this lets the next
    one who knows the password set one up: what they hold waits, as after a reset of the factor.

    Returns:
        How many ways there were, and the requests that now wait.

    Raises:
        Refused: one's own account, or one of the 三员.
    """
    not_portal_nor_self(user, by)
    stood_in = factors.proves_at_provider(user) and bool(factors.why_required(user))
    ended = unbind_all(user, by=by)
    if not stood_in:
        return ended, []
    return ended, hold_grants(user, by=by, reason="解除统一身份认证绑定后重新确认")


def unbind_all(user: User, *, by: Actor) -> int:
    """Unbind all further ways into the account, within an act that opens it to its owner anew."""
    ways = list(user.unified_identities.all())
    for way in ways:
        unlink_identity(way=way, by=by)
    return len(ways)


def confirm_at_provider(*, user: User, identity: Identity, verified: bool) -> None:
    """Take the word of the provider that the person has proven once more who they are.

    Args:
        verified: the log-in was proven by a second factor; then so must be this.

    Raises:
        Refused: another person, a weaker proof, or one that is not recent or says no time.
    """
    fault = _fault(user, identity, verified=verified)
    if fault is None:
        record("account.second_factor", user, by=user, details={"method": "统一身份认证"})
        return
    reason, told = fault
    details = {"reason": reason}
    record("account.second_factor_failed", user, by=user, result="failed", details=details)
    raise Refused(told)


def _fault(user: User, identity: Identity, *, verified: bool) -> tuple[str, str] | None:
    way = bound_to(identity)
    if way is None or way.user != user:
        return _NOT_OWN
    if verified and not identity.strong:
        return _WEAKER
    if not identity.proven_at:
        return _UNTIMED
    return None if factors.is_recent(identity.proven_at) else _STALE


def note_unified_failure(*, reason: str, subject: str = "") -> None:
    """Put on the trail that a unified log-in was refused; the person is told less."""
    details = {"reason": reason} | ({"subject": subject} if subject else {})
    record("account.unified_failed", None, by=None, result="failed", details=details)


def _told(way: UnifiedIdentity) -> dict[str, str]:
    return {"issuer": way.issuer, "subject": way.subject}


def enrol_certificate(*, user: User, certificate: Shown, by: Actor) -> ClientCertificate:
    """Bind the certificate of this connection; the browser has proven to hold its key.

    Raises:
        Refused: it is bound already, to this account or another.
    """
    details = _shown(certificate)
    try:
        with transaction.atomic():
            way: ClientCertificate = ClientCertificate.objects.create(
                user=user,
                name=f"证书 {certificate.name}"[:64],
                digest=certificate.digest,
                subject=certificate.subject[:500],
                issuer=certificate.issuer[:500],
                not_after=certificate.not_after,
            )
            record("account.certificate_add", user, by=by, details=details)
    except IntegrityError:
        record("account.certificate_add", user, by=by, result="failed", details=details)
        raise Refused("没有绑定：这张证书已经绑定过账号。") from None
    return way


def prove_by_certificate(*, user: User, certificate: Shown) -> ClientCertificate | None:
    """The person's own binding of the certificate shown; None where it is not bound to them."""
    way: ClientCertificate | None = ClientCertificate.objects.filter(
        user=user, digest=certificate.digest, confirmed=True
    ).first()
    if way is not None:
        with transaction.atomic():
            way.set_last_used_timestamp()
            record("account.second_factor", user, by=user, details={"method": way.name})
    return way


def note_certificate_failure(*, user: User, reason: str, certificate: Shown | None) -> None:
    """Put on the trail that a person with a bound certificate showed one that does not count."""
    details = {"reason": reason} | (_shown(certificate) if certificate else {})
    record("account.certificate_failed", user, by=user, result="failed", details=details)


def _shown(certificate: Shown) -> dict[str, str]:
    return {"holder": certificate.subject, "fingerprint": certificate.digest}
