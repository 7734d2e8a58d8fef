"""Binding further ways to log in, and ending them."""

from typing import Final

from django.db import IntegrityError, transaction

from accounts.actions.base import Refused, not_portal_nor_self
from accounts.models import UnifiedIdentity, User
from accounts.unified import Identity
from audit.trail import Actor, record

_TAKEN: Final = "没有绑定：该统一身份认证账号已绑定其他账号，或者您已绑定了另一个。"


def link_identity(*, user: User, identity: Identity, by: Actor) -> UnifiedIdentity:
    """Bind what the provider has just said of the person to their account.

    Raises:
        Refused: bound to another account already, or the account is bound to another identity.
    """
    try:
        with transaction.atomic():
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
    """Let the identity open the account no longer."""
    record("account.unified_unlink", way.user, by=by, details=_told(way))
    way.delete()


@transaction.atomic
def end_ways(*, user: User, by: Actor) -> int:
    """Unbind all further ways into the account of somebody else; returns how many there were.

    Raises:
        Refused: one's own account, or one of the 三员.
    """
    not_portal_nor_self(user, by)
    ways = list(user.unified_identities.all())
    for way in ways:
        unlink_identity(way=way, by=by)
    return len(ways)


def note_unified_failure(*, reason: str, subject: str = "") -> None:
    """Put on the trail that a unified log-in was refused; the person is told less."""
    details = {"reason": reason} | ({"subject": subject} if subject else {})
    record("account.unified_failed", None, by=None, result="failed", details=details)


def _told(way: UnifiedIdentity) -> dict[str, str]:
    return {"issuer": way.issuer, "subject": way.subject}
