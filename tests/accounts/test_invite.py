"""The accounts that a unit gets, and the sheet that brings them."""

import datetime as dt
import logging
import re

import pytest
from django.urls import reverse

from accounts import actions
from accounts.models import Membership, User
from accounts.roles import Role
from audit.models import AuditEvent
from inventory.models import Delegation
from tests.reports import measure
from tests.world import PASSWORD

pytestmark = pytest.mark.django_db


def url(unit):
    return reverse("reports:invitation", args=[unit.pk])


def form(role="filler", days=10):
    return {"role": role, "deadline": (dt.date.today() + dt.timedelta(days=days)).isoformat()}


def test_a_unit_without_accounts_gets_one_for_each_role(world):
    Membership.objects.filter(unit=world.unit_a).delete()
    made = {
        role: actions.invite_unit(unit=world.unit_a, role=role, by=world.officer)
        for role in (Role.FILLER, Role.SIGNER)
    }
    names = {role: invitation.user.username for role, invitation in made.items()}
    assert names == {
        Role.FILLER: f"dw{world.unit_a.pk:06d}-tb",
        Role.SIGNER: f"dw{world.unit_a.pk:06d}-sq",
    }
    for role, invitation in made.items():
        user = User.objects.get(pk=invitation.user.pk)
        assert user.check_password(invitation.password)
        assert user.must_change_password
        assert user.roles == {role}
        assert user.unit == world.unit_a
        assert invitation.password not in repr(invitation)


def fresh(user) -> User:
    """Let nobody have used the account yet."""
    User.objects.filter(pk=user.pk).update(last_login=None, must_change_password=True)
    return User.objects.get(pk=user.pk)


def test_an_account_that_nobody_used_is_renewed_and_keeps_its_name(world):
    fresh(world.filler)
    invitation = actions.invite_unit(unit=world.unit_a, role=Role.FILLER, by=world.officer)
    assert invitation.renewed
    assert invitation.user == world.filler
    world.filler.refresh_from_db()
    assert not world.filler.check_password(PASSWORD)
    event = AuditEvent.objects.get(action="account.invite")
    assert event.object_id == str(world.unit_a.pk)
    assert invitation.password not in str(event.details)


def test_after_a_deactivated_account_a_new_one_is_made(world):
    Membership.objects.filter(unit=world.unit_a).delete()
    first = actions.invite_unit(unit=world.unit_a, role=Role.FILLER, by=world.officer)
    User.objects.filter(pk=first.user.pk).update(is_active=False)
    second = actions.invite_unit(unit=world.unit_a, role=Role.FILLER, by=world.officer)
    assert second.user.username == f"{first.user.username}2"


def test_other_roles_and_other_offices_are_refused(world):
    with pytest.raises(actions.Refused, match="只有填报人和审签人"):
        actions.invite_unit(unit=world.unit_a, role=Role.APPROVER, by=world.officer)
    Delegation.objects.create(
        unit=world.unit_a, office=world.city_b, until=dt.date.today(), reason="x"
    )
    with pytest.raises(actions.Refused, match="监管机关"):
        actions.invite_unit(unit=world.unit_a, role=Role.FILLER, by=world.officer_b)


def test_the_sheet_is_the_answer_and_is_kept_nowhere(client, world, caplog):
    fresh(world.signer)
    client.force_login(world.officer)
    with caplog.at_level(logging.DEBUG):
        response = client.post(url(world.unit_a), form("signer", days=12))
    assert response["Content-Type"] == "application/pdf"
    assert "no-store" in response["Cache-Control"]
    text = measure.text(response.content)
    assert world.unit_a.name in text
    assert "signer" in text
    assert "审签人本人保管" in text
    told = re.search(r"首次口令([\w-]+)", text, re.ASCII)
    assert told
    password = told[1]
    world.signer.refresh_from_db()
    assert world.signer.check_password(password)
    assert password not in caplog.text
    assert password not in str(list(AuditEvent.objects.values()))
    assert not world.unit_a.documents.exists()
    told_owner = world.signer.inbox_messages.get()
    assert told_owner.title == "首次口令已重新打印"
    assert world.officer.name in told_owner.body
    assert password not in told_owner.body


@pytest.mark.parametrize(
    "used",
    [
        {"must_change_password": False, "last_login": None},
        {"must_change_password": True, "last_login": dt.datetime(2026, 3, 1, tzinfo=dt.UTC)},
    ],
)
def test_nobody_takes_over_an_account_that_its_owner_uses(client, world, used):
    User.objects.filter(pk=world.signer.pk).update(**used)
    client.force_login(world.officer)
    shown = client.get(url(world.unit_a)).content.decode()
    assert 'value="signer"' not in shown
    assert "本人已启用，忘记口令由平台系统管理员重置" in shown
    answer = client.post(url(world.unit_a), form("signer"), follow=True)
    assert "审签人账号本人已启用" in answer.content.decode()
    world.signer.refresh_from_db()
    assert world.signer.check_password(PASSWORD)
    assert not AuditEvent.objects.filter(action="account.invite").exists()


def test_the_page_says_how_the_accounts_stand(client, world):
    fresh(world.signer)
    client.force_login(world.officer)
    page = client.get(url(world.unit_a)).content.decode()
    assert "使用中" in page
    assert "已发放，未启用" in page
    assert 'value="filler"' not in page
    assert "打印审签人告知单" in page
    detail = client.get(reverse("inventory:unit_detail", args=[world.unit_a.pk]))
    assert url(world.unit_a) in detail.content.decode()


@pytest.mark.parametrize("days", [0, -3])
def test_a_deadline_in_the_past_is_refused_and_resets_nothing(client, world, days):
    client.force_login(world.officer)
    response = client.post(url(world.unit_a), form(days=days))
    assert response.context["form"].errors["deadline"] == ["完成期限应在今天之后。"]
    world.filler.refresh_from_db()
    assert world.filler.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("officer", 200),
        ("officer_province", 200),
        ("approver", 403),
        ("filler", 403),
        ("officer_b", 404),
        ("filler_b", 404),
        ("system_admin", 404),
        ("nobody", 404),
    ],
)
def test_who_may_invite(client, world, who, status):
    client.force_login(getattr(world, who))
    assert client.get(url(world.unit_a)).status_code == status
    if status != 200:
        assert client.post(url(world.unit_a), form()).status_code == status
        world.filler.refresh_from_db()
        assert world.filler.check_password(PASSWORD)
