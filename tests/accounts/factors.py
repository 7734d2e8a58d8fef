"""A person's phone, as the tests hold it."""

import time
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import totp

from accounts import actions
from accounts.models import Authenticator, RecoveryCodes, User
from tests.world import PASSWORD


class Phone:
    """An app that shows codes. Each call of `code` moves on by one step, because each code works
    once and a test does not wait for the next."""

    def __init__(self, user: User) -> None:
        self.device = Authenticator.prepare(user)
        self.device.confirmed = True
        self.device.last_step = int(time.time()) // 30 - 2
        self.device.save()

    def code(self, steps: int = 0) -> str:
        """The code that is due now, or some steps before or after."""
        return code_of(self.device.secret, steps)

    def rewind(self) -> None:
        """As if no code of the last steps had been taken."""
        step = int(time.time()) // 30 - 2
        Authenticator.objects.filter(pk=self.device.pk).update(last_step=step)


def code_of(secret: bytes, steps: int = 0) -> str:
    return f"{totp(secret, t0=-30 * steps):06d}"


def recovery_codes(user: User) -> list[str]:
    return actions.renew_codes(user=user)


def log_in(client: Client, user: User, password: str = PASSWORD, **more: Any) -> Any:
    data = {"username": user.username, "password": password, **more}
    return client.post(reverse("accounts:login"), data)


def punish(user: User, failures: int = 7) -> None:
    """As if so many wrong codes had been sent a moment ago."""
    for kind in (Authenticator, RecoveryCodes):
        kind.objects.filter(user=user).update(
            throttling_failure_count=failures, throttling_failure_timestamp=timezone.now()
        )


def forgive(user: User) -> None:
    """End the wait after wrong codes."""
    for kind in (Authenticator, RecoveryCodes):
        kind.objects.filter(user=user).update(
            throttling_failure_count=0, throttling_failure_timestamp=None
        )
