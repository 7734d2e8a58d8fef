"""Thin tasks: what the scans left behind, and units that joined after a campaign began."""

from celery import shared_task

from assessments import actions
from assessments.models import Campaign
from scans.models import ScanRun


@shared_task
def ingest_finished_runs() -> int:
    """Take in finished runs that nobody has taken in yet; safe to run twice."""
    pending = ScanRun.objects.filter(
        ingested_at=None, status__in=[ScanRun.Status.DONE, ScanRun.Status.PARTIAL]
    ).values_list("pk", flat=True)[:200]
    return sum(actions.ingest_run(pk) for pk in pending)


@shared_task
def enrol_newcomers() -> int:
    """Ask the units that came under a campaign's office after it was published; return how many.

    Its own task, so that a run that cannot be taken in keeps no unit waiting. Safe to run twice.
    """
    published = Campaign.objects.filter(status=Campaign.Status.PUBLISHED)
    return sum(actions.enrol(campaign) for campaign in published.select_related("office"))
