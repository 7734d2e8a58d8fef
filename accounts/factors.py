"""Who has a second factor, who must have one, and how fresh the last proof of it is.

Nothing here writes but `passed`, which marks the session of the request it is given.
"""

import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db.models import Value
from django.http import HttpRequest
from django_otp import device_classes, devices_for_user, login
from django_otp.models import Device
from django_otp_webauthn.models import WebAuthnCredential

from accounts.models import Authenticator, ClientCertificate, RecoveryCodes, SecondFactorDuty, User
from accounts.policy import policy
from accounts.roles import Role

# When the person of the session last proved who they are beyond the password: seconds since 1970.
PASSED_AT = "second_factor_at"


def kinds() -> Iterator[type[Device]]:
    """The kinds of second factors that are asked of whoever has one.

    Recovery codes only stand in for one. Kinds of which nothing can be shown at our own page have a
    manager whose `devices_for_user` is empty.
    """
    return (kind for kind in device_classes() if not issubclass(kind, RecoveryCodes))


def own_factors(user: User) -> list[Device]:
    """What the person has set up and confirmed, without the recovery codes."""
    return [d for d in devices_for_user(user) if isinstance(d, tuple(kinds()))]


def has_factor(user: User) -> bool:
    """Whether the person has a second factor in force; one query."""
    first, *others = (
        kind.objects.devices_for_user(user, confirmed=True).order_by().values_list(Value(1))
        for kind in kinds()
    )
    return bool(first.union(*others, all=True)[:1].exists())


def proves_at_provider(user: User) -> bool:
    """Whether the person has no factor of their own, but an identity at the unified log-in.

    Whoever knows the password then still has to pass the provider before an act of weight; by the
    account and not by the way they came in, or a stolen password would be the way around it.
    """
    if not settings.UNIFIED_LOGIN or has_factor(user):
        return False
    return bool(user.unified_identities.filter(issuer=settings.OIDC_ISSUER).exists())


def authenticator_of(user: User) -> Authenticator | None:
    """The person's 动态口令 in force."""
    device: Authenticator | None = Authenticator.objects.filter(user=user, confirmed=True).first()
    return device


def has_key(user: User) -> bool:
    """Whether the person has a security key."""
    return bool(WebAuthnCredential.objects.filter(user=user, confirmed=True).exists())


def codes_left(user: User) -> int:
    """How many recovery codes are still good."""
    device = RecoveryCodes.objects.filter(user=user).first()
    return device.codes.count() if device else 0


def why_required(user: User) -> str:
    """Why the person must have a second factor, as a Chinese sentence; "" where they need not.

    Of who holds nothing, roles that wait to be confirmed count: they are confirmed to the person
    who set up the factor, not to the next one who knows the password.
    """
    seats = [] if user.roles else user.waiting_seats
    if settings.SECOND_FACTOR_REQUIRED:
        asked = (user.roles | {seat.role for seat in seats}) & policy().second_factor.required_roles
        if asked:
            names = "、".join(str(role.label) for role in Role if role in asked)
            return f"{names}登录平台须通过二次验证。"
    units = [*user.scope.unit_ids, *(seat.unit_id for seat in seats if seat.unit_id)]
    if units:
        duty = SecondFactorDuty.objects.filter(unit__in=units).first()
        if duty:
            return f"{duty.reason}要求本单位人员登录时通过二次验证。"
    return ""


def lacks_factor(user: User) -> bool:
    """Whether the person must still set up a factor; none of their own is needed where they come in
    by the unified log-in alone and it asks for one."""
    if not why_required(user) or has_factor(user):
        return False
    elsewhere = settings.OIDC_SECOND_FACTOR and user.unified_identities.exists()
    return user.has_usable_password() or not elsewhere


def passed(request: HttpRequest, device: Device) -> None:
    """The person of this session has just proven to hold `device`.

    The session gets another key: it may do more now than whoever knew the old key could.
    """
    login(request, device)
    request.session.cycle_key()
    request.session[PASSED_AT] = int(time.time())


def confirmed(request: HttpRequest, moment: int) -> None:
    """The provider has just said that it asked the person of this session at that moment."""
    request.session.cycle_key()
    request.session[PASSED_AT] = moment


def is_proven(request: HttpRequest) -> bool:
    """Whether this session was proven by a factor that is still in force."""
    user: Any = request.user
    return bool(user.is_verified())


def is_recent(moment: float) -> bool:
    """Whether a proof at that moment is younger than the policy's `recent_minutes`."""
    return time.time() - moment < policy().second_factor.recent_minutes * 60


def is_fresh(request: HttpRequest) -> bool:
    """Whether the last proof is recent: of a factor in force, or at the provider for who has none.

    A certificate is shown with every request (accounts.middleware.CertificateProves).
    """
    user: Any = request.user
    if isinstance(user.otp_device, ClientCertificate):
        return True
    recent = is_recent(request.session.get(PASSED_AT, 0))
    return recent and (is_proven(request) or not has_factor(user))
