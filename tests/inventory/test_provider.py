"""邮件服务提供方: an office that supervises nobody and reads what is lent to it."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.roles import POWERS, READING, Role
from emailsec.lib.workdays import today
from inventory import actions
from inventory.forms.supervision import DelegationForm
from inventory.models import Supervision, Unit
from tests.inventory.test_offices import edit, of
from tests.world import make_office, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(world):
    return make_office("某邮件公司", world.unit_a.region, kind="provider", number_prefix="邮")


@pytest.fixture(params=[Role.CASE_OFFICER, Role.CHECKER, Role.APPROVER])
def person(request, provider):
    return make_user("provider", request.param, office=provider)


def lend(world, provider):
    lent = {"unit": world.unit_a, "office": provider, "until": today(), "reason": "协助整改"}
    return actions.delegate_unit(**lent, by=world.officer)


def test_it_reads_what_is_lent_to_it_and_nothing_else(client, world, provider, person):
    unit = reverse("inventory:unit_detail", args=[world.unit_a.pk])
    client.force_login(person)
    assert client.get(unit).status_code == 404
    row = lend(world, provider)
    for url in (
        unit,
        reverse("inventory:system_detail", args=[world.system_a.pk]),
        reverse("dashboards:home"),
        reverse("inventory:unit_list"),
    ):
        assert client.get(url).status_code == 200
    assert client.get(reverse("inventory:unit_detail", args=[world.unit_b.pk])).status_code == 404
    actions.end_delegation(delegation=row, by=world.officer)
    assert client.get(unit).status_code == 404


def test_it_never_acts_whatever_the_role(client, world, provider, person):
    lend(world, provider)
    assert person.powers <= READING
    assert not any(person.can(p, world.unit_a) for role in POWERS.values() for p in role - READING)
    client.force_login(person)
    for name, args in (
        ("inventory:unit_create", []),
        ("inventory:unit_edit", [world.unit_a.pk]),
        ("inventory:unit_transfer", [world.unit_a.pk]),
        ("inventory:unit_access", [world.unit_a.pk]),
        ("inventory:unit_import", []),
        ("assessments:campaign_create", []),
        ("rectification:notice_create", [world.unit_a.pk]),
        ("accounts:registration_list", []),
    ):
        assert client.get(reverse(name, args=args)).status_code == 403, name
    page = client.get(reverse("inventory:unit_list")).content.decode()
    assert reverse("inventory:unit_create") not in page


def test_it_supervises_nobody(world, provider):
    with pytest.raises(actions.Refused, match="不监管单位"):
        actions.transfer_unit(
            unit=world.unit_a, office=provider, reason="x", by=world.officer_province
        )
    new = Unit(
        name="丙",
        uscc="x",
        kind="party",
        affiliation="3",
        sector=world.unit_a.sector,
        region=world.unit_a.region,
    )
    with pytest.raises(actions.Refused, match="不监管单位"):
        actions.register_unit(unit=new, office=provider, by=world.officer)
    with pytest.raises(IntegrityError), transaction.atomic():
        Supervision.objects.create(unit=world.unit_a, kind=provider.kind, office=provider)


def test_who_lends_reads_that_it_is_an_enterprise(client, world, provider):
    assert "某邮件公司（邮件服务提供方）" in str(DelegationForm()["office"])
    lend(world, provider)
    client.force_login(world.filler)
    page = client.get(reverse("inventory:unit_detail", args=[world.unit_a.pk])).content.decode()
    assert "某邮件公司（邮件服务提供方），至" in page


def test_an_office_with_people_does_not_become_one(client, world, provider, person):
    client.force_login(world.system_admin)
    response = client.post(edit(provider), of(provider, kind="industry"))
    assert "在职或待确认的人员 1 名" in response.context["form"].errors["kind"][0]
    person.memberships.update(active=False)
    assert client.post(edit(provider), of(provider, kind="industry")).status_code == 302
