"""Who looked at whose details stands on the trail, once; and so does what is set by files."""

import datetime as dt

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from audit.actions import watch
from audit.configuration import CHANGED, note_configuration
from audit.models import AuditEvent
from audit.policy import policy
from audit.readings import READ

pytestmark = pytest.mark.django_db


def as_(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def readings() -> list[tuple[str, str, str]]:
    events = AuditEvent.objects.filter(action=READ).order_by("pk")
    return [(e.actor_label.partition("（")[0], e.object_type, e.object_id) for e in events]


def test_an_authority_that_reads_a_unit_is_told_and_the_unit_itself_is_not(world):
    urls = [
        reverse("inventory:unit_detail", args=[world.unit_a.pk]),
        reverse("inventory:system_detail", args=[world.system_a.pk]),
    ]
    for user in (world.filler, world.officer):
        for url in urls:
            assert as_(user).get(url).status_code == 200
    assert readings() == [
        ("officer", "inventory.unit", str(world.unit_a.pk)),
        ("officer", "inventory.mailsystem", str(world.system_a.pk)),
    ]
    assert AuditEvent.objects.filter(action=READ).first().details == {"unit": world.unit_a.name}


def test_a_page_read_again_and_again_is_one_event_for_its_time(world):
    url = reverse("inventory:unit_detail", args=[world.unit_a.pk])
    client = as_(world.officer)
    for _ in range(3):
        client.get(url)
    assert len(readings()) == 1
    later = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=policy().quiet_minutes, seconds=5)
    with time_machine.travel(later):
        client.get(url)
    assert len(readings()) == 2


def test_lists_and_refused_pages_are_no_reading(world):
    client = as_(world.officer)
    client.get(reverse("inventory:unit_list"))
    assert client.get(reverse("inventory:unit_detail", args=[world.unit_b.pk])).status_code == 404
    assert readings() == []


def test_a_change_of_what_files_and_environment_set_is_an_event(settings, tmp_path):
    note_configuration()
    note_configuration()
    first = AuditEvent.objects.get(action=CHANGED)
    assert first.details["accounts/policy.toml"][0] == "无"
    settings.AUDIT_DIGEST = "sm3"
    settings.SCAN_POLICY_FILE = str(tmp_path / "gone.toml")
    watch()
    second = AuditEvent.objects.filter(action=CHANGED).first()
    assert second.pk > first.pk
    assert second.details["审计摘要算法"] == ["sha256", "sm3"]
    assert "SECRET" not in str(second.details)
