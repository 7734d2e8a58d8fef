"""A unit applies to be registered; the office of its region decides; nobody learns more."""

import datetime as dt
import hashlib
import logging
from pathlib import Path

import pytest
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import actions
from accounts.models import Registration
from accounts.policy import policy
from accounts.views.registration import fresh_page
from audit.models import AuditEvent
from inbox.tasks import tell_registrations
from inventory.models import Unit
from tests.files import PDF, PNG
from tests.world import make_office, make_region

pytestmark = pytest.mark.django_db
APPLY, STATUS = "/accounts/apply/", "/accounts/apply/status/"


@pytest.fixture
def a_while_ago(monkeypatch):
    """Pages are filled in by a person, who takes some time."""
    real = signing.time.time
    monkeypatch.setattr(signing.time, "time", lambda: real() - 60)
    page = fresh_page()
    monkeypatch.setattr(signing.time, "time", real)
    return page


def proof(name="证书.pdf", content=PDF):
    return SimpleUploadedFile(name, content)


@pytest.fixture
def data(world, a_while_ago):
    def make(**changes):
        fields = {
            "name": "甲市图书馆",
            "uscc": credit_code("1237010000414444"),
            "kind": "institution",
            "affiliation": "3",
            "sector": "43",
            "region": "370100",
            "contact_name": "程某",
            "contact_department": "办公室",
            "contact_phone": "0000-7654321",
            "domains": "tsg.jia.test",
            "proof": proof(),
            "page": a_while_ago,
            "website": "",
        }
        return fields | changes

    return make


def credit_code(seventeen: str) -> str:
    from stdnum.cn.uscc import calc_check_digit

    body = seventeen.ljust(17, "4")
    return body + calc_check_digit(body)


@pytest.fixture
def sent(client, world, data) -> Registration:
    assert client.post(APPLY, data()).status_code == 302
    return Registration.objects.get()


def at(name, row, **data):
    return reverse(f"accounts:registration_{name}", args=[row.pk])


def test_an_application_is_kept_and_answered_with_a_receipt(client, world, data):
    page = client.get(APPLY).content.decode()
    assert "不得填写、上传国家秘密" in page
    response = client.post(APPLY, data(), follow=True)
    row = Registration.objects.get()
    assert row.receipt in response.content.decode()
    assert "no-store" in response["Cache-Control"] or "no-cache" in response["Cache-Control"]
    assert (row.status, row.office, row.domains) == ("pending", world.city_a, "tsg.jia.test")
    assert row.proof_sha256 == hashlib.sha256(PDF).hexdigest()
    with row.proof.open("rb") as kept:
        assert kept.read() == PDF
    assert "证书" not in Path(row.proof.name).name
    event = AuditEvent.objects.get(action="registration.submit")
    assert (event.actor_label, event.object_id) == ("未登录", str(row.pk))
    assert row.receipt not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize(
    ("affiliation", "region", "office"),
    [("3", "370100", "city_a"), ("2", "370100", "province"), ("3", "370200", "city_b")],
)
def test_it_goes_to_the_office_of_its_level_and_region(
    client, world, data, affiliation, region, office
):
    client.post(APPLY, data(affiliation=affiliation, region=region))
    assert Registration.objects.get().office == getattr(world, office)


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"name": ""}, "name", "必填"),
        ({"name": "<b>x</b>"}, "name", "不能含有"),
        ({"name": "=1+1"}, "name", "公式"),
        ({"uscc": "123"}, "uscc", "应为18位"),
        ({"region": "999999"}, "region", "没有代码"),
        ({"region": "440000"}, "region", "没有负责该地区"),
        ({"contact_phone": "abc"}, "contact_phone", "只能含数字"),
        ({"contact_name": ""}, "contact_name", "必填"),
        ({"domains": "a@b.test"}, "domains", "@"),
        ({"domains": "gov.cn"}, "domains", "公共的域名后缀"),
        ({"proof": ""}, "proof", "请选择文件"),
        ({"proof": proof("x.docx", b"PK")}, "proof", "请上传 pdf、jpg、png"),
        ({"proof": proof("x.pdf", b"MZ" + PDF)}, "proof", ""),
        ({"proof": proof("秘密★1年.pdf")}, "proof", "文件名中的内容带有密级"),
        ({"name": "机密★10年"}, "name", "密级"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_typed_is_lost(
    client, world, data, changes, field, says
):
    make_region("440000", "戊省", 1)
    typed = data(**changes)
    response = client.post(APPLY, typed)
    assert response.status_code == 422
    form = response.context["form"]
    assert says in " ".join(form.errors[field])
    assert form["contact_department"].value() == "办公室"
    assert not Registration.objects.exists()
    if "proof" not in changes:
        assert "重新选择文件" in " ".join(form.errors["proof"])


def test_an_oversized_proof_is_refused(client, world, data, settings):
    settings.UPLOAD_MAX_BYTES = 1024
    response = client.post(APPLY, data(proof=proof(content=PDF + b" " * 2048)))
    assert "超过" in " ".join(response.context["form"].errors["proof"])
    assert not Registration.objects.exists()


@pytest.mark.parametrize("how", ["haste", "honeypot", "no page", "forged", "stale"])
def test_machines_are_refused_in_words_that_help_people(client, world, data, how, monkeypatch):
    typed = data()
    if how == "haste":
        typed["page"] = fresh_page()
    elif how == "honeypot":
        typed["website"] = "https://spam.test"
    elif how == "stale":
        real = signing.time.time
        monkeypatch.setattr(signing.time, "time", lambda: real() + 86400)
    else:
        typed["page"] = "" if how == "no page" else f"x{typed['page']}"
    response = client.post(APPLY, typed)
    assert response.status_code == 422
    form = response.context["form"]
    assert "再提交一次" in str(form.non_field_errors())
    assert form["page"].value() not in {"", typed["page"]}
    assert "重新选择文件" in " ".join(form.errors["proof"])
    assert not Registration.objects.exists()


def test_haste_beside_a_wrong_field_says_only_what_is_wrong(client, world, data):
    response = client.post(APPLY, data(uscc="123", page=fresh_page()))
    form = response.context["form"]
    assert not form.non_field_errors()
    assert "18位" in " ".join(form.errors["uscc"])
    assert "重新选择文件" in " ".join(form.errors["proof"])


def test_the_button_pressed_twice_is_one_application(client, world, data):
    assert client.post(APPLY, data()).status_code == 302
    first = client.get(reverse("accounts:apply_done")).context["receipt"]
    assert client.post(APPLY, data()).status_code == 302
    assert client.get(reverse("accounts:apply_done")).context["receipt"] == first
    assert Registration.objects.count() == 1


def test_one_address_sends_a_limited_number_an_hour(client, world, data):
    for _ in range(policy().registration.per_hour):
        client.post(APPLY, data())
    assert client.post(APPLY, data()).status_code == 429
    assert "一小时后" in client.get(APPLY).content.decode()
    assert client.post(APPLY, data(), REMOTE_ADDR="192.0.2.7").status_code == 302


def test_a_unit_that_is_registered_gets_a_receipt_like_any_other(client, world, data):
    known = client.post(APPLY, data(uscc=world.unit_a.uscc), follow=True)
    assert known.status_code == 200
    assert Registration.objects.get().receipt in known.content.decode()
    assert world.unit_a.name not in known.content.decode()
    row = Registration.objects.get()
    client.force_login(world.officer)
    page = client.get(at("detail", row)).content.decode()
    assert "已登记" in page
    assert reverse("inventory:unit_detail", args=[world.unit_a.pk]) in page
    assert "通过并登记单位" not in page
    answer = client.post(at("approve", row), follow=True).content.decode()
    assert "已被登记" in answer
    row.refresh_from_db()
    assert row.status == "pending"


def test_of_a_unit_beyond_one_s_sight_only_that_it_is_registered(client, world, data):
    client.post(APPLY, data(uscc=world.unit_b.uscc))
    client.force_login(world.officer)
    page = client.get(at("detail", Registration.objects.get())).content.decode()
    assert "已登记" in page
    assert world.unit_b.name not in page


def test_the_state_is_told_to_who_knows_number_and_code(client, world, sent):
    ask = {"receipt": sent.receipt.lower().replace("-", " "), "uscc": sent.uscc}
    page = client.post(STATUS, ask).content.decode()
    assert "待审批" in page
    assert world.city_a.name in page
    assert sent.contact_name not in page
    actions.refuse_registration(registration=sent, reason="证书已过期", by=world.officer)
    page = client.post(STATUS, ask).content.decode()
    assert "未通过" in page
    assert "证书已过期" in page
    assert world.officer.name not in page


def test_a_wrong_number_or_code_is_the_same_to_everybody(client, world, sent):
    wrong = [
        {"receipt": "AAAA-AAAA-AAAA", "uscc": sent.uscc},
        {"receipt": sent.receipt, "uscc": world.unit_a.uscc},
        {"receipt": "AAAA-AAAA-AAAA", "uscc": world.unit_a.uscc},
    ]
    said = {str(client.post(STATUS, w).context["form"].non_field_errors()) for w in wrong}
    assert len(said) == 1
    for _ in range(policy().registration.misses):
        client.post(STATUS, wrong[0])
    good = {"receipt": sent.receipt, "uscc": sent.uscc}
    assert client.post(STATUS, good).status_code == 429


def test_the_office_is_told_once_and_sees_how_many_wait(client, world, sent):
    tell_registrations()
    tell_registrations()
    assert world.officer.inbox_messages.get().url == at("detail", sent)
    assert not world.approver.inbox_messages.exists()
    assert not world.officer_b.inbox_messages.exists()
    client.force_login(world.officer)
    page = client.get(reverse("inbox:list")).content.decode()
    assert "注册申请<b" in page
    assert client.get(reverse("accounts:registration_list")).context["page"].object_list == [sent]


def test_approval_registers_the_unit_and_leads_to_the_letters(client, world, sent):
    client.force_login(world.officer)
    response = client.post(at("approve", sent))
    unit = Unit.objects.get(uscc=sent.uscc)
    assert response.url == reverse("reports:invitation", args=[unit.pk])
    assert unit.police_office() == world.city_a
    assert unit.contacts.get().mobile == "0000-7654321"
    assert list(unit.registered_domains.values_list("name", flat=True)) == ["tsg.jia.test"]
    assert "打印填报人告知单" in client.get(response.url).content.decode()
    sent.refresh_from_db()
    assert (sent.status, sent.unit) == ("approved", unit)
    again = client.post(at("approve", sent), follow=True).content.decode()
    assert "note-error" in again
    assert Unit.objects.filter(uscc=sent.uscc).count() == 1


@pytest.mark.parametrize("name", ["jia.gov.test", "mail.jia.gov.test", "yi.edu.test"])
def test_the_office_reads_whose_domain_it_is_and_the_applicant_does_not(client, world, data, name):
    free = client.post(APPLY, data(domains="frei.test"), follow=True).content.decode()
    Registration.objects.all().delete()
    held = client.post(APPLY, data(domains=f"{name}\nfrei.test"), follow=True)
    row = Registration.objects.get()
    assert held.status_code == 200
    # The answer is the same text but for what was drawn at random.
    assert len(held.content.decode()) == len(free)
    client.force_login(world.officer)
    page = client.get(at("detail", row)).content.decode()
    assert "冲突" in page
    if name == "yi.edu.test":  # of another city: whether, but not whose
        assert world.unit_b.name not in page
        assert "1 个不在您管辖范围内的单位" in page
    else:
        assert f"{world.unit_a.name}</a>已登记" in page
    client.post(at("approve", row))
    unit = Unit.objects.get(uscc=row.uscc)
    assert [d.name for d in unit.registered_domains.all()] == ["frei.test"]
    page = client.get(at("detail", row)).content.decode()
    assert f"未登记与其他单位冲突的域名：{name}" in page
    assert "请与双方核实" not in page


def test_of_two_officers_the_first_decides(client, world, sent):
    stale = Registration.objects.get(pk=sent.pk)
    actions.refuse_registration(registration=sent, reason="材料不全", by=world.officer)
    with pytest.raises(actions.Refused):
        actions.approve_registration(registration=stale, by=world.officer_province)
    assert not Unit.objects.filter(uscc=sent.uscc).exists()


def test_a_refusal_needs_its_reason(client, world, sent):
    client.force_login(world.officer)
    response = client.post(at("refuse", sent), {"reason": " "})
    assert response.status_code == 422
    assert response.context["refusal"].errors["reason"]
    client.post(at("refuse", sent), {"reason": "证书已过期"})
    sent.refresh_from_db()
    assert (sent.status, sent.refusal) == ("refused", "证书已过期")
    assert AuditEvent.objects.filter(action="registration.refuse").count() == 1


def test_it_is_passed_on_only_where_the_unit_lies(client, world, sent):
    make_office("甲市公安局经开区分局", world.city_a.region, world.city_a)
    client.force_login(world.officer)
    offered = client.get(at("detail", sent)).context["pass_on"].fields["office"].queryset
    assert {office.name for office in offered} == {world.province.name, "甲市公安局经开区分局"}
    foreign = {"office": world.city_b.pk, "reason": "x"}
    assert client.post(at("pass_on", sent), foreign).status_code == 422
    client.post(at("pass_on", sent), {"office": world.province.pk, "reason": "省直单位"})
    sent.refresh_from_db()
    assert (sent.office, sent.status, sent.told_at) == (world.province, "pending", None)
    assert client.get(at("detail", sent)).status_code == 404
    with pytest.raises(PermissionDenied):
        actions.approve_registration(registration=sent, by=world.officer)
    actions.approve_registration(registration=sent, by=world.officer_province)
    assert Unit.objects.get(uscc=sent.uscc).police_office() == world.province


def test_the_proof_is_a_download_on_record(client, world, sent):
    client.force_login(world.officer)
    response = client.get(at("proof", sent))
    assert response["Content-Disposition"].startswith("attachment")
    assert b"".join(response) == PDF
    event = AuditEvent.objects.get(action="registration.proof")
    assert event.details["sha256"] == sent.proof_sha256


def test_what_strangers_wrote_is_shown_as_text(client, world, sent):
    Registration.objects.update(contact_name="<script>alert(1)</script>", name="<img src=x>")
    client.force_login(world.officer)
    for url in (at("detail", sent), reverse("accounts:registration_list")):
        page = client.get(url).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_fields_that_the_form_does_not_have_change_nothing(client, world, data):
    more = {
        "office": world.city_b.pk,
        "status": "approved",
        "receipt": "X",
        "unit": world.unit_b.pk,
    }
    client.post(APPLY, data(**more))
    row = Registration.objects.get()
    assert (row.office, row.status, row.unit) == (world.city_a, "pending", None)
    assert row.receipt != "X"


def test_a_stranger_s_page_cannot_send_it(world, data):
    assert Client(enforce_csrf_checks=True).post(APPLY, data()).status_code == 403


def test_nothing_of_the_form_is_logged(client, world, data, caplog):
    with caplog.at_level(logging.DEBUG):
        client.post(APPLY, data(uscc="123"))
        client.post(APPLY, data())
    assert "程某" not in caplog.text
    assert Registration.objects.get().receipt not in caplog.text


def test_the_list_asks_a_fixed_number_of_times(
    client, world, sent, django_assert_num_queries, django_assert_max_num_queries
):
    client.force_login(world.officer)
    url = reverse("accounts:registration_list")
    with django_assert_max_num_queries(20) as few:
        client.get(url)
    for n in range(30):
        sent.pk, sent.receipt, sent.nonce = None, f"r{n}", f"n{n}"
        sent.save(force_insert=True)
    with django_assert_num_queries(len(few)):
        client.get(url)
    found = client.get(url, {"q": "r7", "status": "pending"}).context["page"]
    assert [row.receipt for row in found] == ["r7"]


def test_proofs_of_refused_applications_fall_due(world, sent):
    assert not Registration.objects.proofs_due().exists()
    actions.refuse_registration(registration=sent, reason="材料不全", by=world.officer)
    assert not Registration.objects.proofs_due().exists()
    long_ago = timezone.now() - dt.timedelta(days=policy().registration.proof_days + 1)
    Registration.objects.update(decided_at=long_ago)
    assert Registration.objects.proofs_due().get() == sent
    Registration.objects.update(status="approved")
    assert not Registration.objects.proofs_due().exists()


def test_a_picture_will_do(client, world, data):
    assert client.post(APPLY, data(proof=proof("证书.png", PNG))).status_code == 302
    assert Registration.objects.get().proof_kind == "png"
