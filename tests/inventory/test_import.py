"""The workbook: template, refusals at the cell, preview, confirmation."""

import io
import resource
import zipfile
from pathlib import Path

import pytest
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from audit.models import AuditEvent
from inventory.importing import applying
from inventory.importing.checking import check
from inventory.importing.columns import CONFIRMED, SHEETS
from inventory.importing.reading import read
from inventory.models import ImportBatch, MailDomain, Unit
from tests.inventory.workbooks import (
    URL,
    WHOLE,
    book,
    code,
    contact,
    domain,
    errors,
    send,
    system,
    unit,
)

pytestmark = pytest.mark.django_db


# --- the way through ------------------------------------------------------------------------


def test_a_clean_workbook_is_previewed_confirmed_and_forgotten(client, world):
    client.force_login(world.officer)
    preview = send(client, book(*WHOLE))
    assert not Unit.objects.filter(uscc=code(1)).exists()
    page = client.get(preview.url).content.decode()
    assert "确认导入" in page
    batch = ImportBatch.objects.get()
    assert batch.counts["单位"] == {"new": 1, "updated": 0, "unchanged": 0}
    path = batch.file.path
    done = client.post(reverse("inventory:import_confirm", args=[batch.pk]), follow=True)
    assert "单位新增 1 条" in done.content.decode()
    made = Unit.objects.get(uscc=code(1))
    assert made.police_office() == world.city_a
    assert made.contacts.get().office_phone == "0000-1234567"
    row = made.systems.get()
    assert (row.networks, row.filing_number) == ("internet,govnet", "11010199001-21001")
    assert row.not_classified
    assert str(row.started_on) == "2024-06-30"
    assert [(d.name, d.dkim_selectors) for d in row.domains.all()] == [("d1.edu.test", "s1,s2")]
    event = AuditEvent.objects.get(action="inventory.import")
    assert event.details["counts"]["域名"]["new"] == 1
    with pytest.raises(FileNotFoundError):
        Path(path).read_bytes()
    again = client.post(reverse("inventory:import_confirm", args=[batch.pk]), follow=True)
    assert "已经导入或放弃" in again.content.decode()
    assert Unit.objects.filter(uscc=code(1)).count() == 1


def test_what_is_known_is_updated_and_empty_cells_change_nothing(client, world):
    client.force_login(world.officer)
    send(client, book(*WHOLE))
    applying.confirm(batch=ImportBatch.objects.get(), by=world.officer)
    rows = (
        ("单位", {"统一社会信用代码": code(1), "单位地址": "某路1号"}),
        ("联系人", {"统一社会信用代码": code(1), "角色": "联系人", "手机": "13900000009"}),
        ("邮件系统", {"统一社会信用代码": code(1), "系统名称": "邮箱", "非涉密确认": CONFIRMED}),
        domain(1, DKIM选择器="neu"),
        domain(1, name="zwei.test"),
    )
    plan = check(read(io.BytesIO(book(*rows))), user=world.officer)
    assert plan.errors == []
    assert plan.counts == {
        "单位": {"new": 0, "updated": 1, "unchanged": 0},
        "联系人": {"new": 0, "updated": 1, "unchanged": 0},
        "邮件系统": {"new": 0, "updated": 0, "unchanged": 1},
        "域名": {"new": 1, "updated": 1, "unchanged": 0},
    }
    send(client, book(*rows))
    applying.confirm(batch=ImportBatch.objects.first(), by=world.officer)
    made = Unit.objects.get(uscc=code(1))
    assert (made.name, made.address) == ("第1中学", "某路1号")
    assert made.contacts.get().name == "张三"
    assert {d.dkim_selectors for d in MailDomain.objects.filter(system__unit=made)} == {
        "neu",
        "s1,s2",
    }


def test_the_pages_of_units_and_systems_tell_what_the_import_did(client, world):
    client.force_login(world.officer)
    send(client, book(*WHOLE))
    applying.confirm(batch=ImportBatch.objects.get(), by=world.officer)
    made = Unit.objects.get(uscc=code(1))
    registered = AuditEvent.objects.get(action="unit.register", object_id=str(made.pk))
    assert registered.details["offices"] == [world.city_a.name]
    page = client.get(reverse("inventory:unit_detail", args=[made.pk])).content.decode()
    assert "登记单位" in page
    assert "批量导入" in page
    system_page = reverse("inventory:system_detail", args=[made.systems.get().pk])
    assert "登记邮件系统" in client.get(system_page).content.decode()
    again = (
        ("单位", {"统一社会信用代码": code(1), "单位全称": "新名中学"}),
        (
            "联系人",
            {"统一社会信用代码": code(1), "角色": "联系人", "手机": "１３９００００００９９"},
        ),
        domain(1, DKIM选择器="neu"),
    )
    send(client, book(*again))
    applying.confirm(batch=ImportBatch.objects.first(), by=world.officer)
    change = AuditEvent.objects.get(action="unit.update", object_id=str(made.pk))
    assert change.details == {"单位全称": ["第1中学", "新名中学"], "联系人": ["联系人"]}
    page = client.get(reverse("inventory:unit_detail", args=[made.pk])).content.decode()
    assert "单位全称由“第1中学”改为“新名中学”" in page
    assert made.contacts.get().mobile == "13900000099"
    assert "修改了邮件域名" in client.get(system_page).content.decode()


def test_a_known_unit_is_not_moved_out_of_the_area_of_its_office(world):
    moved = ("单位", {"统一社会信用代码": world.unit_a.uscc, "行政区划代码": "370200"})
    found = errors(book(moved), world.officer_province)
    assert [place for place, _ in found] == ["单位!F2"]
    assert "不在甲市公安局网安支队的辖区" in found[0][1]


def test_a_subordinate_office_may_be_named_a_foreign_one_not(world):
    named = book(unit(监管机关=world.city_a.name))
    plan = check(read(io.BytesIO(named)), user=world.officer_province)
    assert plan.errors == []
    assert plan.offices[code(1)] == [world.city_a]
    foreign = errors(book(unit(监管机关=world.city_b.name)), world.officer)
    assert foreign == [("单位!I2", "只能是本机关或下级机关，请从列表选择。")]


def test_an_industry_office_imports_and_the_police_office_is_added(world):
    plan = check(read(io.BytesIO(book(unit()))), user=world.officer_industry)
    assert plan.offices[code(1)] == [world.industry, world.city_a]


def test_a_unit_of_another_office_can_neither_be_changed_nor_extended(world):
    foreign = world.unit_b.uscc
    rows = (
        ("单位", {"统一社会信用代码": foreign, "单位全称": "我的"}),
        contact(统一社会信用代码=foreign),
    )
    found = errors(book(*rows), world.officer)
    assert [place for place, _ in found] == ["单位!A2", "联系人!A2"]
    assert world.unit_b.name not in str(found)


def test_confirming_checks_again(client, world):
    client.force_login(world.officer)
    send(client, book(*WHOLE))
    MailDomain.objects.filter(system=world.system_b).update(name="d1.edu.test")
    batch = ImportBatch.objects.get()
    done = client.post(reverse("inventory:import_confirm", args=[batch.pk]), follow=True)
    assert "预览之后有内容被他人改动" in done.content.decode()
    assert not Unit.objects.filter(uscc=code(1)).exists()
    batch.refresh_from_db()
    assert batch.closed_at is None


def test_giving_up_deletes_the_workbook(client, world):
    client.force_login(world.officer)
    send(client, book(*WHOLE))
    batch = ImportBatch.objects.get()
    path = batch.file.path
    client.post(reverse("inventory:import_discard", args=[batch.pk]))
    with pytest.raises(FileNotFoundError):
        Path(path).read_bytes()
    assert not Unit.objects.filter(uscc=code(1)).exists()


# --- every error at its cell ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "place", "says"),
    [
        ([unit(统一社会信用代码="12345")], "单位!A2", "应为18位，现为5位"),
        ([unit(统一社会信用代码=None)], "单位!A2", "请填写统一社会信用代码"),
        ([unit(), unit()], "单位!A3", "与第2行重复"),
        ([unit(单位全称=None)], "单位!B2", "请填写单位全称"),
        ([unit(单位全称="长" * 121)], "单位!B2", "最多120个字"),
        ([unit(单位类型="王国")], "单位!C2", "只能填：党委机关"),
        ([unit(行业类别="巫术")], "单位!E2", "没有这个行业类别"),
        ([unit(行政区划代码="3701")], "单位!F2", "六位数字"),
        ([unit(行政区划代码="999999")], "单位!F2", "区划表中没有这个代码"),
        ([unit(行政区划代码="370200")], "单位!F2", "“丙省乙市”不在甲市公安局网安支队的辖区"),
        ([contact(2)], "联系人!A2", "“单位”表中没有此代码"),
        ([unit(), contact(), contact()], "联系人!B3", "同一单位的同一角色"),
        ([unit(), contact(姓名=None)], "联系人!C2", "请填写姓名"),
        ([unit(), contact(办公电话="见名片")], "联系人!F2", "只能含数字"),
        ([unit(), contact(办公电话=None)], "联系人!G2", "至少填写一个"),
        ([unit(), system(非涉密确认=None), domain()], "邮件系统!C2", "请填写非涉密确认"),
        ([unit(), system(非涉密确认="否"), domain()], "邮件系统!C2", "不得在本平台登记"),
        (
            [unit(), system(部署网络="互联网、涉密网络"), domain()],
            "邮件系统!D2",
            "不得在本平台登记",
        ),
        ([unit(), system(部署网络="月球"), domain()], "邮件系统!D2", "只能填：互联网"),
        ([unit(), system(投入运行日期="去年"), domain()], "邮件系统!I2", "2024-06-30"),
        ([unit(), system(投入运行日期="2999-01-01"), domain()], "邮件系统!I2", "不能晚于今天"),
        ([unit(), system(账号总数="很多"), domain()], "邮件系统!L2", "整数"),
        ([unit(), system(在用账号数="11"), domain()], "邮件系统!M2", "不能多于账号总数"),
        ([unit(), system(备案证明编号="1"), domain()], "邮件系统!S2", "11位加5位"),
        ([unit(), system(备案证明编号=None), domain()], "邮件系统!S2", "请填写证明上的编号"),
        ([unit(), system(), system(), domain()], "邮件系统!B3", "同名系统"),
        ([unit(), system()], "邮件系统!B2", "至少要有一个"),
        ([unit(), system(), domain(name="a@b.cn")], "域名!C2", "不含“@”"),
        ([unit(), system(), domain(), domain()], "域名!C3", "与第2行重复"),
        ([unit(), system(), domain(系统名称="别的")], "域名!B2", "没有该单位的这个系统"),
        ([unit(), system(), domain(name="yi.edu.test")], "域名!C2", "此域名已被登记，如有疑问"),
        (
            [unit(), system(), domain(name="mail.yi.edu.test")],
            "域名!C2",
            "在其他单位已登记域名之下",
        ),
        ([unit(), system(), domain(name="gov.cn")], "域名!C2", "公共的域名后缀"),
        ([unit(), system(), domain(DKIM选择器="好")], "域名!D2", "不是有效的选择器"),
    ],
)
def test_what_is_wrong_is_said_at_its_cell(world, rows, place, says):
    found = errors(book(*rows), world.officer)
    assert place in [p for p, _ in found]
    assert any(p == place and says in reason for p, reason in found)


def test_all_errors_are_told_at_once_in_the_order_of_the_sheets(client, world):
    client.force_login(world.officer)
    response = send(
        client,
        book(
            unit(单位全称=None, 单位地址="机密★号院", 行政区划代码="999999"),
            contact(办公电话="abc"),
            system(部署网络="某涉密网"),
            domain(name="a@b.cn"),
        ),
    )
    assert response.status_code == 422
    shown = [error.place for error in response.context["errors"]]
    assert shown == ["单位!B2", "单位!F2", "单位!G2", "联系人!F2", "邮件系统!D2", "域名!C2"]
    text = response.content.decode()
    assert "★号院" not in text
    assert "某涉密网" not in text  # what points to a classified system is not repeated
    assert "999999" in text
    assert "单位 3 处、联系人 1 处、邮件系统 1 处、域名 1 处" in text
    assert text.index("上传并检查") < text.index("单位!B2")  # the next try is at hand
    assert not ImportBatch.objects.exists()
    assert not Unit.objects.filter(uscc=code(1)).exists()


def test_formulas_are_refused_and_so_are_texts_that_look_like_one(world):
    found = errors(book(unit(单位全称="=HYPERLINK(1)")), world.officer)
    assert ("单位!B2", "不接受公式，请改填结果。") in found

    def as_text(sheets):
        sheets["单位"]["B2"].data_type = "s"

    plan = check(
        read(io.BytesIO(book(unit(单位全称="=HYPERLINK(1)"), touch=as_text))), user=world.officer
    )
    assert [(e.place, e.value) for e in plan.errors] == [("单位!B2", "=HYPERLINK(1)")]
    assert "不能以 = + - @ 开头" in plan.errors[0].reason


def test_what_was_written_for_the_confirmation_is_shown_with_its_error(world):
    rows = [unit(), system(非涉密确认="是"), domain()]
    plan = check(read(io.BytesIO(book(*rows))), user=world.officer)
    assert [(e.place, e.value) for e in plan.errors] == [("邮件系统!C2", "是")]


def spoil(kind):
    def touch(sheets):
        if kind == "merged":
            sheets["单位"].merge_cells("B4:C5")
        elif kind == "sheet":
            sheets.create_sheet("我的表")["A1"] = 1
        elif kind == "head":
            sheets["单位"]["B1"] = "名称"
        elif kind == "column":
            sheets["单位"]["J1"] = "备注"
        elif kind == "number":
            sheets["单位"]["A2"] = 123456789012345678
            sheets["单位"]["A2"].number_format = "0"
        elif kind == "error":
            sheets["单位"]["B2"] = "#REF!"
            sheets["单位"]["B2"].data_type = "e"

    return touch


@pytest.mark.parametrize(
    ("kind", "place", "says"),
    [
        ("merged", "单位!B4:C5", "取消合并"),
        ("sheet", "我的表!A1", "不认识的表"),
        ("head", "单位!B1", "表头应为“单位全称”"),
        ("column", "单位!J1", "没有这一列"),
        ("number", "单位!A2", "被表格软件改写"),
        ("error", "单位!B2", "错误值"),
    ],
)
def test_a_spoilt_workbook_says_where_and_why(world, kind, place, says):
    found = errors(book(*WHOLE, touch=spoil(kind)), world.officer)
    assert any(p == place and says in reason for p, reason in found)


def test_too_many_rows_are_refused(world, monkeypatch):
    monkeypatch.setattr("inventory.importing.reading.MAX_ROWS", 3)
    found = errors(book(*(unit(n) for n in range(4))), world.officer)
    assert any("超过 3 行的上限" in reason for _, reason in found)


def test_a_sheet_stretched_by_empty_rows_is_refused(world, monkeypatch):
    monkeypatch.setattr("inventory.importing.reading._MAX_SPAN", 40)

    def stretch(sheets):
        sheets["单位"]["B60"] = "最后"

    found = errors(book(unit(), touch=stretch), world.officer)
    assert any(p == "单位!A41" for p, _ in found)


def test_a_small_file_that_unpacks_to_millions_of_texts_takes_nothing_from_the_portal(
    client, world
):
    """It packs too well to be large, and too little to be a bomb by its directory."""
    texts = b"".join(b"<si><t>%05x</t></si>" % (n * 7919) for n in range(1000)) * 4000
    strings = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">%b</sst>'
    whole = zipfile.ZipFile(io.BytesIO(book(*WHOLE)))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in whole.namelist():
            archive.writestr(name, _with_strings(name, whole.read(name)))
        archive.writestr("xl/sharedStrings.xml", strings % texts)
    assert len(out.getvalue()) < 1024 * 1024
    client.force_login(world.officer)
    before = resource.getrusage(resource.RUSAGE_SELF)
    response = send(client, out.getvalue())
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert response.status_code == 422
    assert "工作簿过于复杂或已损坏" in response.content.decode()
    assert after.ru_utime - before.ru_utime < 3  # s
    assert after.ru_maxrss - before.ru_maxrss < 200 * 1024  # KiB


def _with_strings(name: str, part: bytes) -> bytes:
    """A part of a workbook that also names shared texts."""
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    relation = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    if name == "[Content_Types].xml":
        entry = b'<Override PartName="/xl/sharedStrings.xml" ContentType="%b"/></Types>' % kind
        return part.replace(b"</Types>", entry)
    if name == "xl/_rels/workbook.xml.rels":
        entry = b'<Relationship Id="r99" Type="%b" Target="/xl/sharedStrings.xml"/>' % relation
        return part.replace(b"</Relationships>", entry + b"</Relationships>")
    return part


def test_an_empty_workbook_and_a_stranger_are_refused(world):
    assert errors(book(), world.officer) == [("文件", "四张表都是空的，没有可以导入的内容。")]
    stranger = Workbook()
    out = io.BytesIO()
    stranger.save(out)
    assert ("文件", "没有一张表与模板相同，请下载模板填写。") in errors(
        out.getvalue(), world.officer
    )
    broken = io.BytesIO()
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr("xl/workbook.xml", "<nonsense")
    assert errors(broken.getvalue(), world.officer)[0][1].startswith("工作簿已损坏")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.xlsx", b"MZ\x90\x00 executable", "文件内容与扩展名"),
        ("a.xlsm", b"PK\x03\x04", "请上传 xlsx 文件"),
        ("a.xlsx", b"", "空"),
    ],
)
def test_other_files_are_refused(client, world, name, content, says):
    client.force_login(world.officer)
    assert says in send(client, content, name).content.decode()


def test_a_workbook_with_macros_is_refused(client, world):
    client.force_login(world.officer)
    out = io.BytesIO(book(*WHOLE))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"macro")
    assert "含有宏" in send(client, out.getvalue()).content.decode()


# --- the template ---------------------------------------------------------------------------


def test_the_template_has_notes_lists_and_text_columns(client, world):
    client.force_login(world.officer)
    response = client.get(reverse("inventory:import_template"))
    sheets = load_workbook(io.BytesIO(response.content))
    assert sheets.sheetnames == ["填写说明", "字典", *(sheet.name for sheet in SHEETS)]
    units = sheets["单位"]
    assert units["A1"].comment.text == "18位。"
    assert units.column_dimensions["A"].number_format == "@"
    assert units.freeze_panes == "A2"
    lists = {str(rule.sqref): rule.formula1 for rule in units.data_validations.dataValidation}
    assert lists["C2:C5001"].startswith("字典!$A$1:$A$")
    offered = {cell.value for column in sheets["字典"].columns for cell in column}
    assert world.city_a.name in offered
    assert world.city_b.name not in offered  # only offices of the own subtree


@pytest.mark.parametrize(
    ("who", "status"),
    [("officer", 200), ("approver", 403), ("filler", 403), ("system_admin", 403), ("nobody", 403)],
)
def test_who_may_import(client, world, who, status):
    client.force_login(getattr(world, who))
    assert client.get(reverse(URL)).status_code == status
    assert client.get(reverse("inventory:import_template")).status_code == status
    if status == 403:
        assert send(client, book(*WHOLE)).status_code == 403


def test_a_kept_workbook_is_its_uploaders_alone(client, world):
    client.force_login(world.officer)
    send(client, book(*WHOLE))
    batch = ImportBatch.objects.get()
    client.force_login(world.officer_province)
    assert client.get(reverse("inventory:import_preview", args=[batch.pk])).status_code == 404
    for name in ("import_confirm", "import_discard"):
        url = reverse(f"inventory:{name}", args=[batch.pk])
        assert client.get(url).status_code == 405
        assert client.post(url).status_code == 404


# --- size -----------------------------------------------------------------------------------


def many(numbers: range) -> bytes:
    return book(*(row for n in numbers for row in (unit(n), contact(n), system(n), domain(n))))


def test_checking_and_importing_ask_a_fixed_number_of_times(
    world, django_assert_num_queries, django_assert_max_num_queries
):
    def run(content):
        plan = check(read(io.BytesIO(content)), user=world.officer)
        assert plan.errors == []
        batch = applying.keep(
            file_name="a.xlsx", content=content, sha256="0" * 64, plan=plan, by=world.officer
        )
        applying.confirm(batch=batch, by=world.officer)

    assert world.officer.office.region  # the memberships of a person are read once
    few_rows, many_rows = many(range(3)), many(range(10, 40))
    with django_assert_max_num_queries(60) as few:
        run(few_rows)
    with django_assert_num_queries(len(few)):
        run(many_rows)
    assert MailDomain.objects.filter(name__endswith=".edu.test", system__name="邮箱").count() == 33


def test_the_office_may_put_its_own_units_under_one_domain(world):
    """A bureau under the city's domain: both are supervised by the office that imports."""
    rows = (unit(), contact(), system(), domain(name="ju.jia.gov.test"))
    assert errors(book(*rows), world.officer) == []
