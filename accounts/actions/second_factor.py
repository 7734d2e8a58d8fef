"""What adds, proves and takes away a second factor, each act on the audit trail.

A failed proof must stay written (it slows the next one down), so the acts that prove something
return inside their transaction and refuse after it.
"""

import datetime as dt
import math
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone
from django_otp import devices_for_user
from django_otp.models import Device
from django_otp_webauthn.models import WebAuthnCredential

from accounts import factors
from accounts.actions.base import Refused, not_portal_nor_self
from accounts.actions.grants import hold_grants
from accounts.actions.sessions import end_sessions, end_sessions_by
from accounts.models import (
    Authenticator,
    ClientCertificate,
    EndOfLogin,
    Grant,
    RecoveryCodes,
    SecondFactorDuty,
    User,
)
from accounts.models.second_factor import DIGITS
from accounts.policy import policy
from audit.trail import Actor, record

# How long a secret that was shown waits for its first code.
SHOWN_FOR = dt.timedelta(minutes=30)
WRONG = "动态口令或恢复码不正确，或者已经用过。"
NOT_IN_STEP = "动态口令不正确。请核对手机时间是否准确，再填写应用当前显示的6位数字。"
LAST_ONE = "这是您最后一种二次验证方式。{why}请先添加另一种，再移除它。"


def _wait(device: Device) -> str:
    """How long the person must wait before the next attempt, as a sentence; "" for not at all."""
    allowed, why = device.verify_is_allowed()
    if allowed:
        return ""
    seconds = max(1, math.ceil((why["locked_until"] - timezone.now()).total_seconds()))
    span = f"{seconds} 秒" if seconds < 120 else f"{math.ceil(seconds / 60)} 分钟"
    return f"连续填错，请等 {span}后再试。"


def _for_update(user: User, code: str) -> Device | None:
    """The device that a code of this shape belongs to, locked against a second use at once."""
    kind: Any = Authenticator if len(code) == DIGITS else RecoveryCodes
    device: Device | None = (
        kind.objects.select_for_update().filter(user=user, confirmed=True).first()
    )
    return device


def prove(*, user: User, code: str) -> Device:
    """Take a 动态口令 or a recovery code; return the device that it proves.

    Raises:
        Refused: wrong, used before, or too soon after a wrong one.
    """
    with transaction.atomic():
        device = _for_update(user, code)
        wait = _wait(device) if device else ""
        good = device is not None and not wait and device.verify_token(code)
        if device is not None and good:
            record("account.second_factor", user, by=user, details={"method": device.name})
            return device
        if not wait:
            record("account.second_factor_failed", user, by=user, result="failed")
    raise Refused(wait or WRONG)


def prepare_authenticator(*, user: User) -> Authenticator:
    """The secret to be shown to its owner until its first code comes; a new one each half hour."""
    pending = Authenticator.objects.filter(user=user, confirmed=False)
    device = pending.filter(created_at__gt=timezone.now() - SHOWN_FOR).first()
    if device is None:
        pending.delete()
        device = Authenticator.prepare(user)
        device.save()
    return device


def add_authenticator(*, user: User, code: str) -> tuple[Authenticator, list[str]]:
    """Confirm the secret shown by its first code; it takes the place of an earlier one.

    Returns:
        The device, and fresh recovery codes where the person had none, to be shown this once.

    Raises:
        Refused: the code is not that of the secret shown.
    """
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update()
        device = rows.filter(user=user, confirmed=False).first()
        wait = _wait(device) if device else ""
        if device is not None and not wait and device.verify_token(code):
            replaced = Authenticator.objects.filter(user=user, confirmed=True).delete()[0]
            device.confirmed = True
            device.save(update_fields=["confirmed"])
            return device, _added(user, device.name, replaced=bool(replaced))
    raise Refused(wait or NOT_IN_STEP)


def add_key(*, device: WebAuthnCredential, name: str, user: User) -> None:
    """Name a security key that its helper has just registered, within the caller's transaction."""
    device.name = name
    device.save(update_fields=["name"])
    record("account.second_factor_add", user, by=user, details={"method": name})


def note_key(*, user: User, device: WebAuthnCredential | None) -> None:
    """Record that a security key was proven, or (None) that one failed."""
    if device is None:
        record("account.second_factor_failed", user, by=user, result="failed")
    else:
        record("account.second_factor", user, by=user, details={"method": device.name})


def _added(user: User, name: str, *, replaced: bool) -> list[str]:
    details = {"method": name, "replaced": replaced}
    record("account.second_factor_add", user, by=user, details=details)
    return [] if factors.codes_left(user) else _new_codes(user)


def _new_codes(user: User) -> list[str]:
    device, _ = RecoveryCodes.objects.get_or_create(user=user, defaults={"name": "恢复码"})
    codes = device.renew(policy().second_factor.recovery_codes)
    record("account.recovery_codes", user, by=user)
    return codes


@transaction.atomic
def renew_codes(*, user: User) -> list[str]:
    """Put new recovery codes in place of all earlier ones; return them, for this once."""
    return _new_codes(user)


def _others(user: User, device: Device) -> list[Device]:
    return [d for d in factors.own_factors(user) if d.persistent_id != device.persistent_id]


@transaction.atomic
def remove_factor(*, device: Device, by: User) -> None:
    """Take away one of one's own factors; with the last one the recovery codes go too, and with a
    certificate the log-ins that it proved.

    Raises:
        Refused: it is the last one, and the person may not be without.
    """
    others = _others(by, device)
    if not others and (why := factors.why_required(by)):
        raise Refused(LAST_ONE.format(why=why))
    record("account.second_factor_remove", by, by=by, details={"method": device.name})
    _remove(device, by)


def _remove(device: Device, by: Actor) -> None:
    if isinstance(device, ClientCertificate):
        end_sessions_by(way=device, by=by)
    device.delete()
    if not factors.own_factors(device.user):
        RecoveryCodes.objects.filter(user=device.user).delete()


@transaction.atomic
def remove_certificate(*, certificate: ClientCertificate, by: Actor) -> list[Grant]:
    """Take away one certificate of somebody else, because its key was lost or handed back; the
    log-ins that it proved end. Their other factors stay; taking the last one is a reset of the
    second factor, and what they hold waits as it does then.

    Returns:
        The requests that now wait.

    Raises:
        Refused: one's own account, or one of the 三员.
    """
    user = certificate.user
    not_portal_nor_self(user, by)
    details = {"holder": certificate.subject, "fingerprint": certificate.digest}
    record("account.certificate_remove", user, by=by, details=details)
    _remove(certificate, by)
    if factors.own_factors(user):
        return []
    end_sessions(user=user, why=EndOfLogin.FACTOR, by=by)
    return hold_grants(user, by=by, reason="移除最后一种二次验证方式后重新确认")


@transaction.atomic
def reset_second_factor(*, user: User, by: Actor) -> list[Grant]:
    """Take away all of somebody's factors, because they were lost; their log-ins end, and what they
    hold waits to be confirmed anew (`accounts.actions.grants.hold_grants`).

    Who replaces a factor of their own has proven to be themselves; nothing is held then.

    Returns:
        The requests that now wait.

    Raises:
        Refused: the person has none; or a person asks it for themselves or for one of the 三员.
    """
    if by.pk is not None:
        not_portal_nor_self(user, by)
    gone = list(devices_for_user(user, confirmed=None))
    if not gone:
        raise Refused("此账号没有设置二次验证，不需要解除。")
    for device in gone:
        device.delete()
    record("account.second_factor_reset", user, by=by)
    end_sessions(user=user, why=EndOfLogin.FACTOR, by=by)
    return hold_grants(user, by=by, reason="解除二次验证后重新确认")


def impose_second_factor(units: Iterable[int], *, source: str, reason: str) -> None:
    """Ask a second factor of all people of these units (by key); safe to repeat.

    Args:
        source: whose demand it is, e.g. "campaign:7"; it is lifted by the same word.
        reason: who asks, as units read it at log-in.
    """
    rows = [SecondFactorDuty(unit_id=pk, source=source, reason=reason) for pk in units]
    SecondFactorDuty.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)


def lift_second_factor(*, source: str) -> None:
    """End a demand; the factors that people have set up stay in force."""
    SecondFactorDuty.objects.filter(source=source).delete()
