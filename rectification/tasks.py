"""Thin tasks of rectification."""

from celery import shared_task

from rectification import rechecks
from rectification.actions import handover


@shared_task
def settle_rescans() -> None:
    """Fill in rescans that have ended and read new looks for repairs; safe to run twice."""
    rechecks.settle_rescans()
    rechecks.read_waves()


@shared_task
def settle_transfers() -> None:
    """End the unserved notices of offices that gave a unit away; safe to run twice."""
    handover.settle_transfers()
