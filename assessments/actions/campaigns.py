"""Campaigns: their way from publication to the archive, enrolment, and the calls that urge."""

import datetime as dt
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse

from accounts.actions import impose_second_factor, lift_second_factor
from accounts.models import User
from assessments.actions.base import Refused, not_over
from assessments.lifecycles import CAMPAIGN
from assessments.models import (
    CallRecord,
    Campaign,
    SelfCheck,
)
from audit.trail import record
from emailsec.lib.words import cn_date
from emailsec.lib.workdays import today
from inbox.actions import tell_units
from inventory.models import Office, Supervision, Unit

# A campaign is a matter of months; a later deadline is a slip of the keyboard.
LONGEST: Final = dt.timedelta(days=731)


def _own(campaign: Campaign, by: User) -> None:
    """Only the office that runs a campaign moves it; one above it looks on."""
    if campaign.office != by.office or not by.can("campaign.manage", campaign):
        raise PermissionDenied("campaign.manage")


@transaction.atomic
def save_draft(campaign: Campaign, *, office: Office, by: User) -> Campaign:
    """Save a new or changed draft of `office`; what it asks and by when is fixed at publication.

    Args:
        campaign: validated, not yet saved.
    """
    new = campaign.pk is None
    if new:
        campaign.office = office
    _own(campaign, by)
    campaign.save()
    record("campaign.create" if new else "campaign.update", campaign, by=by)
    return campaign


@transaction.atomic
def publish_campaign(campaign: Campaign, *, by: User) -> int:
    """Publish and ask every unit that the campaign's office supervises; return how many.

    Raises:
        Refused: the draft lay so long that its deadline is over.
    """
    _own(campaign, by)
    if campaign.status == Campaign.Status.DRAFT and campaign.deadline < today():
        raise Refused("报送截止日期已过，请先修改日期再发布。")
    CAMPAIGN.move(campaign, "publish", by=by)
    return enrol(campaign)


@transaction.atomic
def set_deadline(campaign: Campaign, *, deadline: dt.date, reason: str, by: User) -> int:
    """Give a published campaign another deadline; tell the units that have not handed in, and
    return how many people were told.

    Raises:
        Refused: the day is not one of those that `deadline_fault` lets pass.
    """
    _own(campaign, by)
    if why := deadline_fault(campaign, deadline):
        raise Refused(why)
    said = f"由{cn_date(campaign.deadline)}调整为{cn_date(deadline)}。{reason}"
    CAMPAIGN.move(campaign, "set_deadline", by=by, reason=said, also={"deadline": deadline})
    missing = SelfCheck.objects.filter(campaign=campaign).to_be_urged()
    return tell_units(
        missing.values("unit"),
        title=f"报送截止日期调整为{cn_date(deadline)}",
        body=f"“{campaign}”的报送截止日期{said}",
        url=reverse("assessments:campaign_detail", args=[campaign.pk]),
    )


def deadline_fault(campaign: Campaign, deadline: dt.date) -> str:
    """Why a published campaign cannot have this deadline (Chinese); "" where it can.

    Once a unit has handed in, others may only gain time.
    """
    if deadline == campaign.deadline:
        return "与现在的截止日期相同。"
    if deadline < today():
        return "报送截止日期不能早于今天。"
    if deadline > today() + LONGEST:
        return "报送截止日期不能晚于两年以后，请核对年份。"
    handed_in = campaign.selfchecks.filter(status__in=SelfCheck.REPORTED).exists()
    if handed_in and deadline < campaign.deadline:
        return "已有单位报送，截止日期只能延后，不能提前。"
    return ""


@transaction.atomic
def close_campaign(campaign: Campaign, *, by: User, reason: str = "") -> int:
    """End the reporting: no unit is asked any more; those that were may still hand in, late.
    Return how many have not.

    Raises:
        Refused: the deadline that units were given is not over, some have not handed in, and no
            `reason` is given why they get no more time (提前截止).
    """
    _own(campaign, by)
    missing = SelfCheck.objects.filter(campaign=campaign).to_be_urged().count()
    if campaign.status == Campaign.Status.PUBLISHED and missing and not campaign.overdue:
        if not reason:
            raise Refused(f"报送截止日期未到，还有 {missing} 家未报送；提前截止须填写理由。")
        reason = f"提前截止：{reason}"
    CAMPAIGN.move(campaign, "close", by=by, reason=reason)
    return missing


@transaction.atomic
def archive_campaign(campaign: Campaign, *, by: User) -> None:
    """Put the campaign away: its self-checks can be read, and nothing else.

    Raises:
        Refused: what was handed in still waits for its review.
    """
    _own(campaign, by)
    waiting = SelfCheck.objects.filter(campaign=campaign, status=SelfCheck.Status.TO_REVIEW)
    if campaign.status == Campaign.Status.CLOSED and (count := waiting.count()):
        raise Refused(f"还有 {count} 家已报送、待复核；全部复核后才能归档。")
    CAMPAIGN.move(campaign, "archive", by=by)
    lift_second_factor(source=_duty(campaign))


def enrol(campaign: Campaign) -> int:
    """Add self-checks for supervised units that have none yet, set-based; safe to repeat.

    Runs at publication and then every minute (`assessments.tasks.enrol_newcomers`), so that a unit
    registered or handed over later is asked as well.
    """
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
    if campaign.second_factor:
        impose_second_factor(
            [row.unit_id for row in rows], source=_duty(campaign), reason=f"“{campaign}”"
        )
    return len(rows)


def _duty(campaign: Campaign) -> str:
    """The word by which the accounts know what this campaign asks for."""
    return f"campaign:{campaign.pk}"


@transaction.atomic
def record_call(selfcheck: SelfCheck, *, spoke_with: str, note: str, by: User) -> CallRecord:
    """Keep the record of a call made to urge a unit.

    Raises:
        Refused: the campaign was archived.
    """
    if not by.can("call.record", selfcheck):
        raise PermissionDenied("call.record")
    not_over(selfcheck)
    call = CallRecord.objects.create(selfcheck=selfcheck, spoke_with=spoke_with, note=note, by=by)
    record("selfcheck.call", selfcheck, by=by, details={"spoke_with": spoke_with})
    return call
