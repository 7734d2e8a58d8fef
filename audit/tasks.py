"""Thin tasks of the audit trail."""

from celery import shared_task

from audit.actions import watch
from audit.sealing import seal


@shared_task(name="audit.tasks.seal")
def seal_waiting() -> None:
    """Give the newest events their place in the chain; safe to run twice and at once."""
    seal()


@shared_task(name="audit.tasks.watch")
def watch_chain() -> None:
    """Anchor and verify the trail when it is time to; safe to run twice."""
    watch()
