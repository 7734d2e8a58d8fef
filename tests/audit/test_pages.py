"""The page of the audit trail: what it shows, how it is narrowed, how it leaves the portal."""

import ast
import datetime as dt
import io
from pathlib import Path

import openpyxl
import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit import views, words
from audit.models import AuditEvent
from audit.trail import SYSTEM, record

ROOT = Path(__file__).parents[2]
APPS = ("accounts", "assessments", "audit", "inbox", "inventory", "rectification", "reports")
APPS += ("scans", "dashboards")


@pytest.fixture
def auditor(world) -> Client:
    client = Client()
    client.force_login(world.audit_admin)
    return client


def events(client, **query) -> list[AuditEvent]:
    answer = client.get(reverse("audit:list"), query)
    assert answer.status_code == 200
    return list(answer.context["page"])


def rows_of(answer) -> list[tuple]:
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    return list(sheet.iter_rows(min_row=4, values_only=True))


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}+08:00")


def write(action: str, obj, by, moment: str, **more) -> AuditEvent:
    with time_machine.travel(at(moment), tick=False):
        return record(action, obj, by=by, **more)


def test_events_stand_newest_first_in_the_time_of_beijing(world, auditor):
    write("unit.update", world.unit_a, world.filler, "2026-03-01T23:59:59")
    write("unit.update", world.unit_b, world.filler_b, "2026-03-02T00:00:00")
    shown = auditor.get(reverse("audit:list"), {"until": "2026-03-02"})
    assert [e.object_label for e in shown.context["page"]] == [
        world.unit_b.name,
        world.unit_a.name,
    ]
    text = shown.content.decode()
    assert "2026年3月2日（周一）<br>00:00:00" in text
    assert "修改单位" in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"since": "2026-03-02", "until": "2026-03-02"}, {"b"}),
        ({"until": "2026-03-01"}, {"a"}),
        ({"until": "2026-03-02", "actor": "filler_b"}, {"b"}),
        ({"until": "2026-03-02", "act": "unit.update"}, {"a"}),
        ({"until": "2026-03-02", "object": "乙市"}, {"b"}),
        ({"until": "2026-03-02", "result": "failed"}, {"b"}),
        ({"since": "2026-03-02", "until": "2026-03-01"}, set()),
        ({"until": "9999-12-31", "since": "2026-03-01", "object": "甲市"}, {"a"}),
    ],
)
def test_the_trail_is_narrowed(world, auditor, query, found):
    a = write("unit.update", world.unit_a, world.filler, "2026-03-01T23:59:59")
    b = write("unit.transfer", world.unit_b, world.filler_b, "2026-03-02T09:00:00", result="failed")
    names = {a.pk: "a", b.pk: "b"}
    assert {names.get(e.pk) for e in events(auditor, **query)} == found


def test_a_bad_date_is_told_at_its_field(world, auditor):
    query = {"since": "昨天", "until": "2026-13-01"}
    answer = auditor.get(reverse("audit:list"), query)
    assert answer.content.decode().count("请填写日期") == 2
    assert not answer.context["rows"]
    exported = auditor.get(reverse("audit:export"), query, follow=True)
    assert exported.content.decode().count("请填写日期") == 2
    assert not AuditEvent.objects.filter(action="list.export").exists()


def test_a_span_that_ends_before_it_begins_is_told_at_its_end(world, auditor):
    answer = auditor.get(reverse("audit:list"), {"since": "2026-03-02", "until": "2026-03-01"})
    assert "“至”不能早于“自”。" in answer.content.decode()


def test_moves_that_read_alike_are_one_act_to_choose(world, auditor):
    labels = [label for _, label in words.choices()]
    assert len(labels) == len(set(labels))
    assert words.act("finding.fail") == words.act("finding.fail_open")
    chosen = next(slug for slug, label in words.choices() if label == words.act("finding.fail"))
    record("finding.fail", None, by=SYSTEM, label="甲")
    record("finding.fail_open", None, by=SYSTEM, label="乙")
    assert {e.object_label for e in events(auditor, act=chosen)} == {"甲", "乙"}


def test_the_content_of_an_event_is_shown_in_words(world, auditor):
    details = {"from": "open", "to": "closed", "rows": 3, "filters": {"状态": "已通过"}, "x": None}
    record("list.export", None, by=SYSTEM, details=details, label="自查清单")
    shown = auditor.get(reverse("audit:list"), {"act": "list.export"}).content.decode()
    for words_ in ("原状态", "新状态", "筛选条件", "状态：已通过", "导出清单", "自查清单"):
        assert words_ in shown


def test_the_export_has_the_rows_of_the_page_and_is_an_event_itself(world, auditor):
    record("unit.update", world.unit_a, by=world.filler)
    record("unit.update", world.unit_b, by=world.filler_b, details={"=cmd": "=1+1"})
    query = {"act": "unit.update"}
    on_page = [e.pk for e in events(auditor, **query)]
    answer = auditor.get(reverse("audit:export"), query)
    rows = rows_of(answer)
    assert [row[0] for row in rows if row[0]] == on_page
    assert rows[0][5] == "修改单位"
    assert rows[0][7] == world.unit_b.name
    event = AuditEvent.objects.get(action="list.export", details__list="audit")
    assert (event.actor_id, event.details["rows"]) == (world.audit_admin.pk, 2)
    assert event.details["filters"] == {"动作": "修改单位"}


def test_too_much_for_one_workbook_is_refused_with_the_way_out(world, auditor, monkeypatch):
    monkeypatch.setattr(views, "MOST_ROWS", 1)
    record("unit.update", world.unit_a, by=world.filler)
    record("unit.update", world.unit_b, by=world.filler)
    answer = auditor.get(reverse("audit:export"), {"act": "unit.update"}, follow=True)
    assert "请缩小时间范围后再导出" in answer.content.decode()
    assert [e.object_label for e in answer.context["page"]] == [
        world.unit_b.name,
        world.unit_a.name,
    ]
    assert not AuditEvent.objects.filter(action="list.export").exists()


@pytest.mark.parametrize(
    "who", ["system_admin", "security_admin", "officer", "approver", "filler", "nobody"]
)
def test_nobody_else_reads_the_trail(world, who):
    client = Client()
    client.force_login(getattr(world, who))
    assert client.get(reverse("audit:list")).status_code == 403
    assert client.get(reverse("audit:export")).status_code == 403
    assert not AuditEvent.objects.visible_to(getattr(world, who)).exists()


def test_a_page_costs_the_same_with_three_and_with_fifty_events(world, auditor):
    def cost(rows: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert len(events(auditor, act="unit.update")) == rows
        return len(queries)

    for _ in range(3):
        record("unit.update", world.unit_a, by=world.filler)
    before = cost(3)
    for _ in range(50):
        record("unit.update", world.unit_a, by=world.filler, details={"now": str(timezone.now())})
    assert cost(views.PAGE) == before


def recorded() -> set[str]:
    """Every act that the code names in a call of `record`."""
    found = set()
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "record":
                    consts = ast.walk(node.args[0])
                    found |= {c.value for c in consts if isinstance(c, ast.Constant)}
    return {slug for slug in found if isinstance(slug, str) and slug.count(".") == 1}


def test_every_act_has_words():
    slugs = {slug for slug in recorded() if not slug.startswith(".")}
    assert len(slugs) > 40
    assert slugs - words.acts().keys() == set()
    assert words.act("notice.approve").startswith("整改通知")
    assert words.act("gone.act") == "gone.act"
