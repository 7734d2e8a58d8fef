"""Thin tasks of the reports."""

from celery import shared_task

from reports import actions
from reports.retention.actions import sweep


@shared_task(name="reports.tasks.render_pending")
def render_pending() -> int:
    """Give every approved notice its paper; safe to run twice."""
    return actions.freeze_pending()


@shared_task(name="reports.tasks.sweep_destroyed")
def sweep_destroyed() -> int:
    """Take off the disk what a crash left there after its destruction; safe to run twice."""
    return sweep()
