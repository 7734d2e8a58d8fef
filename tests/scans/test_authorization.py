"""The journey of a letter: form, stamp, in force, withdrawn or void; who may do what."""

import datetime as dt
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from audit.models import AuditEvent
from emailsec.lib.workdays import today
from inbox.models import Message
from inventory.actions import retire_system
from scans.actions import lapse_letters, request_scan
from scans.forms import a_year_after
from scans.models import Authorization, Wave
from scans.permission import may_probe
from scans.tasks import drain_due
from tests.files import PDF
from tests.scans.conftest import declare_hosts, file_letter

pytestmark = pytest.mark.django_db


def url(name, *args):
    return reverse(f"scans:{name}", args=args)


def filled(**more):
    fields = {
        "hosts": "jia.gov.test\nmx.jia.gov.test",
        "valid_from": today().isoformat(),
        "valid_to": (today() + dt.timedelta(days=90)).isoformat(),
        "signed_by": "张局长",
        "contact_name": "李值班",
        "contact_phone": "0000-1234567",
    }
    return fields | more


def text_of(response):
    return re.sub(r"\s+", "", response.content.decode())


@pytest.fixture
def as_filler(client, world):
    client.force_login(world.filler)
    return client


def create(client, world, **more):
    return client.post(url("authorization_create", world.system_a.pk), filled(**more))


def test_the_form_proposes_domains_hosts_a_year_and_the_contact(as_filler, world):
    declare_hosts(world.system_a, "jia.gov.test")
    page = as_filler.get(url("authorization_create", world.system_a.pk))
    form = page.context["form"]
    assert form["hosts"].value().splitlines()[0] == "jia.gov.test"
    assert "imap.jia.gov.test" in form["hosts"].value()
    assert form["valid_to"].value() == a_year_after(today())
    assert form["contact_phone"].value() == "13900000001"


def test_from_the_form_to_a_letter_in_force(as_filler, world):
    letter_page = create(as_filler, world, relay="on", hosts="jia.gov.test\n邮箱.jia.gov.test")
    letter = Authorization.objects.get()
    assert letter_page.url == url("authorization_detail", letter.pk)
    assert letter.host_list == ["jia.gov.test", "xn--c0zu34b.jia.gov.test"]
    assert letter.extras == ["smtp.relay"]
    assert may_probe(world.system_a).code == "draft"
    stamped = SimpleUploadedFile("../../授权书 盖章.pdf", PDF)
    answer = as_filler.post(url("authorization_file", letter.pk), {"scan": stamped})
    assert answer.url == url("system_view", world.system_a.pk)
    letter.refresh_from_db()
    assert (letter.status, letter.filed_by) == ("filed", world.filler)
    assert letter.scan_name == "授权书 盖章.pdf"
    assert len(letter.scan_sha256) == 64
    assert may_probe(world.system_a).allowed
    assert [change.action for change in letter.changes.all()] == ["file"]
    assert AuditEvent.objects.filter(action="authorization.file").count() == 1
    assert Message.objects.filter(recipient=world.officer, title__contains="授权书").exists()


@pytest.mark.parametrize(
    ("more", "field", "says"),
    [
        ({"hosts": ""}, "hosts", "至少列出一个"),
        ({"hosts": "mx.jia.gov.test"}, "hosts", "至少列出一个本系统的邮件域名"),
        ({"hosts": "jia.gov.test\nmx.fremd.test"}, "hosts", "无权授权"),
        ({"hosts": "jia.gov.test\nnotjia.gov.test"}, "hosts", "无权授权"),
        ({"hosts": "jia.gov.test\n10.0.0.1"}, "hosts", "不是 IP 地址"),
        ({"hosts": "jia.gov.test\nhttps://mail.jia.gov.test/"}, "hosts", "不是网址"),
        ({"valid_from": (today() - dt.timedelta(days=1)).isoformat()}, "valid_from", "早于今天"),
        ({"valid_to": today().replace(year=today().year + 2).isoformat()}, "valid_to", "最长一年"),
        ({"valid_to": (today() - dt.timedelta(days=1)).isoformat()}, "valid_to", "早于起始"),
        ({"contact_phone": "电话"}, "contact_phone", "只能含数字"),
        ({"signed_by": ""}, "signed_by", ""),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(
    as_filler, world, more, field, says
):
    page = create(as_filler, world, **more)
    assert page.status_code == 200
    assert says in "".join(page.context["form"].errors[field])
    assert page.context["form"]["contact_name"].value() == "李值班"
    assert not Authorization.objects.exists()


def test_a_shared_host_is_not_offered_the_relay_item(as_filler, world):
    world.system_a.build_mode = "public_cloud"
    world.system_a.save()
    page = as_filler.get(url("authorization_create", world.system_a.pk))
    assert "relay" not in page.context["form"].fields
    create(as_filler, world, relay="on")
    assert Authorization.objects.get().items == "ordinary"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("letter.pdf", b"", "空的"),
        ("letter.docx", PDF, "不接受此类文件"),
        ("letter.pdf", b"MZ\x90\x00 an executable", "内容与扩展名"),
        ("letter.png", PDF, "内容与扩展名"),
    ],
)
def test_only_a_real_scan_brings_the_letter_into_force(as_filler, world, name, content, says):
    create(as_filler, world)
    letter = Authorization.objects.get()
    page = as_filler.post(
        url("authorization_file", letter.pk), {"scan": SimpleUploadedFile(name, content)}
    )
    assert page.status_code == 422
    assert says in page.content.decode()
    letter.refresh_from_db()
    assert (letter.status, letter.scan.name) == ("draft", "")
    assert not may_probe(world.system_a).allowed


def test_filing_twice_keeps_the_first_scan_and_leaves_no_stray_file(as_filler, world, settings):
    create(as_filler, world)
    letter = Authorization.objects.get()
    for name in ("one.pdf", "two.pdf"):
        as_filler.post(
            url("authorization_file", letter.pk), {"scan": SimpleUploadedFile(name, PDF)}
        )
    letter.refresh_from_db()
    assert letter.scan_name == "one.pdf"
    stored = [p for p in (settings.MEDIA_ROOT / "authorizations").rglob("*") if p.is_file()]
    assert len(stored) == 1


def test_the_scan_is_a_download(as_filler, world):
    letter = file_letter(world.system_a)
    answer = as_filler.get(url("authorization_scan", letter.pk))
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer.content == PDF


def test_the_unit_withdraws_without_a_reason_and_the_look_stops(as_filler, world):
    letter = file_letter(world.system_a)
    wave = request_scan(system=world.system_a, by=world.filler)
    as_filler.post(url("authorization_withdraw", letter.pk))
    wave.refresh_from_db()
    assert (wave.status, wave.problem) == ("void", "单位已撤回授权，探测停止。")
    assert {run.status for run in wave.runs.all()} == {"refused"}
    assert not may_probe(world.system_a).allowed


def test_the_office_voids_with_a_reason_and_the_unit_is_told(client, world):
    letter = file_letter(world.system_a)
    client.force_login(world.officer)
    page = client.post(url("authorization_void", letter.pk), {"reason": ""})
    assert page.status_code == 422
    assert "请填写作废理由" in page.content.decode()
    client.post(url("authorization_void", letter.pk), {"reason": "没有公章"})
    letter.refresh_from_db()
    assert (letter.status, letter.void_reason) == ("void", "没有公章")
    assert Message.objects.filter(recipient=world.filler, body__contains="没有公章").exists()
    again = client.post(url("authorization_void", letter.pk), {"reason": "再次"}, follow=False)
    assert again.status_code == 302
    assert letter.changes.count() == 1


@pytest.mark.parametrize(
    ("who", "name", "method", "status"),
    [
        ("officer", "authorization_create", "get", 403),
        ("officer", "authorization_file", "post", 403),
        ("officer", "authorization_withdraw", "post", 403),
        ("filler", "authorization_void", "post", 403),
        ("checker", "authorization_void", "post", 403),
        ("officer_b", "authorization_detail", "get", 404),
        ("officer_b", "authorization_void", "post", 404),
        ("officer_b", "authorization_scan", "get", 404),
        ("filler_b", "authorization_create", "get", 404),
        ("filler_provincial", "authorization_detail", "get", 404),
        ("system_admin", "authorization_detail", "get", 404),
        ("nobody", "authorization_scan", "get", 404),
        ("filler", "authorization_void", "get", 405),
        ("officer", "authorization_detail", "get", 200),
    ],
)
def test_who_may_do_what(client, world, who, name, method, status):
    letter = file_letter(world.system_a)
    client.force_login(getattr(world, who))
    pk = world.system_a.pk if name == "authorization_create" else letter.pk
    data = {"reason": "x", "scan": SimpleUploadedFile("a.pdf", PDF)} if method == "post" else {}
    assert getattr(client, method)(url(name, pk), data).status_code == status
    letter.refresh_from_db()
    assert letter.status == "filed"


def test_visitors_are_sent_to_the_login(client, world):
    letter = file_letter(world.system_a)
    answer = client.get(url("authorization_scan", letter.pk))
    assert (answer.status_code, "/accounts/login/" in answer.url) == (302, True)


def test_no_wave_is_left_open_by_a_letter_that_was_never_filed(as_filler, world):
    create(as_filler, world)
    as_filler.post(url("rescan", world.system_a.pk))
    assert not Wave.objects.filter(status="open").exists()


def test_letters_end_with_their_system(client, world):
    filed = file_letter(world.system_a)
    client.force_login(world.filler)
    create(client, world)
    draft = Authorization.objects.get(status="draft")
    retire_system(system=world.system_a, retired_on=today(), reason="改用统一平台", by=world.filler)
    # At once, before the minute's task has moved the rows.
    page = client.get(url("authorization_detail", filed.pk)).content.decode()
    assert "已随系统停用失效" in page
    assert "还剩" not in page
    assert "已生效" not in page.split("page-aside")[0]
    assert url("authorization_withdraw", filed.pk) not in page
    assert not Authorization.objects.in_force().exists()
    overview = client.get(url("system_view", world.system_a.pk)).content.decode()
    assert overview.count("已随系统停用失效") == 2
    assert "未授权" not in overview
    refused = client.post(
        url("authorization_file", draft.pk),
        {"scan": SimpleUploadedFile("a.pdf", PDF)},
        follow=True,
    )
    assert "该系统已停用，授权书不能再生效" in refused.content.decode()
    dead_end = client.get(url("authorization_create", world.system_a.pk), follow=True)
    assert "该系统已停用，不能再授权探测" in dead_end.content.decode()
    for _ in range(2):
        drain_due()
    for letter in (filed, draft):
        letter.refresh_from_db()
        assert (letter.status, letter.void_reason) == ("void", "已随系统停用失效")
        assert letter.changes.filter(action="lapse").count() == 1
        assert (
            "已随系统停用失效"
            in client.get(url("authorization_detail", letter.pk)).content.decode()
        )
    assert AuditEvent.objects.filter(action="authorization.lapse").count() == 2


def test_a_look_under_way_stops_when_its_system_is_retired(world):
    file_letter(world.system_a)
    wave = request_scan(system=world.system_a, by=world.filler)
    other = file_letter(world.system_b)
    retire_system(system=world.system_a, retired_on=today(), reason="关停", by=world.filler)
    assert lapse_letters() == 1
    wave.refresh_from_db()
    assert wave.status == "void"
    assert {run.status for run in wave.runs.all()} == {"refused"}
    other.refresh_from_db()
    assert other.status == "filed"


def test_a_letter_names_no_host_of_another_unit(as_filler, world):
    """Declared before its owner registered the domain: declaring is not owning."""
    declare_hosts(world.system_a, "yi.edu.test")
    page = create(as_filler, world, hosts="jia.gov.test\nimap.yi.edu.test\n8.8.8.8")
    said = text_of(page)
    assert "“imap.yi.edu.test”在其他单位登记的域名之下，本单位无权授权" in said
    assert "“8.8.8.8”：请填写域名，不是IP地址。" in said
    assert not Authorization.objects.exists()
