"""Thin tasks of the inbox."""

from celery import shared_task

from inbox.actions import tell_transfer
from inventory.models import SupervisionTransfer


@shared_task(name="inbox.tasks.tell_transfers")
def tell_transfers() -> None:
    """Tell of the units handed over since the last time; safe to run twice."""
    waiting = SupervisionTransfer.objects.filter(told_at=None)
    for transfer in waiting.select_related("unit", "from_office", "to_office")[:200]:
        tell_transfer(transfer)
