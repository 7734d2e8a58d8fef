"""Thin tasks of the accounts."""

from celery import shared_task

from accounts import lockout
from accounts.actions import stop_idle_accounts, tidy_sessions


@shared_task(name="accounts.tasks.tidy")
def tidy() -> None:
    """Mark what has run out, forget what is long over and stop who no longer comes; safe to run
    twice."""
    tidy_sessions()
    stop_idle_accounts()
    lockout.forget()
