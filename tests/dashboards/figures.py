"""A landscape with something in every cell: units in four regions and three sectors."""

import datetime as dt
from pathlib import Path

from django.utils import timezone

from assessments.definitions import publish
from assessments.models import Campaign, SelfCheck
from emailsec.lib.workdays import today
from inventory.models import MailSystem, Sector, Unit
from rectification.models import Finding
from tests.filled import QUESTIONNAIRE
from tests.world import World, make_region, make_system, make_unit


def uscc(number: int) -> str:
    """A syntactically unique code; the check digit is not looked at here."""
    return f"1137010{number:011d}"


def campaign(world: World, *, title: str = "2026年专项检查") -> Campaign:
    version, _ = publish(Path(QUESTIONNAIRE))
    return Campaign.objects.create(
        office=world.province,
        title=title,
        questionnaire=version,
        status="published",
        deadline=today() + dt.timedelta(days=9),
    )


def finding(world: World, unit: Unit, number: int, **more) -> Finding:
    fields = {
        "number": f"WT-2026-{number:05d}",
        "unit": unit,
        "system": unit.systems.first(),
        "cause": f"cause-{number}",
        "title": "没有强制加密",
        "severity": "high",
        "ground": "statute",
        "basis": "《中华人民共和国网络安全法》",
        "confirmed_by": world.officer,
    }
    return Finding.objects.create(**fields | more)


def landscape(world: World, *, units: int = 12) -> Campaign:
    """Units under 甲市 and 乙市 in several counties and sectors, in every state.

    Every third unit has no system, every fourth no self-check; findings of each severity and
    state, one of them overdue, some ended without counting.
    """
    asked = campaign(world)
    counties = [
        make_region("370102", "甲一区", 3, world.unit_a.region),
        make_region("370103", "甲二区", 3, world.unit_a.region),
        make_region("370202", "乙一区", 3, world.unit_b.region),
        world.unit_a.region,
    ]
    sectors = [
        Sector.objects.get_or_create(code=code, defaults={"name": name})[0]
        for code, name in (("43", "教育"), ("11", "电信"), ("22", "水利"))
    ]
    statuses = list(SelfCheck.Status.values)
    number = Finding.objects.count()
    for n in range(units):
        region = counties[n % len(counties)]
        office = world.city_b if region.code.startswith("3702") else world.city_a
        unit = make_unit(
            f"单位{n:03d}", uscc(Unit.objects.count() + 1), region, office, sector=sectors[n % 3]
        )
        if n % 3:
            make_system(
                unit,
                f"d{Unit.objects.count()}.test",
                filing_state="filed" if n % 2 else "none",
                accounts_total=10 * n,
                build_mode=("own_room", "public_cloud", "shared", "hosted")[n % 4],
                grade=n % 4,
            )
        if n % 4:
            SelfCheck.objects.create(
                campaign=asked,
                unit=unit,
                questionnaire=asked.questionnaire,
                status=statuses[n % len(statuses)],
            )
        for severity in ("high", "medium", "low")[: n % 4]:
            number += 1
            finding(world, unit, number, severity=severity)
        if n % 2:
            number += 1
            late = today() - dt.timedelta(days=1)
            finding(world, unit, number, severity="medium", status="rectifying", due_on=late)
        if n % 5 == 0:
            number += 1
            finding(world, unit, number, status="closed", closed_on=today(), due_on=today())
            number += 1
            finding(world, unit, number, status="false_alarm")
    return asked


def retire_one() -> MailSystem:
    """Take one filed system out of use: it must vanish from every figure."""
    system = MailSystem.objects.filter(filing_state="filed").first()
    system.retired_on = timezone.localdate()
    system.save()
    return system
