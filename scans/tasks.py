"""Nudges: what is due, and who holds it, stands in the database."""

from celery import shared_task

from scans.actions import lapse_letters
from scans.looking import run_batch
from scans.queue import claim_due, schedule_due, wake_drain


@shared_task(name="scans.tasks.drain_due")
def drain_due() -> None:
    """End what lapsed, create the periodic looks that are due, then do one leased batch.

    Safe to run twice.
    """
    lapse_letters()
    schedule_due()
    if lease := claim_due():
        run_batch(lease)
        wake_drain()
