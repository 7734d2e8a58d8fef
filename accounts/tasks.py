"""Thin tasks of the accounts."""

from celery import shared_task

from accounts import lockout
from accounts.actions import tidy_sessions


@shared_task(name="accounts.tasks.tidy")
def tidy() -> None:
    """Mark what has run out and forget what is long over; safe to run twice."""
    tidy_sessions()
    lockout.forget()
