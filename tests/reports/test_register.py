"""The register: freezing, printing, exporting, downloading, and who may see which document."""

import hashlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from pypdf import PdfReader

from audit.models import AuditEvent
from rectification.actions import Refused as RectificationRefused
from rectification.actions import serve_notice, void_notice
from rectification.models import Finding, Notice
from reports import actions
from reports.models import Document, RenderProblem
from reports.tasks import render_pending
from tests.reports import case as cases
from tests.world import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def case(world):
    return cases.approved(world)


def text_of(document):
    with document.file.open("rb") as file:
        reader = PdfReader(io.BytesIO(file.read()))
    return "".join(page.extract_text() for page in reader.pages).replace("\n", "")


def enter(client, user):
    assert client.login(username=user.username, password=PASSWORD)


def test_an_approved_notice_is_frozen_once_with_the_offices_copies(case):
    assert render_pending() == 1
    documents = Document.objects.filter(notice=case.notice)
    assert sorted(documents.values_list("kind", flat=True)) == ["notice", "notice_file"]
    notice = documents.get(kind="notice")
    with notice.file.open("rb") as file:
        content = file.read()
    assert notice.sha256 == hashlib.sha256(content).hexdigest()
    assert notice.pages == len(PdfReader(io.BytesIO(content)).pages)
    assert notice.number == case.notice.number
    assert notice.issuer == "甲市公安局"
    said = text_of(notice)
    for item in case.notice.items.select_related("finding"):
        assert item.finding.number in said
    assert notice.verification_code in said
    assert cases.IMAP_BEFORE.split()[1] in said
    assert render_pending() == 0
    assert actions.freeze_notice(case.notice) == notice
    assert documents.count() == 2


def test_two_workers_at_once_leave_one_document(case, monkeypatch):
    first = actions.freeze_notice(case.notice)
    real = actions.notice_paper

    def blind(notice, verification):
        # The other worker looked before the first had committed.
        Document.objects.filter(notice=notice).update(kind="notice")
        return real(notice, verification)

    copies = Document.objects.filter(notice=case.notice, kind="notice_file")
    copies.delete()
    Document.objects.filter(pk=first.pk).update(kind="report")
    monkeypatch.setattr(actions, "notice_paper", blind)
    stored = set(first.file.storage.listdir("documents/notice")[1])
    assert actions.freeze_notice(case.notice).pk == first.pk
    assert Document.objects.filter(notice=case.notice, kind="notice").count() == 1
    assert set(first.file.storage.listdir("documents/notice")[1]) == stored


def test_a_failure_leaves_its_reason_and_goes_away_with_success(case):
    finding = case.notice.items.filter(annex=False).first().finding
    basis = finding.basis
    Finding.objects.filter(pk=finding.pk).update(basis="")
    assert render_pending() == 0
    assert render_pending() == 0
    problem = RenderProblem.objects.get(notice=case.notice)
    assert problem.text == f"问题 {finding.number} 没有印出的依据。"
    assert problem.attempts == 2
    with pytest.raises(RectificationRefused, match="文书尚未生成"):
        serve_notice(case.notice, by=case.world.officer)
    Finding.objects.filter(pk=finding.pk).update(basis=basis)
    assert render_pending() == 1
    assert not RenderProblem.objects.exists()


def test_an_unforeseen_failure_is_told_without_its_trace(case, monkeypatch):
    def broken(*_):
        raise RuntimeError("font table is broken")

    monkeypatch.setattr(actions.documents, "notice", broken)
    assert render_pending() == 0
    problem = RenderProblem.objects.get(notice=case.notice)
    assert "排版程序出错" in problem.text
    assert "font" not in problem.text


def test_a_void_notice_is_not_rendered(case):
    void_notice(case.notice, reason="重拟", by=case.world.approver)
    assert render_pending() == 0
    assert not Document.objects.exists()


def test_the_unit_sees_the_notice_from_service_on_and_never_the_offices_copies(case, client):
    notice = actions.freeze_notice(case.notice)
    file = Document.objects.get(notice=case.notice, kind="notice_file")
    enter(client, case.world.filler)
    assert client.get(reverse("reports:document_file", args=[notice.pk])).status_code == 404
    cases.served(case)
    answer = client.get(reverse("reports:document_file", args=[notice.pk]))
    assert answer.status_code == 200
    assert client.get(reverse("reports:document_file", args=[file.pk])).status_code == 404


EXPECTED = {
    "officer": 200,
    "checker": 200,
    "approver": 200,
    "officer_province": 200,
    "filler": 200,
    "signer": 200,
    "officer_b": 404,
    "filler_b": 404,
    "filler_provincial": 404,
    "system_admin": 404,
    "audit_admin": 404,
    "nobody": 404,
}


def test_who_may_download_and_that_it_is_on_record(case, client):
    notice = actions.freeze_notice(case.notice)
    cases.served(case)
    url = reverse("reports:document_file", args=[notice.pk])
    for name, status in EXPECTED.items():
        enter(client, getattr(case.world, name))
        before = AuditEvent.objects.filter(action="document.download").count()
        answer = client.get(url)
        assert answer.status_code == status, name
        recorded = AuditEvent.objects.filter(action="document.download").count() - before
        assert recorded == (status == 200), name
        if status == 200:
            assert answer["Content-Type"] == "application/pdf"
            assert answer["Content-Disposition"].startswith("attachment")
            assert hashlib.sha256(answer.getvalue()).hexdigest() == notice.sha256
    client.logout()
    assert client.get(url).status_code == 302
    enter(client, case.world.officer)
    assert client.post(url).status_code == 405


def test_the_register_lists_only_what_the_person_may_see(case, client):
    actions.freeze_notice(case.notice)
    url = reverse("reports:register")
    counts = {"officer": 2, "officer_province": 2, "filler": 0, "officer_b": 0, "filler_b": 0}
    for name, count in counts.items():
        enter(client, getattr(case.world, name))
        answer = client.get(url)
        assert answer.context["page"].paginator.count == count, name
    enter(client, case.world.officer)
    found = client.get(url, {"kind": "notice", "q": case.notice.number})
    assert found.context["page"].paginator.count == 1
    assert case.notice.number in found.text
    assert "没有符合条件的文书" in client.get(url, {"q": "不存在"}).text
    enter(client, case.world.audit_admin)
    assert client.get(url).status_code == 403


def test_the_register_costs_the_same_at_3_and_at_30_rows(world, client, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    def add(count):
        for n in range(count):
            Document.objects.create(
                kind="sheet",
                unit=world.unit_a,
                title="自查表",
                number=f"ZC-{n}",
                issuer=world.unit_a.name,
                issued_on=timezone.localdate(),
                verification_code=f"{Document.objects.count():04d}-AAAA-AAAA",
                file="x.pdf",
                sha256="0" * 64,
                pages=1,
                made_by=world.filler,
            )

    enter(client, world.officer)
    add(3)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(reverse("reports:register"))
    add(27)
    with django_assert_num_queries(len(few)):
        client.get(reverse("reports:register"))


def words(long_term):
    return {"organisation": "局长牵头。", "long_term": long_term}


def reports_of(case):
    return list(Document.objects.filter(notice=case.notice, kind="report").order_by("pk"))


@pytest.fixture
def signed(case):
    actions.freeze_notice(case.notice)
    cases.served(case)
    return case


def test_a_report_is_exported_with_before_and_after(signed, client):
    case = signed
    url = reverse("reports:report_issue", args=[case.notice.pk])
    enter(client, case.world.filler)
    early = client.post(url, follow=True)
    assert "还没有整改反馈" in early.text
    assert not reports_of(case)
    cases.answered(case)
    cases.closed(case)
    missing = client.post(url, {"organisation": "", "long_term": ""})
    assert missing.status_code == 200
    assert "请填写长效机制" in missing.text
    done = client.post(url, words("按季检查。"), follow=True)
    [first] = reports_of(case)
    assert f"整改报告已生成，编号 {first.number}" in done.text
    said = text_of(first)
    for part in ("LOGINDISABLED", "AUTH=PLAIN", case.notice.number, "按季检查。", first.number):
        assert part in said
    assert first.verification_code in said
    assert "阶段性" not in said
    assert "按季检查。" in client.get(url).text


def test_a_press_without_news_returns_the_current_report(signed, client):
    case = signed
    cases.answered(case)
    cases.closed(case)
    url = reverse("reports:report_issue", args=[case.notice.pk])
    enter(client, case.world.filler)
    client.post(url, words("按季检查。"))
    [first] = reports_of(case)
    again = client.post(url, words("按季检查。"), follow=True)
    assert "情况没有变化" in again.text
    assert first.number in again.text
    # The button of another page sends nothing: the words written before are printed again.
    enter(client, case.world.officer)
    client.post(url)
    assert reports_of(case) == [first]
    assert AuditEvent.objects.filter(action="report.issue").count() == 1


def test_new_facts_give_a_new_revision_and_mark_the_older(signed, client):
    case = signed
    cases.answered(case)
    cases.closed(case)
    url = reverse("reports:report_issue", args=[case.notice.pk])
    enter(client, case.world.filler)
    client.post(url, words("按季检查。"))
    done = client.post(url, words("按月检查。"), follow=True)
    older, newer = reports_of(case)
    assert newer.number == older.number
    assert (older.revision, newer.revision) == (1, 2)
    assert older.superseded_at
    assert newer.superseded_at is None
    assert f"{newer.number}（第2版），上一版已被替代" in done.text
    assert f"{newer.number}（第2版）" in text_of(newer)
    register = client.get(reverse("reports:register"), {"kind": "report"})
    assert register.text.count("已被替代") == 1
    assert f"{newer.number}（第2版）" in register.text
    client.logout()
    verify = [
        client.get(reverse("reports:verify", args=[d.verification_code])).text
        for d in (older, newer)
    ]
    assert "已被替代" in verify[0]
    assert "已被替代" not in verify[1]
    assert "第2版" in verify[1]


def test_before_the_end_the_report_is_one_on_a_stage_and_the_units_own(signed, client):
    case = signed
    cases.answered(case)
    url = reverse("reports:report_issue", args=[case.notice.pk])
    enter(client, case.world.officer)
    assert "办结前只有单位可以生成阶段性报告" in client.get(url).text
    refused = client.post(url, follow=True)
    for item in case.notice.items.filter(annex=False).select_related("finding"):
        assert item.finding.number in refused.text
    assert "通知尚未办结，还有" in refused.text
    assert not reports_of(case)
    enter(client, case.world.filler)
    client.post(url, words("按季检查。"))
    [stage] = reports_of(case)
    assert stage.interim
    assert "整改情况的报告（阶段性）" in text_of(stage)
    assert "整改情况报告（阶段性）" in client.get(reverse("reports:register")).text
    cases.closed(case)
    enter(client, case.world.officer)
    client.post(url)
    stage, final = reports_of(case)
    assert stage.superseded_at
    assert (final.number, final.revision, final.interim) == (stage.number, 2, False)
    assert "阶段性" not in text_of(final)


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_make_one_report(world):
    case = cases.approved(world)
    actions.freeze_notice(case.notice)
    cases.served(case)
    cases.answered(case)
    start = threading.Barrier(2)

    def press(user):
        start.wait()
        try:
            return actions.issue_report(Notice.objects.get(pk=case.notice.pk), by=user)
        finally:
            connection.close()

    people = [case.world.filler, case.world.signer]
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(press, people)
    assert first.document == second.document
    assert sorted([first.fresh, second.fresh]) == [False, True]
    assert len(reports_of(case)) == 1


def test_who_may_export_the_report(signed, client):
    case = signed
    url = reverse("reports:report_issue", args=[case.notice.pk])
    expected = {"filler": 200, "signer": 200, "officer": 200, "officer_b": 404, "filler_b": 404}
    for name, status in expected.items():
        enter(client, getattr(case.world, name))
        assert client.get(url).status_code == status, name
    enter(client, case.world.signer)
    assert "long_term" not in client.get(url).text


def test_a_selfcheck_is_printed_once_submitted_and_once_per_content(world, client):
    from tests.filled import complete_inventory, open_selfcheck

    complete_inventory(world.unit_a)
    selfcheck = open_selfcheck(world.unit_a, world.city_a)
    url = reverse("reports:selfcheck_print", args=[selfcheck.pk])
    enter(client, world.filler)
    assert client.get(url).status_code == 405
    assert client.post(url).status_code == 302
    assert not Document.objects.exists()
    selfcheck.delete()
    selfcheck.campaign.delete()

    selfcheck = cases.accepted(world)
    url = reverse("reports:selfcheck_print", args=[selfcheck.pk])
    answer = client.post(url)
    document = Document.objects.get(kind="sheet")
    assert hashlib.sha256(answer.getvalue()).hexdigest() == document.sha256
    said = text_of(document)
    assert selfcheck.signoffs.get().digest in said
    assert world.unit_a.name in said
    assert client.post(url).status_code == 200
    assert Document.objects.filter(kind="sheet").count() == 1
    for name, status in {"officer": 200, "officer_b": 404, "filler_b": 404}.items():
        enter(client, getattr(world, name))
        assert client.post(url).status_code == status, name
    assert Document.objects.filter(kind="sheet").count() == 1


def test_the_commands_write_pdf_files(case, tmp_path):
    with pytest.raises(CommandError, match="没有编号为"):
        call_command("render_notice", 999999, output=tmp_path / "x.pdf")
    with pytest.raises(CommandError, match="尚未送达"):
        call_command("render_report", case.notice.pk, output=tmp_path / "x.pdf")
    target = tmp_path / "notice.pdf"
    call_command("render_notice", str(case.notice.pk), "-o", str(target))
    assert "预览稿" in "".join(p.extract_text() for p in PdfReader(target).pages)
    frozen = actions.freeze_notice(case.notice)
    call_command("render_notice", str(case.notice.pk), "-o", str(target))
    assert hashlib.sha256(target.read_bytes()).hexdigest() == frozen.sha256
    cases.served(case)
    cases.answered(case)
    call_command("render_report", str(case.notice.pk), "-o", str(target))
    assert case.notice.number in "".join(p.extract_text() for p in PdfReader(target).pages)
