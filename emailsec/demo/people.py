"""The demonstration's regions, offices, units, systems and accounts."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils import timezone
from stdnum.cn.uscc import calc_check_digit

from accounts import actions as accounts
from accounts.models import User
from accounts.roles import Role
from audit.trail import SYSTEM
from emailsec.lib.workdays import today
from inventory import actions as inventory
from inventory.codes import domain_name
from inventory.models import (
    KeyIndustry,
    MailSystem,
    Office,
    Region,
    Sector,
    Supervision,
    Unit,
)

CAST = Path(__file__).with_name("cast.toml")
# When the offices, units and people were entered, in days before today.
PUT_UP = 60
# Of the fictional cities: telephone numbers that no real line has.
AREA_CODES = {"990000": "0990", "990100": "0991", "990200": "0992"}


def cast() -> dict[str, Any]:
    """Return the content of cast.toml."""
    return tomllib.loads(CAST.read_text(encoding="utf-8"))


@dataclass
class Stage:
    """What has been put up so far, by the keys of cast.toml."""

    offices: dict[str, Office] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)
    fillers: dict[str, User] = field(default_factory=dict)
    signers: dict[str, User] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)


def put_up() -> Stage:
    """Create everything of cast.toml but the cases; call on a database without units."""
    data, stage = cast(), Stage()
    for row in data["region"]:
        Region.objects.update_or_create(
            code=row["code"],
            defaults={"name": row["name"], "level": row["level"], "parent_id": row.get("parent")},
        )
    for row in data["office"]:
        fields = {k: v for k, v in row.items() if k not in {"key", "parent", "region"}}
        parent = stage.offices.get(row.get("parent", ""))
        stage.offices[row["key"]] = Office.objects.create(
            **fields, region_id=row["region"], parent=parent
        )
    for number, row in enumerate(data["unit"], start=1):
        _unit(stage, number, row)
    for row in data["account"]:
        _account(stage, row)
    # One password, told to everyone: hashing it once for all spares the first start some seconds.
    people = [*stage.users.values(), *stage.fillers.values(), *stage.signers.values()]
    User.objects.filter(pk__in={user.pk for user in people}).update(
        password=make_password(data["password"])
    )
    return stage


def _unit(stage: Stage, number: int, row: dict[str, Any]) -> None:
    kind = {"government": "11", "institution": "12", "soe": "91"}[row["kind"]]
    body = f"{kind}{row['region']}{number:08d}X"
    unit = Unit(
        name=row["name"],
        uscc=body + calc_check_digit(body),
        kind=row["kind"],
        affiliation=row["affiliation"],
        sector=Sector.objects.get(code=row["sector"]),
        region=Region.objects.get(code=row["region"]),
        competent_department=row["department"],
    )
    unit.address = f"{unit.region.full_name}政务大道{number}号"
    city = _city(row["region"])
    phone, mobile = f"{AREA_CODES[city]}-22{number:02d}00", f"13900{number:04d}0"
    contacts = [
        inventory.ContactEntry("leader", row["signer"], "领导班子", "分管领导", f"{phone}0"),
        inventory.ContactEntry("head", row["head"], "信息中心", "主任", f"{phone}1", f"{mobile}1"),
        inventory.ContactEntry(
            "liaison", row["filler"], "信息中心", "工程师", f"{phone}2", f"{mobile}2"
        ),
    ]
    inventory.register_unit(
        unit=unit,
        office=stage.offices[row["office"]],
        by=SYSTEM,
        key_industries=KeyIndustry.objects.filter(code__in=row.get("key_industries", [])),
        contacts=contacts,
        domains=[domain_name(d) for d in row["domains"]],
    )
    if other := row.get("industry_office"):
        office = stage.offices[other]
        Supervision.objects.get_or_create(unit=unit, kind=office.kind, defaults={"office": office})
    stage.units[row["key"]] = unit
    for role, who, group in (
        (Role.FILLER, "tianbao", stage.fillers),
        (Role.SIGNER, "shenqian", stage.signers),
    ):
        group[row["key"]] = accounts.create_account(
            username=f"{row['login']}-{who}",
            name=row[role],
            role=role,
            unit=unit,
            by=SYSTEM,
        )
    if row["domains"]:
        _system(unit, row, number, filed_with=stage.offices[row["office"]])


def _city(region: str) -> str:
    """The code of the city (or province) that a division lies in."""
    return f"{region[:4]}00"


def _account(stage: Stage, row: dict[str, Any]) -> None:
    stage.users[row["username"]] = accounts.create_account(
        username=row["username"],
        name=row["name"],
        role=Role(row["role"]),
        office=stage.offices.get(row.get("office", "")),
        by=SYSTEM,
    )


def _system(unit: Unit, row: dict[str, Any], number: int, *, filed_with: Office) -> MailSystem:
    day = today()
    grade = row.get("grade", 2)
    system = MailSystem(
        unit=unit,
        name="办公邮件系统",
        build_mode="own_room",
        networks="internet",
        not_classified=True,
        product="Postfix",
        version="3.9.1",
        maker="丙省某信息技术有限公司",
        maker_uscc="91110000600037341L",
        maker_contact="钱某",
        maker_phone="0990-3300000",
        started_on=day.replace(year=day.year - 3, day=1),
        service_scope="staff",
        hosting_place="own_room",
        hosting_detail=f"{unit.name}机房",
        accounts_total=300 + 10 * number,
        accounts_active=280 + 10 * number,
        accounts_idle=15,
        access_methods="webmail,submission,imap",
        icp_number=f"丙ICP备990000{number:02d}号",
        police_record=f"{_city(row['region'])}020000{number:02d}",
        grade=grade,
        graded_on=day.replace(year=day.year - 2, day=2),
        filing_state="filed",
        # Begins with the division of the office that took the filing in.
        filing_number=f"{filed_with.region_id}99001-{20000 + number}",
        filed_on=day.replace(year=day.year - 2, day=20),
    )
    names = [domain_name(d) for d in row["domains"]]
    endpoints = [
        inventory.EndpointEntry(kind, f"{host}.{names[0]}")
        for kind, host in (
            ("mx", "mx"),
            ("submission", "mx"),
            ("imap", "mx"),
            ("pop3", "mx"),
            ("webmail", "mail"),
        )
    ]
    inventory.save_system(
        system=system,
        domains=[inventory.DomainEntry(name, "s1") for name in names],
        endpoints=endpoints,
        by=SYSTEM,
    )
    return system


def logged_in(user: User) -> None:
    """Give a person a last log-in, so that 催报 shows 未登录 only for those who never came."""
    User.objects.filter(pk=user.pk).update(last_login=timezone.now())
