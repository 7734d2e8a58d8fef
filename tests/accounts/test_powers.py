"""权限一览: the table that the portal applies, and who holds which role."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Grant
from accounts.roles import POWER_LABELS, POWERS, Role

URL = "accounts:powers"


def as_(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_every_power_has_words_and_no_words_are_left_over():
    assert frozenset().union(*POWERS.values()) == POWER_LABELS.keys()
    assert len(set(POWER_LABELS.values())) == len(POWER_LABELS)


@pytest.mark.django_db
def test_the_table_is_the_one_that_is_applied(world):
    table = as_(world.security_admin).get(reverse(URL)).context["table"]
    shown = {(label, role) for label, cells in table for role, held in cells if held}
    assert shown == {(POWER_LABELS[p], role) for role in Role for p in POWERS[role]}


@pytest.mark.django_db
def test_people_are_found_by_role_and_place_and_the_stopped_hold_none(world):
    client = as_(world.security_admin)
    text = client.get(reverse(URL)).content.decode()
    for user in (world.filler, world.officer, world.audit_admin):
        assert user.username in text
        assert user.place in text
    approvers = client.get(reverse(URL), {"role": "approver"}).context["page"]
    assert [u.username for u in approvers] == ["approver"]
    world.approver.is_active = False
    world.approver.save()
    assert not client.get(reverse(URL), {"role": "approver", "state": "off"}).context["page"]


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["system_admin", "audit_admin", "officer", "filler", "nobody"])
def test_nobody_else_reads_it(world, who):
    assert as_(getattr(world, who)).get(reverse(URL)).status_code == 403


@pytest.mark.django_db
def test_it_gives_the_security_admin_no_hand_on_accounts(world):
    client = as_(world.security_admin)
    for url in (
        reverse("accounts:list"),
        reverse("accounts:create"),
        reverse("accounts:password_reset", args=[world.filler.pk]),
        reverse("accounts:set_active", args=[world.filler.pk]),
    ):
        assert client.post(url, {"active": "no"}).status_code in {403, 405}
    world.filler.refresh_from_db()
    assert world.filler.is_active


def crumbs(client, person, **asked):
    page = client.get(reverse("accounts:detail", args=[person.pk]), asked).content.decode()
    return page.split('class="crumbs"')[1].split("</nav>")[0]


@pytest.mark.django_db
def test_the_page_of_an_account_leads_back_to_where_one_may_go(client, world):
    client.force_login(world.security_admin)
    seat = world.filler.memberships.get()
    grant = Grant.objects.create(membership=seat, requested_by=world.system_admin)
    for person in (world.filler, world.audit_admin):
        assert reverse("accounts:powers") in crumbs(client, person)
        assert f'"{reverse("accounts:list")}"' not in crumbs(client, person)
    came = crumbs(client, world.filler, grant=grant.pk)
    assert reverse("accounts:grant", args=[grant.pk]) in came
    assert reverse("accounts:powers") not in came
    page = client.get(reverse("accounts:grant", args=[grant.pk])).content.decode()
    assert f"{reverse('accounts:detail', args=[world.filler.pk])}?grant={grant.pk}" in page
    # A grant of somebody else, or nonsense, is no way back.
    for asked in (grant.pk, "x", "9" * 30):
        assert reverse("accounts:powers") in crumbs(client, world.officer, grant=asked)
    client.force_login(world.system_admin)
    for person in (world.filler, world.audit_admin):
        assert f'"{reverse("accounts:list")}"' in crumbs(client, person)
