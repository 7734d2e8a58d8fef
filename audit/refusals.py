"""Refused attempts on the trail: who asked for what is not theirs."""

import datetime as dt
import re
from typing import Any, Final

from django.apps import apps
from django.http import HttpRequest
from django.urls import ResolverMatch
from django.utils import timezone

from audit.models import AuditEvent
from audit.trail import record

DENIED: Final = "access.denied"
# A loop asks a thousand times; one line says it.
QUIET: Final = dt.timedelta(minutes=10)


def note_refusal(request: HttpRequest, status: int) -> None:
    """Record that a logged-in person was refused, once per route and object within QUIET.

    Called by the error pages, outside every transaction of the view, so that nothing takes the
    event back. A 404 counts where the address names an object by its key: "outside one's scope"
    reads as "does not exist". Of the request only method, route and keys are kept, never values.

    Args:
        status: 403 or 404.
    """
    user: Any = getattr(request, "user", None)
    match = request.resolver_match
    if match is None or user is None or not user.is_authenticated:
        return
    keys = {name: value for name, value in match.kwargs.items() if isinstance(value, int)}
    if status == 404 and not keys:
        return
    place = _place(match)[:300]
    lately = AuditEvent.objects.filter(
        action=DENIED, actor_id=user.pk, object_label=place, at__gte=timezone.now() - QUIET
    )
    if lately.exists():
        return
    details = {"method": request.method, "route": match.view_name, "status": status, "keys": keys}
    record(DENIED, None, by=user, result="denied", label=place, details=details)


def _place(match: ResolverMatch) -> str:
    """What was asked for, as a reader of the trail knows it: the room, and the address with its
    keys. A text in an address may be a code that opens something; it is left out."""

    def shown(argument: re.Match[str]) -> str:
        value = match.kwargs.get(argument[1])
        return str(value) if isinstance(value, int) else "…"

    path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", shown, match.route)
    room = apps.app_configs.get(match.app_name)
    return f"{room.verbose_name}：{path}" if room else path
