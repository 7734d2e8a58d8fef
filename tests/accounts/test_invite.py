"""The accounts that a unit gets, and the sheet that brings them."""

import datetime as dt
import logging
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import actions
from accounts.invitation_codes import digest_of
from accounts.models import Invitation, Membership, User
from accounts.roles import Role
from audit.models import AuditEvent
from inventory.models import Delegation
from tests.reports import measure

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
        assert not user.has_usable_password()
        assert user.invitations.get().digest == digest_of(invitation.code)
        assert user.roles == {role}
        assert user.unit == world.unit_a
        assert invitation.code not in repr(invitation)


def fresh(user) -> User:
    """Let nobody have used the account yet."""
    User.objects.filter(pk=user.pk).update(last_login=None, password="!")
    return User.objects.get(pk=user.pk)


def test_an_account_that_nobody_used_is_renewed_and_keeps_its_name(world):
    fresh(world.filler)
    invitation = actions.invite_unit(unit=world.unit_a, role=Role.FILLER, by=world.officer)
    assert invitation.renewed
    assert invitation.user == world.filler
    event = AuditEvent.objects.get(action="account.invite")
    assert event.object_id == str(world.unit_a.pk)
    assert invitation.code not in str(event.details)


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
    told = re.search(r"邀请码((?:[A-Z0-9]{5}-){4}[A-Z0-9]{5})", text)
    assert told
    code = told[1]
    last = timezone.localdate() + dt.timedelta(days=29)
    assert f"只能用一次，{last.year}年{last.month}月{last.day}日后失效" in text
    assert world.signer.invitations.get().digest == digest_of(code)
    assert code not in caplog.text
    assert code not in str(list(AuditEvent.objects.values()))
    assert not world.unit_a.documents.exists()
    told_owner = world.signer.inbox_messages.get()
    assert told_owner.title == "告知单已重新打印"
    assert world.officer.name in told_owner.body
    assert code not in told_owner.body


@pytest.mark.parametrize(
    "used",
    [
        {"last_login": None},
        {"password": "!", "last_login": dt.datetime(2026, 3, 1, tzinfo=dt.UTC)},
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
    assert not world.signer.invitations.exists()
    assert not AuditEvent.objects.filter(action="account.invite").exists()


def test_a_letter_that_went_astray_is_taken_back(client, world):
    fresh(world.signer)
    client.force_login(world.officer)
    client.post(url(world.unit_a), form("signer"))
    back = reverse("reports:invitation_withdraw", args=[world.unit_a.pk])
    shown = client.get(url(world.unit_a)).content.decode()
    assert back in shown
    assert "已发放，未启用" in shown
    page = client.post(back, {"role": "signer"}, follow=True).content.decode()
    assert "审签人的邀请已收回" in page
    assert not Invitation.objects.open().exists()
    assert "没有可收回的邀请" in client.post(back, {"role": "signer"}, follow=True).content.decode()
    assert client.post(back, {"role": "approver"}).status_code == 404


def test_the_page_says_how_the_accounts_stand(client, world):
    fresh(world.signer)
    client.force_login(world.officer)
    page = client.get(url(world.unit_a)).content.decode()
    assert "使用中" in page
    assert "没有有效的邀请" in page
    assert 'value="filler"' not in page
    assert "打印审签人告知单" in page
    detail = client.get(reverse("inventory:unit_detail", args=[world.unit_a.pk]))
    assert url(world.unit_a) in detail.content.decode()


@pytest.mark.parametrize("days", [0, -3])
def test_a_deadline_in_the_past_is_refused_and_resets_nothing(client, world, days):
    client.force_login(world.officer)
    response = client.post(url(world.unit_a), form(days=days))
    assert response.context["form"].errors["deadline"] == ["完成期限应在今天之后。"]
    assert not world.filler.invitations.exists()


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
        assert not world.filler.invitations.exists()
