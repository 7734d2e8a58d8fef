"""Lost factors, and units that a campaign asks to have one."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts import factors
from accounts.models import SecondFactorDuty
from assessments.actions import archive_campaign, close_campaign, publish_campaign
from assessments.definitions import publish
from assessments.models import Campaign
from audit.models import AuditEvent
from emailsec.lib.workdays import today
from tests.access.walk import QUESTIONNAIRE
from tests.accounts.factors import Phone, log_in, recovery_codes

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
