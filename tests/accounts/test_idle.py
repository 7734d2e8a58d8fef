"""Accounts of office people that nobody uses are stopped, and come back only confirmed anew."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actions import decide_grant, request_grant
from accounts.models import Grant, User
from accounts.policy import policy
from accounts.roles import Role
from accounts.tasks import tidy
from audit.models import AuditEvent
from tests.world import make_user

pytestmark = pytest.mark.django_db
DAYS = policy().account.office_idle_days


def ago(days: int) -> dt.datetime:
    return timezone.now() - dt.timedelta(days=days)


def stopped() -> set[str]:
    return set(User.objects.filter(is_active=False).values_list("username", flat=True))


def test_who_does_not_come_for_so_long_is_stopped(world):
    User.objects.update(last_login=ago(DAYS - 1))
    tidy()
    assert stopped() == set()
    User.objects.filter(pk=world.officer.pk).update(last_login=ago(DAYS + 1))
    browser = Client()
    browser.force_login(world.approver)
    tidy()
    assert stopped() == {world.officer.username}
    event = AuditEvent.objects.get(action="account.deactivate")
    assert event.details["reason"] == f"连续 {DAYS} 天没有登录"
    assert event.actor_label == "系统"
    assert not world.officer.memberships.filter(active=True).exists()
    assert browser.get(reverse("dashboards:home")).status_code == 200


def test_units_and_the_three_are_left(world):
    User.objects.exclude(memberships__office__isnull=False).update(last_login=ago(DAYS * 3))
    tidy()
    assert stopped() == set()


@pytest.fixture
def newcomer(world) -> User:
    """Somebody who was given a role just now and has never come."""
    person = make_user("xinlai", None)
    grant = request_grant(
        user=person,
        role=Role.CASE_OFFICER,
        unit=None,
        office=world.city_a,
        reason="新任承办人",
        by=world.system_admin,
    )
    decide_grant(grant, action="confirm", by=world.security_admin)
    return person


def test_a_role_given_lately_counts_as_use_and_an_old_one_does_not(newcomer):
    tidy()
    assert stopped() == set()
    Grant.objects.update(since=ago(DAYS + 1))
    tidy()
    assert stopped() == {"xinlai"}


def test_who_comes_back_is_confirmed_anew_and_not_stopped_again(world, newcomer, client):
    User.objects.filter(pk=newcomer.pk).update(last_login=ago(DAYS + 1))
    Grant.objects.update(since=ago(DAYS + 1))
    tidy()
    client.force_login(world.system_admin)
    client.post(reverse("accounts:set_active", args=[newcomer.pk]), {"active": "yes"})
    assert not newcomer.memberships.filter(active=True).exists()
    tidy()
    decide_grant(Grant.objects.waiting().get(), action="confirm", by=world.security_admin)
    tidy()
    assert stopped() == set()
    assert newcomer.memberships.get(active=True).role == Role.CASE_OFFICER
