"""Ending log-ins: one's own, and all of a person whose standing has changed."""

import datetime as dt

from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from accounts.models import (
    ClientCertificate,
    EndOfLogin,
    LoginSession,
    UnifiedIdentity,
    User,
)
from accounts.models.sessions import LoginSessionQuerySet
from audit.trail import Actor, record

# How long an ended log-in is kept: its address stays familiar to the lock-out meanwhile.
KEPT = dt.timedelta(days=90)


@transaction.atomic
def end_sessions(*, user: User, why: EndOfLogin, by: Actor, except_: int | None = None) -> int:
    """End the log-ins of `user` at once: their next request is sent to the log-in page.

    To be called by whatever changes a person's password, second factor, roles or state.

    Args:
        why: what the log-in page will tell the person.
        except_: key of the one log-in that goes on (`accounts.sessions.current_login`), for a
            person who changes something of their own.

    Returns:
        How many live log-ins were ended.
    """
    rows = LoginSession.objects.live().filter(user=user)
    if except_ is not None:
        rows = rows.exclude(pk=except_)
    return _end(rows, user, why, by)


@transaction.atomic
def end_sessions_by(*, way: UnifiedIdentity | ClientCertificate, by: Actor) -> int:
    """End the log-ins that came in by `way`, which is about to be removed; returns how many.

    Whoever holds the identity or the key is no longer trusted, and so is nothing that it opened.
    """
    return _end(way.logins.live(), way.user, EndOfLogin.WAY, by)


def _end(rows: LoginSessionQuerySet, user: User, why: EndOfLogin, by: Actor) -> int:
    count = rows.update(ended_at=timezone.now(), ended_why=why)
    if count:
        details = {"count": count, "reason": str(EndOfLogin(why).label)}
        record("account.sessions_end", user, by=by, details=details)
    return count


@transaction.atomic
def end_session(*, login: LoginSession, by: User) -> None:
    """End one log-in of one's own from another; one that has ended stays as it is."""
    found = LoginSession.objects.live().filter(pk=login.pk, user=by)
    if found.update(ended_at=timezone.now(), ended_why=EndOfLogin.OWN):
        details = {"count": 1, "reason": str(EndOfLogin.OWN.label)}
        record("account.sessions_end", by, by=by, details=details)


def tidy_sessions() -> None:
    """Mark log-ins beyond a limit as ended and delete what nobody asks for any more."""
    now = timezone.now()
    for row in LoginSession.objects.beyond_limits()[:500]:
        LoginSession.objects.filter(pk=row.pk, ended_at=None).update(
            ended_at=now, ended_why=row.limit_passed or EndOfLogin.IDLE
        )
    LoginSession.objects.filter(ended_at__lt=now - KEPT).delete()
    Session.objects.filter(expire_date__lt=now).delete()
