"""Thin tasks of rectification."""

from celery import shared_task

from rectification import rechecks


@shared_task
def settle_rescans() -> None:
    """Fill in rescans that have ended and read new looks for repairs; safe to run twice."""
    rechecks.settle_rescans()
    rechecks.read_waves()
