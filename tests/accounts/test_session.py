"""Getting in and staying out."""

import logging

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from tests.world import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN = "accounts:login"


def log_in(client, username, password=PASSWORD, **more):
    return client.post(reverse(LOGIN), {"username": username, "password": password, **more})


def test_in_and_out_leave_their_events(client, world):
    response = log_in(client, "filler", next=reverse("inbox:list"))
    assert response.url == reverse("inbox:list")
    assert client.get(reverse("accounts:logout")).status_code == 405
    assert client.post(reverse("accounts:logout")).url == reverse(LOGIN)
    assert client.get(reverse("inbox:list")).status_code == 302
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {
        "account.login",
        "account.logout",
    }


def test_nobody_is_sent_to_a_foreign_site(client, world):
    response = log_in(client, "filler", next="https://evil.test/")
    assert "evil" not in response.url


def test_a_wrong_name_and_a_wrong_password_read_the_same(client, world):
    world.signer.is_active = False
    world.signer.save()
    pages = [
        log_in(client, "filler", "Falsch-2026"),
        log_in(client, "nobody-here", "Falsch-2026"),
        log_in(client, "signer"),
    ]
    said = [str(page.context["form"].non_field_errors()) for page in pages]
    assert len(set(said)) == 1
    assert "用户名或口令不正确" in said[0]


def test_failures_are_recorded_without_what_was_typed(client, world, caplog):
    with caplog.at_level(logging.DEBUG):
        log_in(client, "filler", "Geheim-Eins-1")
        log_in(client, "My-Password-In-The-Wrong-Box", "x")
    events = AuditEvent.objects.filter(action="account.login_failed").order_by("id")
    assert [e.object_label for e in events] == ["filler", "（无此用户）My…"]
    everything = caplog.text + str(list(AuditEvent.objects.values()))
    assert "Geheim-Eins-1" not in everything
    assert "Wrong-Box" not in everything


def test_deactivated_people_are_out_at_once(client, world):
    log_in(client, "filler")
    world.filler.is_active = False
    world.filler.save()
    assert client.get(reverse("inbox:list")).status_code == 302
