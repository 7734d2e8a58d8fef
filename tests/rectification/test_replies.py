"""The unit's answers: evidence, errors at the field, double submit, advice of the annex."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from audit.models import AuditEvent
from emailsec.lib.workdays import today
from rectification.models import Finding, Reply, ReplyEvidence
from tests.files import PDF
from tests.rectification.case import drafted, pdf, plain_finding, served, signed

pytestmark = pytest.mark.django_db

ANSWER = {
    "analysis": "职责不清。",
    "measures": "已印发制度。",
    "responsible": "王某",
}


def data(finding, **more):
    return {"finding": finding.pk, "completed_on": today().isoformat()} | ANSWER | more


def test_several_files_are_kept_with_their_hashes(world, people):
    notice = signed(world)
    finding = Finding.objects.get()
    files = [pdf("制度.pdf"), pdf("印发通知.pdf", copy=1), pdf("培训签到表.pdf", copy=2)]
    people(world.filler).post("reply", notice.pk, **data(finding, evidence=files))
    rows = ReplyEvidence.objects.all()
    assert [row.name for row in rows] == ["制度.pdf", "印发通知.pdf", "培训签到表.pdf"]
    response = people(world.officer).get("evidence_file", rows[0].pk)
    assert response.content == PDF
    assert response["Content-Disposition"].startswith("attachment")
    assert AuditEvent.objects.filter(action="reply_evidence.download").count() == 1


def test_one_wrong_file_refuses_all_and_loses_no_text(world, people):
    notice = signed(world)
    finding = Finding.objects.get()
    wrong = SimpleUploadedFile("制度.pdf", b"MZ" * 100)
    page = people(world.filler).said(
        "reply", notice.pk, **data(finding, evidence=[pdf("通知.pdf"), wrong])
    )
    assert "文件内容与扩展名" in page
    assert "已印发制度。" in page
    assert not Reply.objects.exists()
    finding.refresh_from_db()
    assert finding.status == "rectifying"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("analysis", "请填写原因分析"),
        ("measures", "请填写整改措施"),
        ("responsible", "请填写责任人"),
        ("completed_on", "请填写完成日期"),
    ],
)
def test_each_missing_field_is_told_at_the_field(world, people, field, text):
    notice = signed(world)
    finding = Finding.objects.get()
    page = people(world.filler).said("reply", notice.pk, **data(finding, **{field: ""}))
    assert text in page
    kept = next(value for name, value in ANSWER.items() if name != field)
    assert kept in page
    assert not Reply.objects.exists()


def test_too_long_a_text_says_by_how_much(world, people):
    notice = signed(world)
    page = people(world.filler).said(
        "reply", notice.pk, **data(Finding.objects.get(), analysis="字" * 1001)
    )
    assert "最多 1000 字，现为 1001 字" in page


def test_sent_twice_it_is_one_answer(world, people):
    notice = signed(world, drafted(world, [plain_finding(world, "a"), plain_finding(world, "b")]))
    finding = Finding.objects.get(cause="a")
    filler = people(world.filler)
    filler.post("reply", notice.pk, **data(finding, evidence=pdf()))
    page = filler.said("reply", notice.pk, **data(finding, evidence=pdf()))
    assert "当前状态为“待复查”" in page
    assert Reply.objects.count() == ReplyEvidence.objects.count() == 1


def test_not_before_signing(world, people):
    notice = served(world)
    finding = Finding.objects.get()
    page = people(world.filler).said("reply", notice.pk, **data(finding, evidence=pdf()))
    assert "请先签收通知" in page
    assert not Reply.objects.exists()


@pytest.mark.parametrize("who", ["signer", "officer"])
def test_only_the_filler_replies(world, people, who):
    notice = signed(world)
    person = people(getattr(world, who))
    assert person.get("reply", notice.pk).status_code == 403
    assert person.post("reply", notice.pk, **data(Finding.objects.get())).status_code == 403


def test_a_finding_of_another_notice_is_404(world, people):
    notice = signed(world)
    other = plain_finding(world, "other")
    assert people(world.filler).post("reply", notice.pk, **data(other)).status_code == 404
    assert people(world.filler).post("reply", notice.pk, finding="x").status_code == 404


def test_the_notice_is_replied_once_the_ordered_ones_are_answered(world, people):
    findings = [
        plain_finding(world, "a"),
        plain_finding(world, "b"),
        plain_finding(world, "c", ground="advice"),
    ]
    notice = signed(world, drafted(world, findings))
    filler = people(world.filler)
    states = []
    for finding in findings:
        filler.post("reply", notice.pk, **data(finding, evidence=pdf()))
        notice.refresh_from_db()
        states.append(notice.status)
    assert states == ["signed", "replied", "replied"]
    assert Finding.objects.get(cause="c").status == "to_recheck"
