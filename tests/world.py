"""A fixed cast for every test: who supervises whom, and one person per role.

省总队 ── 甲市支队 supervises 甲单位 (and 甲三单位)
      └─ 乙市支队 supervises 乙单位
省总队 itself supervises 省直单位, which lies in 甲市
"""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils.timezone import localdate

from accounts.models import Membership, User
from accounts.roles import Role
from inventory.models import (
    Authority,
    Contact,
    MailDomain,
    MailSystem,
    Office,
    Region,
    Sector,
    Supervision,
    Unit,
)

PASSWORD = "Test-Pass-2026"


@dataclass
class World:
    """Offices, units and people by the names used in the tests."""

    province: Office
    city_a: Office
    city_b: Office
    industry: Office
    unit_a: Unit
    unit_b: Unit
    unit_provincial: Unit
    system_a: MailSystem
    system_b: MailSystem
    system_provincial: MailSystem
    filler: User
    signer: User
    filler_b: User
    filler_provincial: User
    officer: User
    checker: User
    approver: User
    officer_b: User
    officer_province: User
    officer_industry: User
    system_admin: User
    security_admin: User
    audit_admin: User
    nobody: User

    def everyone(self) -> list[User]:
        return [v for v in vars(self).values() if isinstance(v, User)]


def make_region(code: str, name: str, level: int, parent: Region | None = None) -> Region:
    return Region.objects.get_or_create(
        code=code, defaults={"name": name, "level": level, "parent": parent}
    )[0]


def make_office(name: str, region: Region, parent: Office | None = None, **more: Any) -> Office:
    fields: dict[str, Any] = {
        "kind": Authority.POLICE,
        "short_name": name,
        "issuer_name": name.removesuffix("网安支队").removesuffix("网安总队"),
        "number_prefix": f"{name[0]}公网安",
        "phone": "0000-1234567",
    }
    return Office.objects.create(name=name, region=region, parent=parent, **fields | more)


def make_unit(name: str, uscc: str, region: Region, office: Office | None, **more: Any) -> Unit:
    fields: dict[str, Any] = {
        "kind": "government",
        "affiliation": "3",
        "sector": Sector.objects.get_or_create(code="43", defaults={"name": "教育"})[0],
    }
    unit = Unit.objects.create(name=name, uscc=uscc, region=region, **fields | more)
    if office:
        Supervision.objects.create(unit=unit, kind=office.kind, office=office)
    Contact.objects.create(unit=unit, role="liaison", name=f"{name[:1]}联络", mobile="13900000001")
    return unit


def make_system(unit: Unit, domain: str, **more: Any) -> MailSystem:
    fields: dict[str, Any] = {
        "name": "邮件系统",
        "build_mode": "own_room",
        "networks": "internet",
        "not_classified": True,
        "grade": 2,
        "started_on": localdate().replace(year=localdate().year - 3, day=1),
    }
    system = MailSystem.objects.create(unit=unit, **fields | more)
    MailDomain.objects.create(system=system, name=domain, dkim_selectors="s1")
    return system


def make_user(
    username: str, role: str | None, unit: Unit | None = None, office: Office | None = None
) -> User:
    user = User(username=username, name=username)
    # One cheap hash for the whole suite: tests/conftest.py sets a fast hasher.
    user.set_password(PASSWORD)
    user.save()
    if role:
        Membership.objects.create(user=user, role=role, unit=unit, office=office)
    return user


def build_world() -> World:
    """Create the cast in the test database."""
    province_region = make_region("370000", "丙省", 1)
    region_a = make_region("370100", "甲市", 2, province_region)
    region_b = make_region("370200", "乙市", 2, province_region)
    province = make_office("丙省公安厅网安总队", province_region)
    city_a = make_office("甲市公安局网安支队", region_a, province)
    city_b = make_office("乙市公安局网安支队", region_b, province)
    industry = make_office("丙省教育厅", province_region, kind=Authority.INDUSTRY)
    unit_a = make_unit("甲市数据管理局", "11370100004188888K", region_a, city_a)
    unit_b = make_unit("乙市第一中学", "12370200004177777W", region_b, city_b, kind="institution")
    unit_provincial = make_unit(
        "丙省发展研究院", "12370000004166666R", region_a, province, affiliation="2"
    )
    Supervision.objects.create(unit=unit_b, kind=Authority.INDUSTRY, office=industry)
    seats: dict[str, tuple[str | None, Unit | None, Office | None]] = {
        "filler": (Role.FILLER, unit_a, None),
        "signer": (Role.SIGNER, unit_a, None),
        "filler_b": (Role.FILLER, unit_b, None),
        "filler_provincial": (Role.FILLER, unit_provincial, None),
        "officer": (Role.CASE_OFFICER, None, city_a),
        "checker": (Role.CHECKER, None, city_a),
        "approver": (Role.APPROVER, None, city_a),
        "officer_b": (Role.CASE_OFFICER, None, city_b),
        "officer_province": (Role.CASE_OFFICER, None, province),
        "officer_industry": (Role.CASE_OFFICER, None, industry),
        "system_admin": (Role.SYSTEM_ADMIN, None, None),
        "security_admin": (Role.SECURITY_ADMIN, None, None),
        "audit_admin": (Role.AUDIT_ADMIN, None, None),
        "nobody": (None, None, None),
    }
    return World(
        province=province,
        city_a=city_a,
        city_b=city_b,
        industry=industry,
        unit_a=unit_a,
        unit_b=unit_b,
        unit_provincial=unit_provincial,
        system_a=make_system(unit_a, "jia.gov.test"),
        system_b=make_system(unit_b, "yi.edu.test"),
        system_provincial=make_system(unit_provincial, "shengzhi.gov.test"),
        **_seated(seats),
    )


def _seated(seats: dict[str, tuple[str | None, Unit | None, Office | None]]) -> dict[str, User]:
    """The people of the cast, in few statements: every test begins with them."""
    password = make_password(PASSWORD)
    users = User.objects.bulk_create(
        User(username=name, name=name, password=password) for name in seats
    )
    people = {user.username: user for user in users}
    Membership.objects.bulk_create(
        Membership(user=people[name], role=role, unit=unit, office=office)
        for name, (role, unit, office) in seats.items()
        if role
    )
    return people
