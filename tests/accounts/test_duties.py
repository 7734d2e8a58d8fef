"""Separation of duties: in the powers table, in words, and in the database of either engine."""

import os
import subprocess
import sys

import pytest
from django.apps import apps
from django.conf import settings
from django.core.checks import run_checks
from django.db import IntegrityError, connection, transaction

from accounts import duties
from accounts.models import Membership, User
from accounts.roles import POWERS, Role

PLACES = {
    "filler": "unit_a",
    "signer": "unit_a",
    "reader": "unit_a",
    "case_officer": "city_a",
    "checker": "city_a",
    "approver": "city_a",
}
PORTAL = ("system_admin", "security_admin", "audit_admin")
# What one person may hold at once, in one place; everything else excludes itself.
TOGETHER = [
    {"filler", "reader"},
    {"signer", "reader"},
    {"case_officer", "checker"},
    {"checker", "approver"},
]
PAIRS = [(one, other) for one in (*PLACES, *PORTAL) for other in (*PLACES, *PORTAL) if one < other]


def seat(world, user, role, place=""):
    place = place or PLACES.get(role, "")
    unit_id = getattr(world, place).pk if place.startswith("unit") else None
    office_id = getattr(world, place).pk if place.startswith(("city", "province")) else None
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_membership (user_id, role, unit_id, office_id, active)"
            " VALUES (%s, %s, %s, %s, true)",
            [user.pk, role, unit_id, office_id],
        )


def refused(world, user, role, place=""):
    """Whether direct SQL may not seat the user so."""
    try:
        with transaction.atomic():
            seat(world, user, role, place)
            transaction.set_rollback(True)
    except IntegrityError:
        return True
    return False


@pytest.mark.django_db
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_form_and_database_refuse_the_same_pairs(world, one, other):
    seat(world, world.nobody, one)
    place = PLACES.get(other, "")
    target = getattr(world, place) if place else None
    said = duties.conflict(
        Membership.objects.filter(user=world.nobody),
        Role(other),
        target if place.startswith("unit") else None,
        target if place.startswith("city") else None,
    )
    wanted = {one, other} not in TOGETHER
    assert (bool(said), refused(world, world.nobody, other)) == (wanted, wanted), said


@pytest.mark.django_db
def test_a_person_stands_in_one_place(world):
    assert refused(world, world.filler, "reader", "unit_b")
    assert refused(world, world.checker, "checker", "city_b")
    # An ended seat counts no more, and does not come back beside another.
    world.checker.memberships.update(active=False)
    seat(world, world.checker, "checker", "city_b")
    with pytest.raises(IntegrityError, match="membership_one_place"), transaction.atomic():
        world.checker.memberships.update(active=True)


@pytest.mark.django_db
def test_a_role_is_held_once_in_a_place(world):
    assert refused(world, world.filler, "filler")
    assert refused(world, world.checker, "checker")
    assert refused(world, world.audit_admin, "audit_admin")


SQLITE = """
import django; django.setup()
from django.db import IntegrityError, connection
from accounts.models import Membership, User
from inventory.models import Office, Region
region = Region.objects.create(code="370000", name="丙省", level=1)
offices = [Office.objects.create(name=n, region=region, kind="police") for n in ("甲", "乙")]
user = User.objects.create(username="someone", name="某人")
seat = Membership.objects.create(user=user, role="checker", office=offices[0])
refused = 0
for role, office in (("checker", offices[1]), ("audit_admin", None)):
    try:
        Membership.objects.create(user=user, role=role, office=office)
    except IntegrityError as error:
        refused += "membership_one_place" in str(error)
    Membership.objects.create(user=user, role=role, office=office, active=False)
    try:
        user.memberships.filter(role=role, office=office).update(active=True)
    except IntegrityError as error:
        refused += "membership_one_place" in str(error)
Membership.objects.create(user=user, role="approver", office=offices[0])
print(connection.vendor, refused)
"""


@pytest.mark.slow
def test_the_embedded_database_refuses_as_well(tmp_path):
    env = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    env |= {"EMAILSEC_VAR_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "emailsec.settings"}

    def run(*args):
        done = subprocess.run(
            [sys.executable, *args], cwd=settings.BASE_DIR, env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("manage.py", "migrate", "accounts", "-v0")
    assert run("-c", SQLITE).split() == ["sqlite", "4"]


def test_no_power_of_the_three_is_another_roles(monkeypatch):
    assert duties.overlaps() == []
    assert not [e for e in run_checks() if e.id == "accounts.E001"]
    monkeypatch.setitem(POWERS, Role.SYSTEM_ADMIN, frozenset({"account.manage", "audit.read"}))
    monkeypatch.setitem(POWERS, Role.SECURITY_ADMIN, frozenset({"grant.manage", "unit.read"}))
    found = [e.msg for e in run_checks() if e.id == "accounts.E001"]
    assert "角色“系统管理员”与“审计管理员”有相同的权限" in found
    assert "角色“填报人”与“安全管理员”有相同的权限" in found


def test_nobody_is_above_the_rules():
    columns = {field.name for field in User._meta.get_fields()}
    assert not columns & {"is_superuser", "is_staff", "groups", "user_permissions"}
    assert not hasattr(User, "has_perm")
    assert not apps.is_installed("django.contrib.admin")
