"""The self-check's pages through the client: who gets what, and what a bad request is told."""

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from assessments import actions
from assessments.models import Answer, Evidence
from assessments.sheets import content_digest, load_sheets
from emailsec.lib.classified import ADVICE
from inventory.models import Region
from tests.files import PDF, pdf
from tests.filled import complete_inventory, fill, open_selfcheck
from tests.world import PASSWORD, make_unit

pytestmark = pytest.mark.django_db


@pytest.fixture
def selfcheck(world):
    complete_inventory(world.unit_a)
    return open_selfcheck(world.unit_a, world.city_a)


def as_(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def unit_sheet(selfcheck):
    return selfcheck.sheets.get(kind="unit")


def post_answer(client, sheet, item, field, *values, version=0):
    data = {"item": item, "field": field, "value": list(values), "version": version}
    url = reverse("assessments:answer_save", args=[sheet.pk])
    return client.post(url, data, headers={"Accept": "application/json"})


def pages_of(selfcheck):
    sheet = unit_sheet(selfcheck)
    return [
        reverse("assessments:selfcheck_detail", args=[selfcheck.pk]),
        reverse("assessments:section", args=[selfcheck.pk, sheet.pk, "U2"]),
        reverse("assessments:summary", args=[selfcheck.pk]),
    ]


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("filler", 200),
        ("signer", 200),
        ("officer", 200),
        ("officer_province", 200),
        ("officer_b", 404),
        ("filler_b", 404),
        ("filler_provincial", 404),
        ("system_admin", 404),
        ("nobody", 404),
    ],
)
def test_pages_follow_the_scope(world, selfcheck, who, status):
    client = as_(getattr(world, who))
    assert {client.get(url).status_code for url in pages_of(selfcheck)} == {status}


def test_every_section_renders_with_every_item(world, selfcheck):
    client = as_(world.filler)
    for loaded in load_sheets(selfcheck):
        for section in loaded.sections():
            page = client.get(
                reverse("assessments:section", args=[selfcheck.pk, loaded.row.pk, section.code])
            ).content.decode()
            for item in loaded.definition.items_of(loaded.row.scope_name, section.code):
                assert item.derived or f'id="item-{item.code}"' in page


def test_autosave_answers_with_version_time_progress_and_result(world, selfcheck):
    client, sheet = as_(world.filler), unit_sheet(selfcheck)
    body = post_answer(client, sheet, "U-201", "answer", "no").json()
    assert body["version"] == 1
    assert body["progress"]["done"] < body["progress"]["total"]
    assert "不符合" in body["results"]["U-201"] or "高" in body["results"]["U-201"]
    assert body["visible"]["U-201"] is True
    assert Answer.objects.get(item="U-201").value == "no"


def test_autosave_conflict_forged_option_foreign_sheet_and_read_only(world, selfcheck):
    client, sheet = as_(world.filler), unit_sheet(selfcheck)
    post_answer(client, sheet, "U-201", "answer", "no")
    conflict = post_answer(client, sheet, "U-201", "answer", "yes")
    assert conflict.status_code == 409
    assert conflict.json()["value"] == ["no"]
    assert conflict.json()["by"] == world.filler.name
    assert post_answer(client, sheet, "U-202", "answer", "maybe").status_code == 422
    assert post_answer(client, sheet, "X-1", "answer", "yes").status_code == 422
    assert post_answer(client, sheet, "U-202", "answer", "yes", version="x").status_code == 422
    assert post_answer(as_(world.filler_b), sheet, "U-202", "answer", "yes").status_code == 404
    assert post_answer(as_(world.signer), sheet, "U-202", "answer", "yes").status_code == 403
    assert Answer.objects.count() == 1


def test_without_javascript_an_item_is_saved_by_its_own_form(world, selfcheck):
    sheet = unit_sheet(selfcheck)
    url = reverse("assessments:section", args=[selfcheck.pk, sheet.pk, "U2"])
    data = {"item": "U-201", "answer": "partial", "note": "部分落实", "version-answer": "0"}
    response = as_(world.filler).post(url, data)
    assert response.url.endswith("#item-U-201")
    assert dict(Answer.objects.values_list("field", "value"))["answer"] == "partial"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("程序.pdf", b"MZ\x90\x00", "与扩展名"),
        ("程序.exe", b"MZ\x90\x00", "不接受此类文件"),
        ("空.pdf", b"", "空的"),
        ("大.pdf", PDF + b"0" * (10 * 1024 * 1024), "超过 10 MB"),
        ("图.svg", b"<svg/>", "不接受此类文件"),
        ("假.docx", b"PK\x03\x04rubbish", "与扩展名"),
    ],
)
def test_bad_evidence_is_refused_with_the_reason(world, selfcheck, name, content, says):
    sheet = unit_sheet(selfcheck)
    url = reverse("assessments:evidence_upload", args=[sheet.pk, "U-201"])
    response = as_(world.filler).post(
        url, {"file": SimpleUploadedFile(name, content)}, headers={"Accept": "application/json"}
    )
    assert response.status_code == 422
    assert says in response.json()["error"]
    assert not Evidence.objects.exists()


def test_evidence_goes_up_and_comes_down_as_an_attachment_within_the_scope(world, selfcheck):
    sheet = unit_sheet(selfcheck)
    url = reverse("assessments:evidence_upload", args=[sheet.pk, "U-201"])
    files = [SimpleUploadedFile("责任书.pdf", PDF), SimpleUploadedFile("分工.pdf", pdf("2"))]
    as_(world.filler).post(url, {"file": files}, headers={"Accept": "application/json"})
    first, second = Evidence.objects.order_by("pk")
    link = reverse("assessments:evidence_file", args=[first.pk])
    response = as_(world.officer).get(link)
    assert response["Content-Disposition"].startswith("attachment")
    assert response.content == PDF
    assert as_(world.officer_b).get(link).status_code == 404
    remove = reverse("assessments:evidence_remove", args=[second.pk])
    assert as_(world.officer).post(remove).status_code == 403
    as_(world.filler).post(remove)
    assert Evidence.objects.current().count() == 1


def test_submit_with_gaps_lists_them_and_links_to_each(world, selfcheck):
    client = as_(world.filler)
    client.post(reverse("assessments:submit", args=[selfcheck.pk]))
    page = client.get(reverse("assessments:summary", args=[selfcheck.pk])).content.decode()
    sheets = load_sheets(selfcheck)
    items = {(sheet.row.pk, item) for sheet, item, _ in actions.missing_of(sheets)}
    assert f"未填完的（{len(items)}）" in page
    assert len(set(re.findall(r"/sheets/\d+/\w+/#(?:item-)?[UM]-\d+", page))) == len(items)
    selfcheck.refresh_from_db()
    assert selfcheck.status == "not_started"


def test_double_submit_and_double_sign_happen_once(world, selfcheck):
    fill(selfcheck, world.filler)
    client = as_(world.filler)
    url = reverse("assessments:submit", args=[selfcheck.pk])
    client.post(url)
    page = client.post(url, follow=True).content.decode()
    assert "不能" in page
    assert selfcheck.changes.filter(action="submit").count() == 1
    selfcheck.refresh_from_db()
    digest = content_digest(load_sheets(selfcheck))
    sign = reverse("assessments:sign", args=[selfcheck.pk])
    signer = as_(world.signer)
    wrong = signer.post(sign, {"digest": digest, "agree": "on", "password": "nope"})
    assert wrong.status_code == 422
    assert "口令不正确" in wrong.content.decode()
    body = {"digest": digest, "agree": "on", "password": PASSWORD}
    assert signer.post(sign, body).status_code == 302
    signer.post(sign, body)
    assert selfcheck.signoffs.count() == 1


def test_the_unit_may_not_review_and_the_office_may_not_fill(world, selfcheck):
    review = reverse("assessments:review", args=[selfcheck.pk])
    assert as_(world.filler).get(review).status_code == 403
    assert as_(world.officer_b).get(review).status_code == 404
    submit = reverse("assessments:submit", args=[selfcheck.pk])
    assert as_(world.officer).post(submit).status_code == 403


def test_before_the_unit_opens_it_there_is_nothing_to_check(world, selfcheck):
    selfcheck.sheets.all().delete()
    url = reverse("assessments:summary", args=[selfcheck.pk])
    answer = as_(world.officer).get(url, follow=True)
    assert answer.redirect_chain == [
        (reverse("assessments:selfcheck_detail", args=[selfcheck.pk]), 302)
    ]
    assert "还没有开始填报" in answer.content.decode()
    assert url not in answer.content.decode()
    assert as_(world.filler).get(url).status_code == 200


def test_pages_cost_the_same_with_three_and_thirty_units(world, selfcheck):
    client = as_(world.officer)
    urls = [
        reverse("assessments:campaign_list"),
        reverse("assessments:campaign_detail", args=[selfcheck.campaign_id]),
        reverse("assessments:urge_list"),
    ]
    region = Region.objects.get(code="370100")

    def cost() -> list[int]:
        counts = []
        for url in urls:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(url).status_code == 200
            counts.append(len(queries))
        return counts

    def grow(start: int, count: int) -> None:
        for n in range(start, start + count):
            make_unit(f"单位{n}", f"11370100{n:09d}X", region, world.city_a)
        actions.enrol(selfcheck.campaign)

    grow(1, 3)
    before = cost()
    grow(10, 30)
    assert cost() == before


def test_json_errors_are_json(world, selfcheck):
    response = post_answer(as_(world.filler), unit_sheet(selfcheck), "U-101", "name", "x")
    assert json.loads(response.content)["error"].startswith("此项取自单位台账")


def test_guessing_at_the_signature_ends_the_session(world, selfcheck):
    fill(selfcheck, world.filler)
    actions.submit(selfcheck, by=world.filler)
    digest = content_digest(load_sheets(selfcheck))
    sign = reverse("assessments:sign", args=[selfcheck.pk])
    signer = as_(world.signer)
    body = {"digest": digest, "agree": "on", "password": "nope"}
    answers = [signer.post(sign, body) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [422, 422, 422, 422, 302]
    assert "口令连续输错" in signer.get(answers[-1].url).content.decode()
    body["password"] = PASSWORD
    assert signer.post(sign, body).url.startswith(reverse("accounts:login"))
    signer.force_login(world.signer)  # nor does a new log-in give five more
    assert signer.post(sign, body).url.startswith(reverse("accounts:login"))
    assert not selfcheck.signoffs.exists()


def test_all_self_checks_of_a_unit_are_listed_for_who_sees_the_unit(selfcheck, world):
    url = reverse("assessments:unit_selfchecks", args=[world.unit_a.pk])
    for user in (world.officer, world.officer_province, world.filler):
        page = as_(user).get(url).content.decode()
        assert selfcheck.campaign.title in page
        assert reverse("assessments:selfcheck_detail", args=[selfcheck.pk]) in page
    assert as_(world.officer_b).get(url).status_code == 404
    empty = reverse("assessments:unit_selfchecks", args=[world.unit_provincial.pk])
    assert "现在还没有" in as_(world.officer_province).get(empty).content.decode()


MARKED = "摘自 机密★10年 文件"


def test_a_classified_mark_is_refused_at_its_field_and_kept_nowhere(world, selfcheck):
    client, sheet = as_(world.filler), unit_sheet(selfcheck)
    answer = post_answer(client, sheet, "U-201", "note", MARKED)
    assert answer.status_code == 422
    assert answer.json()["forget"] is True
    assert ADVICE in answer.json()["error"]
    url = reverse("assessments:section", args=[selfcheck.pk, sheet.pk, "U2"])
    data = {"item": "U-201", "note": MARKED, "version-answer_note": "0"}
    page = client.post(url, data)
    assert page.status_code == 422
    assert ADVICE in page.content.decode()
    assert MARKED in page.content.decode()  # nothing typed is lost to the person who typed it
    assert not Answer.objects.filter(value__contains="★").exists()


def test_a_file_named_like_a_classified_paper_is_refused(world, selfcheck):
    url = reverse("assessments:evidence_upload", args=[unit_sheet(selfcheck).pk, "U-201"])
    file = SimpleUploadedFile("机密-制度.pdf", PDF)
    answer = as_(world.filler).post(url, {"file": file}, headers={"Accept": "application/json"})
    assert answer.status_code == 422
    assert ADVICE in answer.json()["error"]
    assert not Evidence.objects.exists()
