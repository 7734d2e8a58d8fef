"""Who asked for what is not theirs stands on the trail, once."""

import datetime as dt

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from audit.refusals import DENIED, QUIET

pytestmark = pytest.mark.django_db


def as_(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def refusals() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=DENIED).order_by("pk"))


def test_a_page_without_the_power_and_a_foreign_object_are_recorded(world):
    client = as_(world.filler)
    assert client.get(reverse("audit:list"), {"q": "secret"}).status_code == 403
    url = reverse("inventory:unit_detail", args=[world.unit_b.pk])
    assert client.get(url, {"q": "secret"}).status_code == 404
    page, foreign = refusals()
    assert (page.object_label, page.details["status"]) == ("审计：/audit/", 403)
    assert page.details["method"] == "GET"
    assert foreign.object_label == f"台账：{url}"
    assert (foreign.result, foreign.actor_id) == ("denied", world.filler.pk)
    assert "secret" not in str([e.details for e in refusals()])
    shown = as_(world.audit_admin).get(reverse("audit:list"), {"act": DENIED}).content.decode()
    assert "越权访问被拒绝" in shown
    assert "被拒绝</b>" in shown
    assert f"台账：{url}</div>" in shown


def test_a_loop_leaves_one_event_for_each_person_and_object(world):
    url = reverse("inventory:unit_detail", args=[world.unit_b.pk])
    filler, officer = as_(world.filler), as_(world.officer)
    for _ in range(3):
        filler.get(url)
        officer.get(url)
    filler.get(reverse("inventory:unit_detail", args=[world.unit_provincial.pk]))
    assert len(refusals()) == 3
    later = refusals()[0].at + QUIET + dt.timedelta(seconds=5)
    with time_machine.travel(later):
        filler.get(url)
    assert len(refusals()) == 4


def test_a_mistyped_address_and_a_stranger_are_no_refusals(world):
    as_(world.filler).get("/no/such/page/")
    Client().get(reverse("inventory:unit_detail", args=[world.unit_b.pk]))
    assert refusals() == []


def test_a_text_in_an_address_is_not_kept(world):
    url = reverse("assessments:section", args=[1, 2, "geheim"])
    assert as_(world.filler).get(url).status_code == 404
    assert refusals()[0].object_label == "自查：" + url.replace("geheim", "…")
