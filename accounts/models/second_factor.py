"""What a person holds beside the password, and who asks for it.

django-otp does the work (RFC 6238 arithmetic, back-off, which session was proven by what). The rows
are our own, because those of its plug-ins keep the secrets as they are; here they are sealed.
"""

import secrets
import time
from base64 import b32encode
from typing import Any, ClassVar, Self
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import models
from django_otp.models import Device, ThrottlingMixin, TimestampMixin
from django_otp.oath import TOTP

from accounts import sealing
from emailsec.lib.readable import new_code
from inventory.models import Unit
from inventory.models.units import UnitOwnedQuerySet

STEP = 30  # seconds, RFC 6238, 5.2: the default, and the only one that every app knows
DIGITS = 6
TOLERANCE = 1  # steps before and after
# Failures after which the wait between two attempts grows no further: 2^12 s, a good hour. Without
# an end, whoever knows a password could shut its owner out for years.
MOST_FAILURES = 13
# Letters and digits that are not mistaken for one another when read from paper; 31 of them, 49
# bits a code.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
CODE_LENGTH = 10


class DeviceQuerySet(models.QuerySet[Any]):
    """What django-otp asks of the manager of every kind of device."""

    def devices_for_user(self, user: Any, confirmed: bool | None = None) -> Self:
        rows = self.filter(user=user)
        return rows if confirmed is None else rows.filter(confirmed=confirmed)


class _Patient(ThrottlingMixin, models.Model):
    """Back-off as django-otp does it (1, 2, 4, … seconds), with an end."""

    class Meta:
        abstract = True

    def get_throttle_factor(self) -> int:
        return 1

    def throttle_increment(self, commit: bool = True) -> None:
        device: Any = self
        device.throttling_failure_count = min(device.throttling_failure_count, MOST_FAILURES - 1)
        super().throttle_increment(commit)


class Authenticator(_Patient, TimestampMixin, Device):
    """动态口令: an app or a token that shows a new code every 30 seconds; one for a person."""

    sealed = models.CharField(max_length=120)
    last_step = models.BigIntegerField(default=-1)  # of the last code taken; no older one is

    objects: ClassVar[Any] = DeviceQuerySet.as_manager()

    class Meta:
        verbose_name = "动态口令"
        verbose_name_plural = "动态口令"
        constraints = [
            models.UniqueConstraint(fields=["user", "confirmed"], name="authenticator_once")
        ]

    def __str__(self) -> str:
        return str(self.name)

    @classmethod
    def prepare(cls, user: Any) -> Self:
        """A new one with a secret of 160 bits (RFC 4226, 4), not confirmed, not yet saved."""
        device = cls(user=user, name="动态口令", confirmed=False)
        device.sealed = sealing.seal(secrets.token_bytes(20), device._owner)
        return device

    @property
    def _owner(self) -> str:
        return f"totp:{self.user_id}"

    @property
    def secret(self) -> bytes:
        """The secret itself; shown to its owner until the first code, and never again."""
        return sealing.unseal(self.sealed, self._owner)

    @property
    def key_text(self) -> str:
        """The secret as one types it into an app (RFC 4648 base32)."""
        return b32encode(self.secret).decode()

    @property
    def config_url(self) -> str:
        """The secret as a QR code tells it to an app (otpauth key URI)."""
        issuer = settings.SECOND_FACTOR_ISSUER
        label = quote(f"{issuer}:{self.user.get_username()}")
        asked = {"secret": self.key_text, "issuer": issuer, "digits": DIGITS, "period": STEP}
        return f"otpauth://totp/{label}?{urlencode(asked, quote_via=quote)}"

    def verify_token(self, token: str) -> bool:
        """Take a code of this or a neighbouring step, each step once (RFC 6238, 5.2)."""
        if not self.verify_is_allowed()[0]:
            return False
        totp = TOTP(self.secret, STEP, 0, DIGITS)
        totp.time = time.time()
        if not (token.isdecimal() and totp.verify(int(token), TOLERANCE, self.last_step + 1)):
            self.throttle_increment()
            return False
        self.last_step = totp.t()
        self.throttle_reset(commit=False)
        self.set_last_used_timestamp(commit=False)
        self.save()
        return True


class RecoveryCodes(_Patient, TimestampMixin, Device):
    """恢复码: each works once, in place of a factor that is not at hand."""

    objects: ClassVar[Any] = DeviceQuerySet.as_manager()

    class Meta:
        verbose_name = "恢复码"
        verbose_name_plural = "恢复码"
        constraints = [models.UniqueConstraint(fields=["user"], name="recovery_codes_once")]

    def __str__(self) -> str:
        return str(self.name)

    @property
    def _owner(self) -> str:
        return f"recovery:{self.user_id}"

    def renew(self, count: int) -> list[str]:
        """Put `count` new codes in place of all earlier ones; return them, for this once."""
        codes = [new_code(1, CODE_LENGTH, ALPHABET) for _ in range(count)]
        self.codes.all().delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(device=self, digest=sealing.digests(code, self._owner)[0])
            for code in codes
        )
        return codes

    def verify_token(self, token: str) -> bool:
        """Take the code out of the set; False where it is none of them or the wait is not over."""
        if not self.verify_is_allowed()[0]:
            return False
        taken, _ = self.codes.filter(digest__in=sealing.digests(token, self._owner)).delete()
        if not taken:
            self.throttle_increment()
            return False
        self.throttle_reset(commit=False)
        self.set_last_used_timestamp(commit=False)
        self.save()
        return True


class RecoveryCode(models.Model):
    """One code that has not been used, as its digest."""

    device = models.ForeignKey(RecoveryCodes, models.CASCADE, related_name="codes")
    digest = models.CharField(max_length=44)

    def __str__(self) -> str:
        return "恢复码"


class SecondFactorDuty(models.Model):
    """A unit whose people must use a second factor, because somebody above asks for it.

    The rooms above write and remove these rows by `actions.impose_second_factor`; the accounts do
    not know what a campaign is.
    """

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="second_factor_duties")
    source = models.CharField(max_length=40)  # whose row it is, e.g. "campaign:7"
    reason = models.CharField("由谁要求", max_length=160)
    since = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = UnitOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = "二次验证要求"
        verbose_name_plural = "二次验证要求"
        constraints = [models.UniqueConstraint(fields=["unit", "source"], name="duty_once")]

    def __str__(self) -> str:
        return f"{self.unit}：{self.reason}"
