"""What the endpoints of the security keys refuse; the real ceremony is in tests/e2e."""

import json

import pytest
from django.urls import reverse

from accounts import factors
from audit.models import AuditEvent
from tests.accounts.factors import Phone, log_in

pytestmark = pytest.mark.django_db


def send(client, name, data):
    return client.post(reverse(name), json.dumps(data), content_type="application/json")


def test_a_key_is_registered_for_this_portal_and_this_person(client, world, settings):
    settings.OTP_WEBAUTHN_RP_ID = "portal.example.test"
    log_in(client, world.filler)
    options = send(client, "accounts:key_options", {}).json()
    assert options["rp"]["id"] == "portal.example.test"
    assert options["user"]["name"] == "filler"


@pytest.mark.parametrize(
    "data", [{}, {"credential": {}}, {"credential": {"id": "x", "rawId": "x", "type": "x"}}, []]
)
def test_an_answer_that_is_none_registers_nothing(client, world, data):
    log_in(client, world.filler)
    send(client, "accounts:key_options", {})
    response = send(client, "accounts:key_add", data)
    assert response.status_code == 422
    assert any(word in response.json()["error"] for word in ("没有添加成功", "无法识别"))
    assert not factors.has_factor(world.filler)


def test_a_form_instead_of_json_is_refused_in_words(client, world):
    log_in(client, world.filler)
    response = client.post(reverse("accounts:key_add"), {"name": "x"})
    assert response.status_code == 422
    assert "无法识别" in response.json()["error"]


def test_a_challenge_is_answered_once(client, world):
    log_in(client, world.filler)
    send(client, "accounts:key_options", {})
    assert "key_register" in client.session
    send(client, "accounts:key_add", {"credential": {}})
    assert "key_register" not in client.session
    assert "没有添加成功" in send(client, "accounts:key_add", {}).json()["error"]


@pytest.mark.parametrize("data", [{}, {"credential": {"id": "AAAA", "rawId": "AAAA"}}])
def test_a_false_key_proves_nothing(client, world, data):
    Phone(world.officer)
    log_in(client, world.officer)
    send(client, "accounts:key_challenge", {})
    response = send(client, "accounts:key_prove", data)
    assert response.status_code == 422
    assert response.json()["error"] == "安全密钥没有通过验证，请重试。"
    assert client.get(reverse("inbox:list")).status_code == 302
    assert AuditEvent.objects.filter(action="account.second_factor_failed").count() == 1


def test_a_session_that_is_not_proven_registers_no_key(client, world):
    Phone(world.officer)
    log_in(client, world.officer)
    response = send(client, "accounts:key_options", {})
    assert response.url.startswith(reverse("accounts:second_factor"))
