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
    taken = sum(actions.ingest_run(pk) for pk in pending)
    for campaign in Campaign.objects.filter(status=Campaign.Status.PUBLISHED):
        actions.enrol(campaign)
    return taken
