"""Between the session of a request and its row: `LoginSession`."""

import datetime as dt
from typing import Final

from django.contrib.auth import logout
from django.http import HttpRequest
from django.utils import timezone

from accounts.browsers import in_words
from accounts.models import (
    ClientCertificate,
    EndOfLogin,
    LoginSession,
    UnifiedIdentity,
    User,
)
from audit.trail import origin_address

_KEY: Final = "login"
# How stale `seen_at` may be: a write a minute, not one a request.
_SEEN_EVERY: Final = dt.timedelta(minutes=1)


def begin(request: HttpRequest, user: User) -> None:
    """Open the row of a log-in that has just succeeded; one it replaces in the browser ends."""
    _end(current_login(request), EndOfLogin.LOGOUT)
    agent = request.META.get("HTTP_USER_AGENT", "")
    login = LoginSession.objects.create(
        user=user, address=origin_address.get(), browser=in_words(agent)
    )
    request.session[_KEY] = login.pk


def came_by(request: HttpRequest, way: UnifiedIdentity | ClientCertificate) -> None:
    """Note by which further way the person of this log-in came in; it ends with the way."""
    column = "identity" if isinstance(way, UnifiedIdentity) else "certificate"
    if (pk := current_login(request)) is not None:
        LoginSession.objects.filter(pk=pk).update(**{column: way.pk})


def current_login(request: HttpRequest) -> int | None:
    """Key of the request's own log-in; None for anonymous."""
    return request.session.get(_KEY)


def end(request: HttpRequest, why: EndOfLogin) -> None:
    """End the request's own log-in and empty its session."""
    _end(current_login(request), why)
    logout(request)


def check(request: HttpRequest) -> EndOfLogin | None:
    """End the request's log-in if it no longer counts, and say why; None while it does.

    Called before anything else asks for `request.user`: Django throws a session away without a
    word when the password has changed.
    """
    pk = current_login(request)
    why = _why_over(request, pk)
    if why is not None:
        _end(pk, why)
        logout(request)
    return why


def _why_over(request: HttpRequest, pk: int | None) -> EndOfLogin | None:
    login = LoginSession.objects.filter(pk=pk).first() if pk is not None else None
    if login is None:
        # A session of which no row tells (an older version's, a deleted row) lets nobody in.
        return EndOfLogin.IDLE if request.user.is_authenticated else None
    if login.ended_at is not None:
        return EndOfLogin(login.ended_why)
    if (limit := login.limit_passed) is not None:
        return limit
    if not request.user.is_authenticated:  # whatever stopped the person did not say so
        stopped = not User.objects.filter(pk=login.user_id, is_active=True).exists()
        return EndOfLogin.STOPPED if stopped else EndOfLogin.PASSWORD
    _see(login, request)
    return None


def _end(pk: int | None, why: EndOfLogin) -> None:
    if pk is not None:
        open_rows = LoginSession.objects.filter(pk=pk, ended_at=None)
        open_rows.update(ended_at=timezone.now(), ended_why=why)


def _see(login: LoginSession, request: HttpRequest) -> None:
    # What htmx fetches by itself while a page lies open is nobody's act.
    polled = request.method == "GET" and "HX-Request" in request.headers
    now = timezone.now()
    if not polled and now - login.seen_at > _SEEN_EVERY:
        LoginSession.objects.filter(pk=login.pk, ended_at=None).update(seen_at=now)
