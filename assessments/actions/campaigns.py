"""Campaigns: publishing, enrolment, and the calls that urge a unit."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.models import User
from assessments.lifecycles import CAMPAIGN
from assessments.models import (
    CallRecord,
    Campaign,
    SelfCheck,
)
from audit.trail import record
from inventory.models import Supervision, Unit


@transaction.atomic
def publish_campaign(campaign: Campaign, *, by: User) -> int:
    """Publish and ask every unit that the campaign's office supervises; return how many."""
    CAMPAIGN.move(campaign, "publish", by=by)
    return enrol(campaign)


def enrol(campaign: Campaign) -> int:
    """Add self-checks for supervised units that have none yet, set-based; safe to repeat."""
    supervised = Supervision.objects.filter(
        unit=OuterRef("pk"), office__path__startswith=campaign.office.path
    )
    already = SelfCheck.objects.filter(unit=OuterRef("pk"), campaign=campaign)
    units = Unit.objects.filter(Exists(supervised), ~Exists(already)).values_list("pk", flat=True)
    rows = [
        SelfCheck(campaign=campaign, unit_id=pk, questionnaire_id=campaign.questionnaire_id)
        for pk in units
    ]
    SelfCheck.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
    return len(rows)


@transaction.atomic
def record_call(selfcheck: SelfCheck, *, spoke_with: str, note: str, by: User) -> CallRecord:
    """Keep the record of a call made to urge a unit."""
    if not by.can("call.record", selfcheck):
        raise PermissionDenied("call.record")
    call = CallRecord.objects.create(selfcheck=selfcheck, spoke_with=spoke_with, note=note, by=by)
    record("selfcheck.call", selfcheck, by=by, details={"spoke_with": spoke_with})
    return call
