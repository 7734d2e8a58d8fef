"""Lost factors, and units that a campaign asks to have one."""

import base64
import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts import actions, factors
from accounts.models import Authenticator, Grant, SecondFactorDuty, UnifiedIdentity
from assessments.actions import archive_campaign, close_campaign, publish_campaign
from assessments.definitions import publish
from assessments.models import Campaign
from audit.models import AuditEvent
from emailsec.lib.workdays import today
from tests.access.walk import QUESTIONNAIRE
from tests.accounts.factors import Phone, code_of, log_in, recovery_codes

pytestmark = pytest.mark.django_db
INBOX = reverse("inbox:list")


def reset(client, person):
    return client.post(reverse("accounts:factor_reset", args=[person.pk]), follow=True)


def test_the_administrator_takes_away_what_was_lost(client, world, settings):
    settings.SECOND_FACTOR_REQUIRED = False
    phone = Phone(world.officer)
    recovery_codes(world.officer)
    theirs = Client()
    log_in(theirs, world.officer)
    theirs.post(reverse("accounts:second_factor"), {"code": phone.code()})
    assert theirs.get(INBOX).status_code == 200
    client.force_login(world.system_admin)
    assert "解除二次验证" in client.get(reverse("accounts:list")).content.decode()
    assert "已解除“officer”的二次验证" in reset(client, world.officer).content.decode()
    assert not factors.has_factor(world.officer)
    assert factors.codes_left(world.officer) == 0
    assert theirs.get(INBOX).url.startswith(reverse("accounts:login"))
    event = AuditEvent.objects.get(action="account.second_factor_reset")
    assert event.object_id == str(world.officer.pk)
    settings.SECOND_FACTOR_REQUIRED = True
    log_in(theirs, world.officer)
    assert theirs.get(INBOX).url == reverse("accounts:security")


def confirm(grant, world):
    security = Client()
    security.force_login(world.security_admin)
    url = reverse("accounts:grant", args=[grant.pk])
    return security.post(url, {"action": "confirm"}, follow=True).content.decode()


def test_who_comes_in_after_it_does_nothing_before_another_confirmed_them(client, world):
    """The administrator, or whoever knows the password, could be the next to set up a factor."""
    Phone(world.officer)
    client.force_login(world.system_admin)
    assert "其角色待安全管理员重新确认" in reset(client, world.officer).content.decode()
    anybody = Client()
    log_in(anybody, world.officer)
    home = anybody.get(reverse("dashboards:home")).content.decode()
    assert "您的角色待安全管理员确认" in home
    assert anybody.get(reverse("inventory:unit_list")).status_code == 403
    grant = Grant.objects.get()
    assert (grant.reason, grant.requested_by) == ("解除二次验证后重新确认", world.system_admin)
    confirm(grant, world)
    assert anybody.get(reverse("inventory:unit_list")).status_code == 200


def test_a_role_is_confirmed_to_who_holds_the_new_factor(client, world, settings):
    Phone(world.officer)
    client.force_login(world.system_admin)
    reset(client, world.officer)
    grant = Grant.objects.get()
    settings.SECOND_FACTOR_REQUIRED = True
    with pytest.raises(actions.Refused, match="还没有设置二次验证"):
        actions.decide_grant(grant, action="confirm", by=world.security_admin)
    # A provider that asks for its own stands in for it only where there is no other way in.
    settings.OIDC_SECOND_FACTOR = ["otp"]
    UnifiedIdentity.objects.create(user=world.officer, issuer="https://id.test", subject="1")
    assert factors.lacks_factor(world.officer)
    world.officer.set_unusable_password()
    assert not factors.lacks_factor(world.officer)
    Phone(world.officer)
    actions.decide_grant(grant, action="confirm", by=world.security_admin)
    assert grant.status == "confirmed"


def test_who_replaces_a_factor_of_their_own_goes_on(client, world):
    phone = Phone(world.officer)
    log_in(client, world.officer)
    client.post(reverse("accounts:second_factor"), {"code": phone.code()})
    page = client.get(reverse("accounts:authenticator"))
    secret = base64.b32decode(page.context["key"].replace(" ", ""))
    client.post(reverse("accounts:authenticator"), {"code": code_of(secret)})
    assert not Authenticator.objects.filter(pk=phone.device.pk).exists()
    assert client.get(reverse("inventory:unit_list")).status_code == 200
    assert not Grant.objects.exists()


@pytest.mark.parametrize(
    ("person", "says"),
    [
        ("filler", "此账号没有设置二次验证，不需要解除。"),
        ("system_admin", "不能对自己的账号这样操作。"),
        ("audit_admin", "三员账号不在平台内管理"),
    ],
)
def test_what_is_not_taken_away(client, world, person, says):
    Phone(world.audit_admin)
    client.force_login(world.system_admin)
    assert says in reset(client, getattr(world, person)).content.decode()
    assert factors.has_factor(world.audit_admin)


def test_those_of_the_three_are_reset_on_the_server(world):
    Phone(world.audit_admin)
    out = io.StringIO()
    call_command("portal_account", "audit_admin", reset_second_factor=True, stdout=out)
    assert "已解除 audit_admin 的二次验证" in out.getvalue()
    assert not factors.has_factor(world.audit_admin)
    for name, says in (("audit_admin", "不需要解除"), ("officer", "不是三员账号")):
        with pytest.raises(CommandError, match=says):
            call_command("portal_account", name, reset_second_factor=True)


@pytest.fixture
def campaign(world):
    version, _ = publish(QUESTIONNAIRE)
    return Campaign.objects.create(
        office=world.city_a,
        title="护网检查",
        questionnaire=version,
        deadline=today(),
        second_factor=True,
    )


def test_a_campaign_asks_its_units_until_it_is_archived(client, world, campaign):
    client.force_login(world.filler)
    assert client.get(INBOX).status_code == 200
    publish_campaign(campaign, by=world.officer)
    assert client.get(INBOX).url == reverse("accounts:security")
    page = client.get(reverse("accounts:security")).content.decode()
    assert "“护网检查”要求本单位人员登录时通过二次验证。请先添加" in page
    other = Client()
    other.force_login(world.filler_b)
    assert other.get(INBOX).status_code == 200
    close_campaign(campaign, by=world.officer, reason="提前")
    assert client.get(INBOX).status_code == 302
    archive_campaign(campaign, by=world.officer)
    assert client.get(INBOX).status_code == 200
    assert not SecondFactorDuty.objects.exists()


def test_a_campaign_that_does_not_ask_imposes_nothing(client, world, campaign):
    campaign.second_factor = False
    campaign.save()
    publish_campaign(campaign, by=world.officer)
    assert not SecondFactorDuty.objects.exists()
