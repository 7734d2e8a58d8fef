"""Who sees which unit: supervision decides, not geography."""

import datetime as dt

import pytest
from django.contrib.auth.models import AnonymousUser

from inventory.models import Delegation, MailSystem, Unit

pytestmark = pytest.mark.django_db


def seen(user):
    return set(Unit.objects.visible_to(user).values_list("name", flat=True))


def test_an_office_sees_the_units_it_supervises_and_no_provincial_unit_in_its_city(world):
    assert seen(world.officer) == {world.unit_a.name}


def test_a_superior_office_sees_its_subtree(world):
    names = {world.unit_a.name, world.unit_b.name, world.unit_provincial.name}
    assert seen(world.officer_province) == names


def test_another_kind_of_authority_sees_what_it_supervises(world):
    assert seen(world.officer_industry) == {world.unit_b.name}


def test_unit_people_see_their_own_unit(world):
    assert seen(world.filler) == seen(world.signer) == {world.unit_a.name}


@pytest.mark.parametrize("who", ["system_admin", "security_admin", "audit_admin", "nobody"])
def test_portal_roles_and_people_without_a_place_see_no_unit(world, who):
    assert seen(getattr(world, who)) == set()


def test_anonymous_and_inactive_see_nothing(world):
    world.officer.is_active = False
    assert seen(AnonymousUser()) == seen(world.officer) == seen(None) == set()


def test_a_delegation_opens_one_unit_until_its_date(world):
    today = dt.date.today()
    row = Delegation.objects.create(
        unit=world.unit_a, office=world.city_b, until=today, reason="联合检查"
    )
    assert seen(world.officer_b) == {world.unit_a.name, world.unit_b.name}
    row.until = today - dt.timedelta(days=2)
    row.save()
    assert seen(world.officer_b) == {world.unit_b.name}


def test_a_superior_unit_reads_its_subordinate_only_where_set(world):
    world.unit_b.superior = world.unit_a
    world.unit_b.save()
    assert seen(world.filler) == {world.unit_a.name}
    world.unit_b.superior_may_read = True
    world.unit_b.save()
    assert seen(world.filler) == {world.unit_a.name, world.unit_b.name}
    assert not world.filler.can("system.edit", world.system_b)
    assert world.filler.can("system.read", world.system_b)


def test_owned_rows_follow_their_unit(world):
    assert set(MailSystem.objects.visible_to(world.officer)) == {world.system_a}


def test_prefix_of_a_path_is_not_taken_for_a_subtree(world):
    assert world.city_a.path.startswith(world.province.path)
    assert not world.city_b.path.startswith(world.city_a.path)
