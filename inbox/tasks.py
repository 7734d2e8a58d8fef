"""Thin tasks of the inbox."""

from celery import shared_task

from accounts.models import Registration
from inbox.actions import tell_registration, tell_transfer
from inventory.models import SupervisionTransfer


@shared_task(name="inbox.tasks.tell_transfers")
def tell_transfers() -> None:
    """Tell of the units handed over since the last time; safe to run twice."""
    waiting = SupervisionTransfer.objects.filter(told_at=None)
    for transfer in waiting.select_related("unit", "from_office", "to_office")[:200]:
        tell_transfer(transfer)


@shared_task(name="inbox.tasks.tell_registrations")
def tell_registrations() -> None:
    """Tell the offices of the applications that came since the last time; safe to run twice."""
    waiting = Registration.objects.waiting().filter(told_at=None).select_related("office")
    for registration in waiting[:200]:
        tell_registration(registration)
