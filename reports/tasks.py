"""Thin tasks of the reports."""

from celery import shared_task

from reports import actions


@shared_task(name="reports.tasks.render_pending")
def render_pending() -> int:
    """Give every approved notice its paper; safe to run twice."""
    return actions.freeze_pending()
