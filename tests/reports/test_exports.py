"""Workbooks: what they hold, how they look, and that nothing in them is ever evaluated."""

import datetime as dt
import io

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from assessments.actions import record_call
from assessments.models import SelfCheck
from assessments.urging import KINDS
from audit.models import AuditEvent
from emailsec.lib import workbook
from emailsec.lib.words import percent
from emailsec.lib.workbook import Table
from rectification.actions import draft_notice
from reports.actions import freeze_notice
from tests.dashboards import figures
from tests.reports import case as cases
from tests.world import PASSWORD


def opened(content):
    return load_workbook(io.BytesIO(content))


def built(rows, heads=("甲", "乙"), **more):
    table = Table(title="清单", heads=heads, rows=rows, **more)
    return opened(workbook.build([table], note="说明", author="某人（u）", serial="DC-1"))


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        '=HYPERLINK("http://x","y")',
        "+86 10",
        "-2+3",
        "@SUM(1)",
        "\t=1",
        "=cmd|' /C calc'!A0",
    ],
)
def test_what_somebody_typed_is_never_a_formula(text):
    cell = built([(text, 1)]).active["A4"]
    assert cell.data_type == "s"
    assert cell.value == text
    assert cell.quotePrefix
    head = built([], heads=(text, "乙")).active["A3"]
    assert head.data_type == "s"


def test_an_ordinary_text_stays_unmarked_and_a_control_character_goes():
    sheet = built([("甲市\x00教育局\x0b", None)]).active
    assert sheet["A4"].value == "甲市教育局"
    assert not sheet["A4"].quotePrefix
    assert sheet["B4"].value is None


def test_numbers_dates_and_shares_keep_their_kind():
    at = dt.datetime(2026, 11, 24, 15, 59, tzinfo=dt.UTC)
    sheet = built(
        [(7, dt.date(2026, 11, 24), at, 50)], heads=("a", "b", "c", "d"), percent=frozenset({3})
    ).active
    assert sheet["A4"].value == 7
    assert sheet["B4"].value == dt.datetime(2026, 11, 24)
    assert sheet["C4"].value == dt.datetime(2026, 11, 24, 23, 59)
    assert (sheet["D4"].value, sheet["D4"].number_format) == (0.5, "0%")


def test_a_sheet_is_ready_to_read_and_to_print():
    sheet = built([("很长的单位名称" * 3, "b")]).active
    assert sheet.freeze_panes == "B4"
    assert sheet.print_title_rows == "$3:$3"
    assert sheet.auto_filter.ref == "A3:B4"
    assert sheet.column_dimensions["A"].width > 40
    assert sheet.column_dimensions["B"].width < 12
    assert sheet.page_setup.orientation == "landscape"
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.oddFooter.left.text == "DC-1"


def test_two_sheets_of_one_name_and_forbidden_characters_are_told_apart():
    tables = [Table(title="a/b:c", heads=("x",), rows=[]) for _ in range(2)]
    book = opened(workbook.build(tables, note="n", author="a", serial="s"))
    assert book.sheetnames == ["abc", "abc′"]


@pytest.fixture
def office(world, client):
    figures.landscape(world)
    assert client.login(username="officer", password=PASSWORD)
    return client


@pytest.mark.django_db
def test_an_export_carries_its_number_person_and_time_and_is_on_record(world, office):
    answer = office.get(reverse("dashboards:findings_export"), {"severity": "high"})
    event = AuditEvent.objects.get(action="list.export")
    assert (event.details["list"], event.details["filters"]) == ("findings", {"严重程度": "高"})
    book = opened(answer.content)
    sheet = book.active
    note = sheet["A2"].value
    serial = f"DC-{event.at.year}-{event.pk:06d}"
    for words in (serial, "officer（officer）", "导出时间", "严重程度：高"):
        assert words in note
    assert book.properties.creator == "officer（officer）"
    assert book.properties.keywords == serial
    assert event.details["rows"] == sheet.max_row - 3 > 0
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("asked", ["没有这个地区", "\0"])
def test_a_condition_that_nothing_could_read_is_none_in_the_trail(office, asked):
    """All rows left; neither the trail nor the sheet may say that it was a part of them."""
    answer = office.get(reverse("dashboards:findings_export"), {"region": asked})
    assert answer.status_code == 200
    assert AuditEvent.objects.get(action="list.export").details["filters"] == {}
    sheet = load_workbook(io.BytesIO(answer.content)).worksheets[0]
    assert "范围：全部" in sheet.cell(2, 1).value


@pytest.mark.django_db
def test_the_urge_list_is_exported_with_phones_and_calls(world, office):
    waiting = SelfCheck.objects.filter(status="filling").first()
    assert waiting is not None
    record_call(waiting, spoke_with="王主任", note="周五前报送", by=world.officer)
    for kind in ("", "never", "filling", "returned"):
        page = office.get(reverse("assessments:urge_list"), {"kind": kind})
        answer = office.get(reverse("reports:urge_export"), {"kind": kind})
        sheet = opened(answer.content).active
        rows = list(sheet.iter_rows(min_row=4, values_only=True))
        shown = page.context["page"].paginator.count
        assert len([r for r in rows if r[0]]) == shown, kind
        assert [r[0] for r in rows if r[0]] == [s.unit.name for s in page.context["page"]]
        # One set of words: what the page writes beside a unit stands in its row.
        assert [r[4] for r in rows if r[0]] == [KINDS[s.kind] for s in page.context["page"]]
        assert {r[2] for r in rows if r[0]} <= {s.campaign.title for s in page.context["page"]}
    whole = opened(office.get(reverse("reports:urge_export")).content).active
    text = " ".join(str(c) for r in whole.iter_rows(values_only=True) for c in r if c)
    assert "13900000001" in text
    assert "王主任：周五前报送" in text
    assert AuditEvent.objects.filter(action="list.export", details__list="urge").count() == 5


@pytest.mark.django_db
def test_only_those_who_urge_take_the_urge_list(world, client):
    url = reverse("reports:urge_export")
    assert client.get(url).status_code == 302
    for who, status in {"officer": 200, "approver": 403, "filler": 403, "audit_admin": 403}.items():
        assert client.login(username=who, password=PASSWORD)
        assert client.get(url).status_code == status, who


@pytest.mark.django_db
def test_the_summary_table_has_the_figures_of_the_page(world, office):
    home = office.get(reverse("dashboards:home"))
    book = opened(office.get(reverse("dashboards:summary_export")).content)
    assert book.sheetnames == ["汇总统计表（按行政区）", "汇总统计表（按行业）"]
    for sheet, (_, _, rows) in zip(book.worksheets, home.context["tables"], strict=True):
        heads = [cell.value for cell in sheet[3]]
        assert sheet["A2"].value.startswith(f"共 {len(rows)} 条　")
        data = [
            dict(zip(heads, row, strict=True))
            for row in sheet.iter_rows(min_row=4, values_only=True)
        ]
        expected = [*rows, home.context["whole"]]
        assert [row[heads[1]] for row in data] == [row.label for row in expected]
        for line, row in zip(data, expected, strict=True):
            counts = row.counts
            assert line["单位总数"] == counts["units"]
            assert line["已报送"] == counts["reported"]
            assert line["报送率"] == (None if row.rate is None else row.rate / 100)
            assert row.rate_text == ("—" if row.rate is None else f"{row.rate}%")
            assert line["邮件系统总数"] == counts["systems"]
            assert line["已备案"] == counts["filed"]
            assert line["未销号：高"] == counts["high"]
            assert line["逾期未整改"] == counts["overdue"]
            assert line["已销号"] == counts["closed"]
            kinds = ("自建", "购买云邮箱", "统一建设", "托管及其他")
            assert sum(line[f"其中：{k}"] for k in kinds) == counts["systems"]
            grades = ("三级以上", "二级", "一级", "未定级")
            assert sum(line[g] for g in grades) == counts["systems"]
            unclosed = counts["high"] + counts["medium"] + counts["low"]
            assert line["问题总数"] == unclosed + counts["closed"]


def test_a_share_says_all_only_when_all_is_done():
    assert percent(0, 0) is None
    assert [percent(part, 1000) for part in (0, 1, 9, 10, 995, 999, 1000)] == [
        0, 0, 0, 1, 99, 99, 100,
    ]  # fmt: skip


def rows_of(answer):
    sheet = opened(answer.content).active
    heads = [cell.value for cell in sheet[3]]
    return [
        dict(zip(heads, row, strict=True)) for row in sheet.iter_rows(min_row=4, values_only=True)
    ]


@pytest.mark.django_db
def test_the_list_of_notices_is_exported_as_it_stands_on_the_page(world, client):
    case = cases.approved(world)
    freeze_notice(case.notice)
    cases.served(case)
    other = draft_notice(
        world.unit_a,
        [figures.finding(world, world.unit_a, 77)],
        deadline=case.notice.deadline,
        by=world.officer,
    )
    assert client.login(username="officer", password=PASSWORD)
    page_url, file_url = reverse("rectification:notice_list"), reverse("dashboards:notices_export")
    for filters in ({}, {"status": "signed"}, {"q": "没有这样的单位"}, {"overdue": "1"}):
        page = client.get(page_url, filters)
        assert file_url in page.text
        rows = rows_of(client.get(file_url, filters))
        shown = list(page.context["page"])
        assert [row["文号"] for row in rows] == [str(n) for n in shown], filters
        assert [row["责令整改问题"] for row in rows] == [n.ordered for n in shown]
        assert [row["已了结"] for row in rows] == [n.ordered_done for n in shown]
        event = AuditEvent.objects.filter(action="list.export").latest("pk")
        assert (event.details["list"], event.details["rows"]) == ("notices", len(shown))
    whole = rows_of(client.get(file_url))
    assert [row["文号"] for row in whole] == [str(other), case.notice.number]
    assert whole[1]["整改期限"].date() == case.notice.deadline
    assert whole[1]["统一社会信用代码"] == world.unit_a.uscc
    assert client.login(username="filler", password=PASSWORD)
    assert file_url not in client.get(page_url).text


@pytest.mark.django_db
def test_the_register_is_exported_as_it_stands_on_the_page(world, client):
    case = cases.approved(world)
    notice = freeze_notice(case.notice)
    assert client.login(username="officer", password=PASSWORD)
    page_url, file_url = reverse("reports:register"), reverse("reports:register_export")
    for filters in ({}, {"kind": "notice"}, {"q": notice.number}, {"kind": "report"}):
        page = client.get(page_url, filters)
        assert file_url in page.text
        rows = rows_of(client.get(file_url, filters))
        shown = [d.verification_code for d in page.context["page"]]
        assert [row["验证码"] for row in rows] == shown, filters
    answer = client.get(file_url, {"kind": "notice"})
    [row] = rows_of(answer)
    assert (row["种类"], row["效力"], row["页数"]) == ("限期整改通知书", "有效", notice.pages)
    assert row["落款日期"].date() == notice.issued_on
    event = AuditEvent.objects.filter(action="list.export").latest("pk")
    assert event.details["filters"] == {"种类": "限期整改通知书"}
    note = opened(answer.content).active["A2"].value
    assert note.startswith("共 1 条　导出人：officer（officer）")
    assert f"DC-{event.at.year}-{event.pk:06d}" in note
