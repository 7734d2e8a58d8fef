"""Every workbook that leaves the portal: it opens, reads well and evaluates nothing."""

import datetime as dt
import io

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from assessments.models import Campaign, SelfCheck
from inventory.models import Contact, MailSystem, Unit
from reports.actions import freeze_notice
from tests.dashboards import figures
from tests.reports import case as cases
from tests.world import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
EVIL = '=HYPERLINK("http://x.test","点我")'
DATED = {"报送日期", "结论日期", "整改期限", "销号日期", "批准日期", "送达日期", "签收日期"} | {
    "截止日期", "最近登录", "落款日期", "生成时间",
}  # fmt: skip
CODES = {"统一社会信用代码", "备案证明编号", "联系人及电话", "验证码", "文号", "编号"}
WORKBOOKS = ["units", "systems", "selfchecks", "findings", "notices", "summary", "register", "urge"]


@pytest.fixture
def office(world, client):
    """An office with something in every list, and with what nobody should type into a form."""
    case = cases.approved(world)
    freeze_notice(case.notice)
    cases.served(case)
    figures.landscape(world)
    Unit.objects.filter(pk=world.unit_a.pk).update(name=EVIL)
    MailSystem.objects.filter(unit=world.unit_a).update(name="@SUM(1)", version="-2+3")
    Contact.objects.filter(unit=world.unit_a).update(name="+86")
    waiting = SelfCheck.objects.exclude(unit=world.unit_a).filter(status="filling").first()
    Unit.objects.filter(pk=waiting.unit_id).update(name=EVIL)
    assert client.login(username="officer", password=PASSWORD)
    return client


def fetched(office, name):
    room = "reports" if name in {"register", "urge"} else "dashboards"
    args = [Campaign.objects.latest("pk").pk] if name == "selfchecks" else []
    answer = office.get(reverse(f"{room}:{name}_export", args=args))
    assert answer.status_code == 200
    return load_workbook(io.BytesIO(answer.content))


@pytest.mark.parametrize("name", WORKBOOKS)
def test_a_workbook_opens_reads_well_and_evaluates_nothing(office, name):
    evil = 0
    for sheet in fetched(office, name).worksheets:
        assert sheet.freeze_panes == "B4"
        heads = [cell.value for cell in sheet[3]]
        assert all(heads)
        assert sheet.max_row > 3, "a list without a row proves nothing"
        assert all(6 <= column.width <= 44 for column in sheet.column_dimensions.values())
        for row in sheet.iter_rows(min_row=4):
            for head, cell in zip(heads, row, strict=True):
                assert cell.data_type != "f", (head, cell.value)
                if cell.value is None:
                    continue
                if isinstance(cell.value, str) and cell.value[0] in "=+-@":
                    assert cell.quotePrefix, (head, cell.value)
                    evil += 1
                if head in DATED:
                    assert isinstance(cell.value, dt.datetime), (head, cell.value)
                    assert cell.number_format.startswith("yyyy-mm-dd")
                if head in CODES:
                    assert isinstance(cell.value, str), (head, cell.value)
    assert evil or name == "summary"
