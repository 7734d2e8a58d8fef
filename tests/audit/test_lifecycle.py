"""A status moves through its table only, with exactly one winner, leaving its record."""

import pytest
from django.core.exceptions import PermissionDenied

from assessments.lifecycles import SELFCHECK
from assessments.models import Campaign, Questionnaire, SelfCheck
from audit.lifecycle import IllegalMove
from audit.models import AuditEvent
from audit.trail import digest_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def selfcheck(world):
    version = Questionnaire.objects.create(version="t", title="表", source="", sha256="")
    campaign = Campaign.objects.create(
        office=world.city_a, title="行动", questionnaire=version, deadline="2026-12-31"
    )
    return SelfCheck.objects.create(campaign=campaign, unit=world.unit_a, questionnaire=version)


def test_a_move_changes_the_row_and_leaves_change_and_event(world, selfcheck):
    SELFCHECK.move(selfcheck, "start", by=world.filler)
    selfcheck.refresh_from_db()
    assert selfcheck.status == "filling"
    change = selfcheck.changes.get()
    assert (change.source, change.target, change.by) == ("not_started", "filling", world.filler)
    event = AuditEvent.objects.get(action="selfcheck.start")
    assert event.details == {"from": "not_started", "to": "filling"}
    assert event.digest == digest_of(event)
    event.details = {"from": "not_started", "to": "accepted"}
    assert event.digest != digest_of(event)


def test_the_loser_of_a_race_is_told(world, selfcheck):
    stale = SelfCheck.objects.get(pk=selfcheck.pk)
    SELFCHECK.move(selfcheck, "start", by=world.filler)
    with pytest.raises(IllegalMove, match="他人处理"):
        SELFCHECK.move(stale, "start", by=world.filler)
    assert AuditEvent.objects.filter(action="selfcheck.start").count() == 1


def test_wrong_state_missing_power_and_missing_reason(world, selfcheck):
    with pytest.raises(IllegalMove, match="待填报"):
        SELFCHECK.move(selfcheck, "submit", by=world.filler)
    with pytest.raises(PermissionDenied):
        SELFCHECK.move(selfcheck, "start", by=world.officer)
    with pytest.raises(PermissionDenied):
        SELFCHECK.move(selfcheck, "start", by=world.filler_b)
    SELFCHECK.move(selfcheck, "start", by=world.filler)
    SELFCHECK.move(selfcheck, "submit", by=world.filler)
    with pytest.raises(IllegalMove, match="理由"):
        SELFCHECK.move(selfcheck, "refuse", by=world.signer, reason=" ")


def test_an_event_can_neither_be_changed_nor_deleted_by_its_model(world, selfcheck):
    SELFCHECK.move(selfcheck, "start", by=world.filler)
    event = AuditEvent.objects.get(action="selfcheck.start")
    with pytest.raises(TypeError):
        event.save()
    with pytest.raises(TypeError):
        event.delete()
