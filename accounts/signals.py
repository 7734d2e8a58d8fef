"""Log-ins and failures on the audit trail. The only place where Django tells by signal alone."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import sessions
from accounts.lockout import masked
from accounts.models import User
from audit.trail import record


@receiver(user_logged_in)
def on_login(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    way = getattr(request, "login_way", "口令")
    sessions.begin(request, user)
    record("account.login", user, by=user, details={"way": way})


@receiver(user_login_failed)
def on_failure(sender: Any, credentials: dict[str, Any], **kwargs: Any) -> None:
    name = str(credentials.get("username", ""))[:40]
    if not User.objects.filter(username=name).exists():
        name = masked(name)
    record("account.login_failed", None, by=None, result="failed", label=name)
