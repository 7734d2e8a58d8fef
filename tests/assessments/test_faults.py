"""Answers that cannot be right: kept, told at their own field, and barred from submission."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from assessments import actions
from assessments.models import Answer
from assessments.sheets import load_sheets
from tests.assessments.test_pages import as_, post_answer, unit_sheet
from tests.filled import complete_inventory, fill, open_selfcheck

pytestmark = pytest.mark.django_db


@pytest.fixture
def selfcheck(world):
    complete_inventory(world.unit_a)
    return open_selfcheck(world.unit_a, world.city_a)


def system_sheet(selfcheck):
    return selfcheck.sheets.get(kind="system")


def section_page(client: Client, sheet, code: str) -> str:
    url = reverse("assessments:section", args=[sheet.selfcheck_id, sheet.pk, code])
    return client.get(url).content.decode()


def block_of(page: str, item: str, field: str) -> str:
    """The markup of one field."""
    start = page.index(f'data-item-block="{item}/{field}"')
    return page[start : page.index('class="field-error"', start) + 300]


def save(world, sheet, item, field, value, version=0):
    return post_answer(as_(world.filler), sheet, item, field, value, version=version)


@pytest.mark.parametrize(
    ("item", "field", "value", "says"),
    [
        ("M-1002", "days", "-1", "请填写0至36500之间的数。"),
        ("M-1002", "days", "很多", "请填写数字。"),
        ("M-403", "date", "1800-01-01", "日期不能早于1990年1月1日。"),
        ("M-403", "date", "2999-01-01", "日期不能晚于今天。"),
        ("M-206", "agency", "长" * 501, "最多填写500字，现为501字。"),
    ],
)
def test_a_wrong_value_is_kept_and_told_under_its_own_field(
    world, selfcheck, item, field, value, says
):
    sheet = system_sheet(selfcheck)
    for code, main in (("M-403", "checked"), ("M-206", "done")):
        save(world, sheet, code, "answer", main)
    body = save(world, sheet, item, field, value).json()
    assert body["faults"][f"{item}/{field}"] == says
    assert Answer.objects.get(item=item, field=field).value == value
    page = section_page(as_(world.filler), sheet, re.match(r"[UM]-(\d+)\d\d$", item).expand(r"M\1"))
    block = block_of(page, item, field)
    assert says in block
    assert 'data-save-state="faulty"' in block
    assert "已保存，但有误" in block
    assert f'aria-describedby="{item}-{field}-error"' in block
    assert f'id="{item}-{field}-error"' in block
    assert says not in page[page.index(f'data-item-result="{item}"') :].split("</section>")[0]


def test_a_part_cannot_exceed_its_whole(world, selfcheck):
    sheet = unit_sheet(selfcheck)
    save(world, sheet, "U-207", "trained", "96")
    body = save(world, sheet, "U-207", "users", "1").json()
    says = "不能大于“邮箱用户总人数”（1）。"
    assert body["faults"]["U-207/trained"] == says
    assert says in block_of(section_page(as_(world.filler), sheet, "U2"), "U-207", "trained")
    body = save(world, sheet, "U-207", "users", "96", version=1).json()
    assert body["faults"]["U-207/trained"] == ""


def test_a_mended_value_takes_the_fault_away(world, selfcheck):
    sheet = system_sheet(selfcheck)
    save(world, sheet, "M-1002", "days", "-1")
    body = save(world, sheet, "M-1002", "days", "200", version=1).json()
    assert body["faults"]["M-1002/days"] == ""


@pytest.mark.parametrize("text", ["😀🧧已落实", "前\x00后", "甲\r\n乙"])
def test_odd_characters_are_kept(world, selfcheck, text):
    sheet = unit_sheet(selfcheck)
    save(world, sheet, "U-201", "answer", "partial")
    assert save(world, sheet, "U-201", "note", text).status_code == 200
    kept = Answer.objects.get(item="U-201", field="note").value
    assert kept == text.replace("\x00", "").replace("\r\n", "\n")


def test_a_text_beyond_storage_is_refused_with_its_length(world, selfcheck):
    response = save(world, unit_sheet(selfcheck), "U-201", "note", "长" * 5001)
    assert response.status_code == 422
    assert response.json()["error"] == "内容过长：最多 5000 字，现为 5001 字。"


def test_the_summary_parts_wrong_from_missing_and_submission_is_refused(world, selfcheck):
    fill(selfcheck, world.filler)
    sheet = system_sheet(selfcheck)
    version = Answer.objects.get(sheet=sheet, item="M-1002", field="days").version
    save(world, sheet, "M-1002", "days", "-1", version=version)
    client = as_(world.filler)
    summary = reverse("assessments:summary", args=[selfcheck.pk])
    page = client.get(summary).content.decode()
    assert "填写有误的（1）" in page
    assert "未填完的（0）" in page
    assert "更正有误的 1 题" in page
    assert f"/sheets/{sheet.pk}/M10/#M-1002-days" in page
    assert 'id="M-1002-days"' in section_page(client, sheet, "M10")
    with pytest.raises(actions.Refused, match="还有 1 处填写有误"):
        actions.submit(selfcheck, by=world.filler)
    save(world, sheet, "M-1002", "days", "200", version=version + 1)
    actions.submit(selfcheck, by=world.filler)


def test_without_javascript_nothing_typed_is_lost(world, selfcheck):
    """One field is refused: the page comes back with the text and the reason at that field, and
    what was right is saved."""
    sheet = unit_sheet(selfcheck)
    url = reverse("assessments:section", args=[selfcheck.pk, sheet.pk, "U2"])
    data = {
        "item": "U-201",
        "answer": "partial",
        "note": "长" * 5001,
        "version-answer": "0",
        "version-note": "0",
    }
    response = as_(world.filler).post(url, data)
    assert response.status_code == 422
    block = block_of(response.content.decode(), "U-201", "note")
    assert "长" * 5001 in block
    assert "内容过长：最多 5000 字" in response.content.decode()
    assert Answer.objects.get(item="U-201").value == "partial"


def test_without_javascript_a_conflict_shows_both(world, selfcheck):
    sheet = unit_sheet(selfcheck)
    save(world, sheet, "U-201", "answer", "no")
    url = reverse("assessments:section", args=[selfcheck.pk, sheet.pk, "U2"])
    data = {"item": "U-201", "answer": "yes", "version-answer": "0"}
    client = as_(world.filler)
    response = client.post(url, data)
    assert response.status_code == 422
    page = response.content.decode()
    assert "您在另一个窗口" in page
    assert "改为“否”" in page
    assert 'name="version-answer" value="1"' in page
    data["version-answer"] = "1"
    assert client.post(url, data).status_code == 302
    assert Answer.objects.get(item="U-201").value == "yes"


def test_a_conflict_says_whose_save_it_was(world, selfcheck):
    sheet = unit_sheet(selfcheck)
    save(world, sheet, "U-201", "answer", "no")
    assert save(world, sheet, "U-201", "answer", "yes").json()["own"] is True
    Answer.objects.update(updated_by=world.signer)
    conflict = save(world, sheet, "U-201", "answer", "yes").json()
    assert conflict["own"] is False
    assert conflict["by"] == world.signer.name


def test_a_section_with_a_wrong_value_says_so(world, selfcheck):
    fill(selfcheck, world.filler)
    Answer.objects.filter(item="M-1002", field="days").update(value="-1")
    loaded = next(s for s in load_sheets(selfcheck) if s.row.system_id)
    assert [fault[:2] for fault in loaded.faults] == [("M-1002", "days")]
    url = reverse("assessments:selfcheck_detail", args=[selfcheck.pk])
    assert "填写有误" in as_(world.filler).get(url).content.decode()
