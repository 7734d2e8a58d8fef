"""What is open where somebody leaves, for the 交接单: it belongs to the role, not to the person."""

from django.urls import reverse

from accounts.models import User
from assessments.models import Campaign, SelfCheck
from rectification.models import Notice

_RUNNING = set(Notice.Status) - {Notice.Status.FINISHED, Notice.Status.VOID}


def open_work(person: User, *, by: User) -> list[tuple[str, str]]:
    """(words, address) of what `person` leaves behind, as far as `by` sees it."""
    if person.unit is not None:
        return [*_checks(person, by), *_notices(by, unit=person.unit)]
    return _notices(by, office=person.office, drafted_by=person)


def _checks(person: User, by: User) -> list[tuple[str, str]]:
    rows = (
        SelfCheck.objects.visible_to(by)
        .filter(unit=person.unit)
        .to_be_urged()
        .exclude(campaign__status=Campaign.Status.ARCHIVED)
        .select_related("campaign")
    )
    return [
        (
            f"自查：{row.campaign.title}（{row.get_status_display()}）",
            reverse("assessments:summary", args=[row.pk]),
        )
        for row in rows
    ]


def _notices(by: User, **of: object) -> list[tuple[str, str]]:
    rows = Notice.objects.visible_to(by).filter(status__in=_RUNNING, **of)
    return [
        (
            f"整改通知：{row}（{row.status_words}）",
            reverse("rectification:notice_detail", args=[row.pk]),
        )
        for row in rows
    ]
