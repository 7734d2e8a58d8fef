"""The demonstration's regions, offices, units, systems and accounts."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
        _unit(stage, number, row, data["password"])
    for row in data["account"]:
        _account(stage, row, data["password"])
    return stage


def _unit(stage: Stage, number: int, row: dict[str, Any], password: str) -> None:
    kind = {"government": "11", "institution": "12", "soe": "91"}[row["kind"]]
    body = f"{kind}{row['region']}{number:08d}X"
    unit = Unit(
        name=row["name"],
        uscc=body + calc_check_digit(body),
        kind=row["kind"],
        affiliation=row["affiliation"],
        sector=Sector.objects.get(code=row["sector"]),
        region=Region.objects.get(code=row["region"]),
        address=f"{row['name'][:2]}政务大道{number}号",
        competent_department="甲市人民政府办公室",
    )
    contacts = [
        inventory.ContactEntry("leader", "刘某", "领导班子", "副职领导", "0991-2200000"),
        inventory.ContactEntry("head", "何某", "信息中心", "主任", "0991-2200001"),
        inventory.ContactEntry(
            "liaison", "徐某", "信息中心", "工程师", "0991-2200002", f"139000000{number:02d}"
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
    if row["key"] != "jia":
        _people_of(stage, row, unit, password)
    if row["domains"]:
        _system(unit, row, number)


def _people_of(stage: Stage, row: dict[str, Any], unit: Unit, password: str) -> None:
    """The other units' own people: they fill in and sign, but nobody is told their names."""
    for role, name, group in (
        (Role.FILLER, "填报员", stage.fillers),
        (Role.SIGNER, "负责人", stage.signers),
    ):
        group[row["key"]] = accounts.create_account(
            username=f"{row['key']}-{role}",
            name=f"{unit.name[:4]}{name}",
            role=role,
            password=password,
            unit=unit,
            by=SYSTEM,
            must_change_password=False,
        )


def _account(stage: Stage, row: dict[str, Any], password: str) -> None:
    user = accounts.create_account(
        username=row["username"],
        name=row["name"],
        role=Role(row["role"]),
        password=password,
        unit=stage.units.get(row.get("unit", "")),
        office=stage.offices.get(row.get("office", "")),
        by=SYSTEM,
        must_change_password=False,
    )
    stage.users[row["username"]] = user
    if row["role"] == Role.FILLER and row["unit"] == "jia":
        stage.fillers["jia"] = user
    if row["role"] == Role.SIGNER:
        stage.signers[row["unit"]] = user


def _system(unit: Unit, row: dict[str, Any], number: int) -> MailSystem:
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
        police_record=f"990100020000{number:02d}",
        grade=grade,
        graded_on=day.replace(year=day.year - 2, day=2),
        filing_state="filed",
        filing_number=f"99010099001-{20000 + number}",
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


def never_logged_in_but(users: list[User]) -> None:
    """Give people a last log-in, so that 催报 shows 未登录 only for those who never came."""
    User.objects.filter(pk__in=[u.pk for u in users]).update(last_login=timezone.now())
