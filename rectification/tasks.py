"""Thin tasks of rectification."""

from celery import shared_task

from rectification import rechecks


@shared_task
def settle_rescans() -> int:
    """Fill in the results of rescans that have ended; safe to run twice."""
    return rechecks.settle_rescans()
