"""The export log: who has taken what about which unit."""

import io
import time

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from assessments.models import Sheet
from audit import guards, taken
from audit.exports import export_list
from audit.models import AuditEvent, Taken, TakenUnit
from audit.verification import verify
from emailsec.lib.workbook import Table
from inventory.models import Unit
from tests.filled import add_file, open_selfcheck
from tests.scans.conftest import file_letter


@pytest.fixture
def office(world, client) -> Client:
    client.force_login(world.officer)
    return client


@pytest.fixture
def auditor(world) -> Client:
    client = Client()
    client.force_login(world.audit_admin)
    return client


def log(auditor, **query) -> list[AuditEvent]:
    answer = auditor.get(reverse("audit:taken"), query)
    assert answer.status_code == 200
    return list(answer.context["page"])


def acts(auditor, unit: str) -> list[str]:
    return [event.action for event in log(auditor, unit=unit)]


def test_a_list_is_found_by_every_unit_in_it_and_by_no_other(world, office, auditor):
    office.get(reverse("dashboards:units_export"))
    assert acts(auditor, world.unit_a.uscc) == ["list.export"]
    assert acts(auditor, world.unit_a.uscc.lower()) == ["list.export"]
    assert acts(auditor, "甲市数据") == ["list.export"]
    assert acts(auditor, world.unit_b.name) == []
    assert "没有拿走过这个单位" in auditor.get(reverse("audit:taken"), {"unit": "乙市"}).text


@pytest.mark.parametrize("name", ["systems_export", "findings_export", "notices_export"])
def test_every_list_names_the_units_of_its_rows(world, office, name):
    answer = office.get(reverse(f"dashboards:{name}"))
    event = AuditEvent.objects.get(action="list.export")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    rows = sheet.max_row - 3
    there = Taken.objects.filter(event_id=event.pk).count()
    assert there == event.details.get("units", 0)
    assert bool(there) == bool(rows and name == "systems_export")


def test_files_and_letters_are_found_by_their_unit(world, office, auditor):
    selfcheck = open_selfcheck(world.unit_a, world.city_a)
    evidence = add_file(Sheet.objects.filter(selfcheck=selfcheck).first(), "U-201", world.filler)
    letter = file_letter(world.system_a)
    office.get(reverse("assessments:evidence_file", args=[evidence.pk]))
    office.get(reverse("scans:authorization_scan", args=[letter.pk]))
    assert acts(auditor, world.unit_a.name) == ["authorization.download", "evidence.download"]
    assert {e.actor_id for e in log(auditor, unit=world.unit_a.name)} == {world.officer.pk}


def test_a_unit_is_found_by_the_name_it_had(world, office, auditor):
    office.get(reverse("dashboards:units_export"))
    Unit.objects.filter(pk=world.unit_a.pk).update(name="甲市大数据中心")
    office.get(reverse("dashboards:units_export"))
    assert len(log(auditor, unit="甲市数据管理局")) == 2
    assert len(log(auditor, unit="甲市大数据中心")) == 2
    assert TakenUnit.objects.filter(unit_id=world.unit_a.pk).count() == 2


def test_the_log_tells_person_number_and_units_and_leaves_as_a_workbook(world, office, auditor):
    office.get(reverse("dashboards:units_export"))
    event = AuditEvent.objects.get(action="list.export")
    text = auditor.get(reverse("audit:taken"), {"unit": world.unit_a.name}).text
    serial = f"DC-{event.at.year}-{event.pk:06d}"
    for words in ("officer（officer）", serial, "单位清单", "1 家", world.unit_a.uscc):
        assert words in text
    answer = auditor.get(reverse("audit:taken_export"), {"unit": world.unit_a.name})
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert [row[7] for row in sheet.iter_rows(min_row=4, values_only=True)] == [serial]


def test_only_the_audit_officer_reads_it(world, client):
    for user in (world.officer, world.filler, world.system_admin, world.security_admin):
        client.force_login(user)
        assert client.get(reverse("audit:taken")).status_code == 403


def test_units_taken_out_of_an_export_are_found(world, office):
    office.get(reverse("dashboards:units_export"))
    event = AuditEvent.objects.get(action="list.export")
    assert list(taken.disagreeing()) == []
    assert event.pk not in {fault.event_id for fault in verify().faults}
    with guards.archiving(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_taken WHERE event_id = %s", [event.pk])
    fault = next(fault for fault in verify().faults if fault.event_id == event.pk)
    assert "涉及单位" in str(fault)


def test_a_unit_renamed_in_the_log_is_found(world, office):
    office.get(reverse("dashboards:units_export"))
    noted = TakenUnit.objects.get(unit_id=world.unit_a.pk)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE audit_takenunit DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE audit_takenunit SET name = '某单位', code = 'X' WHERE id = %s", [noted.pk]
        )
    told = [str(fault) for fault in verify().faults]
    assert f"导出台账中的单位名称或代码被改动或缺失，单位编号 {world.unit_a.pk}" in told
    with guards.archiving(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_takenunit WHERE id = %s", [noted.pk])
    told = [str(fault) for fault in verify().faults]
    assert f"导出台账中的单位名称或代码被改动或缺失，单位编号 {world.unit_a.pk}" in told


def _units(count: int) -> list[Unit]:
    return [Unit(pk=n, name=f"第{n}单位", uscc=f"{n:018d}") for n in range(1, count + 1)]


def test_a_large_export_costs_few_statements(world):
    table = Table(title="单位清单", heads=("单位",), rows=[("x",)])
    with CaptureQueriesContext(connection) as some:
        export_list("units", [table], by=world.officer, filters={}, units=_units(30))
    with CaptureQueriesContext(connection) as many:
        export_list("units", [table], by=world.officer, filters={}, units=_units(300))
    assert len(many) <= len(some)


@pytest.mark.slow
def test_ten_thousand_units_are_noted_and_found_in_time(world, auditor):
    table = Table(title="单位清单", heads=("单位",), rows=[("x",)])
    units = _units(10_000)
    begun = time.perf_counter()
    for _ in range(3):
        export_list("units", [table], by=world.officer, filters={}, units=units)
    noted = time.perf_counter()
    assert len(log(auditor, unit="第777单位")) == 3
    found = time.perf_counter()
    print(f"noted in {(noted - begun) / 3:.2f} s, found in {found - noted:.2f} s")
    assert noted - begun < 15
    assert found - noted < 5
