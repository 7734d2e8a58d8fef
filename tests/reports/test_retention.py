"""Files whose period is over: what is due, two persons, and what stays."""

import datetime as dt
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.urls import reverse

from assessments.models import Evidence, Sheet
from audit.models import AuditEvent
from emailsec.lib.workdays import today
from rectification.models import Finding, FindingSource, Notice, Reply, ReplyEvidence
from reports.models import DestroyedFile, Destruction
from reports.retention import actions, kinds
from tests.files import PDF, PDF_SHA256
from tests.filled import add_file, open_selfcheck
from tests.world import make_user

pytestmark = pytest.mark.django_db


def ago(days: int) -> dt.date:
    return today() - dt.timedelta(days=days)


@pytest.fixture
def evidence(world) -> Evidence:
    """A piece of evidence whose self-check was concluded 366 days ago."""
    selfcheck = open_selfcheck(world.unit_a, world.city_a)
    row = add_file(Sheet.objects.filter(selfcheck=selfcheck).first(), "U-201", world.filler)
    type(selfcheck).objects.filter(pk=selfcheck.pk).update(
        status="accepted", conclusion="passed", concluded_on=ago(366)
    )
    return row


def found(world, evidence, *, status: str, closed_on: dt.date | None) -> Finding:
    finding = Finding.objects.create(
        number=f"WT-{Finding.objects.count()}",
        unit=world.unit_a,
        cause=f"cause-{Finding.objects.count()}",
        title="问题",
        severity="high",
        ground="statute",
        status=status,
        closed_on=closed_on,
        confirmed_by=world.officer,
    )
    FindingSource.objects.create(
        finding=finding, kind="answer", sheet=evidence.sheet, item="U-201", at=evidence.uploaded_at
    )
    return finding


def due_names(office) -> list[str]:
    return [one.row.name for one in kinds.due(office, most=99)]


@pytest.mark.parametrize(
    ("status", "closed", "due"),
    [
        ("closed", 365, True),
        ("closed", 364, False),
        ("rectifying", None, False),
        ("to_recheck", None, False),
        ("transferred", None, False),
        ("false_alarm", None, True),
    ],
)
def test_evidence_is_kept_for_a_year_after_the_last_finding(world, evidence, status, closed, due):
    found(world, evidence, status="closed", closed_on=ago(366))
    found(world, evidence, status=status, closed_on=closed and ago(closed))
    assert bool(due_names(world.city_a)) is due


def test_evidence_of_an_open_or_recent_check_is_not_due(world, evidence):
    checks = type(evidence.sheet.selfcheck).objects.filter(pk=evidence.sheet.selfcheck_id)
    assert due_names(world.city_a) == ["佐证.pdf"]
    checks.update(concluded_on=ago(364))
    assert due_names(world.city_a) == []
    checks.update(status="to_review", concluded_on=ago(900))
    assert due_names(world.city_a) == []


def test_an_office_destroys_only_what_it_supervises_itself(world, evidence):
    assert due_names(world.city_b) == []
    assert due_names(world.province) == []
    with pytest.raises(actions.Refused, match="没有保存期满"):
        actions.propose(by=world.officer_b)


def test_evidence_of_a_reply_is_due_when_its_notice_is_finished(world):
    finding = Finding.objects.create(
        number="WT-1",
        unit=world.unit_a,
        cause="c",
        title="问题",
        severity="high",
        ground="statute",
        status="closed",
        closed_on=ago(400),
        confirmed_by=world.officer,
    )
    notice = Notice.objects.create(
        office=world.city_a,
        unit=world.unit_a,
        status="replied",
        deadline=today(),
        original_deadline=today(),
        drafted_by=world.officer,
    )
    reply = Reply.objects.create(
        notice=notice, finding=finding, completed_on=ago(400), by=world.filler
    )
    row = ReplyEvidence(reply=reply, name="整改.pdf", sha256=PDF_SHA256)
    row.file.save("x.pdf", ContentFile(PDF))
    assert due_names(world.city_a) == []
    Notice.objects.filter(pk=notice.pk).update(status="finished")
    assert due_names(world.city_a) == ["整改.pdf"]


def test_two_persons_destroy_and_the_record_stays(
    world, client, evidence, django_capture_on_commit_callbacks
):
    path = Path(evidence.file.path)
    client.force_login(world.officer)
    answer = client.post(reverse("reports:destruction_propose"), follow=True)
    assert "等待批准人批准" in answer.text
    made = Destruction.objects.get()
    assert path.exists()
    client.force_login(world.approver)
    page = client.get(reverse("reports:destruction_detail", args=[made.pk])).text
    for words in ("佐证.pdf", PDF_SHA256, world.unit_a.name, "批准销毁"):
        assert words in page
    decide = reverse("reports:destruction_decide", args=[made.pk])
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(decide, {"decision": "approve"}).status_code == 302
    assert not path.exists()
    file = DestroyedFile.objects.get()
    assert (file.name, file.sha256, file.size) == ("佐证.pdf", PDF_SHA256, len(PDF))
    assert file.gone_at is not None
    evidence.refresh_from_db()
    assert (evidence.name, evidence.sha256, evidence.file.name) == ("佐证.pdf", PDF_SHA256, "")
    assert evidence.destroyed_by == f"{world.city_a} {world.approver.name}"
    acts = ["destruction.approve", "destruction.propose"]
    events = AuditEvent.objects.filter(action__in=acts).order_by("action")
    assert [e.actor_id for e in events] == [world.approver.pk, world.officer.pk]
    assert client.get(reverse("assessments:evidence_file", args=[evidence.pk])).status_code == 404
    sheet = evidence.sheet
    section = reverse("assessments:section", args=[sheet.selfcheck_id, sheet.pk, "U2"])
    shown = client.get(section).text
    assert "已按规定销毁" in shown
    assert reverse("assessments:evidence_file", args=[evidence.pk]) not in shown
    assert due_names(world.city_a) == []


def test_nobody_approves_alone(world, evidence):
    made = actions.propose(by=world.officer)
    for user in (world.officer, world.checker, world.officer_province, world.system_admin):
        with pytest.raises(PermissionDenied):
            actions.approve(destruction=made, by=user)
    stranger = make_user("approver_b", "approver", office=world.city_b)
    with pytest.raises(PermissionDenied):
        actions.approve(destruction=made, by=stranger)
    Destruction.objects.filter(pk=made.pk).update(proposed_by=world.approver)
    made.refresh_from_db()
    with pytest.raises(actions.Refused, match="自己提出"):
        actions.approve(destruction=made, by=world.approver)
    with pytest.raises(IntegrityError), transaction.atomic():
        Destruction.objects.filter(pk=made.pk).update(
            approved=True, decided_by=world.approver, decided_at=evidence.uploaded_at
        )
    assert default_storage.exists(evidence.file.name)


def test_a_case_that_is_open_again_stops_the_destruction(world, evidence):
    finding = found(world, evidence, status="closed", closed_on=ago(400))
    made = actions.propose(by=world.officer)
    Finding.objects.filter(pk=finding.pk).update(status="open", closed_on=None)
    with pytest.raises(actions.Refused, match="不再到期"):
        actions.approve(destruction=made, by=world.approver)
    made.refresh_from_db()
    assert made.approved is None
    evidence.refresh_from_db()
    assert default_storage.exists(evidence.file.name)


def test_a_list_sent_back_frees_its_files(world, evidence):
    made = actions.propose(by=world.officer)
    with pytest.raises(actions.Refused, match="没有保存期满"):
        actions.propose(by=world.officer)
    with pytest.raises(actions.Refused, match="理由"):
        actions.refuse(destruction=made, reason=" ", by=world.approver)
    actions.refuse(destruction=made, reason="清单不全", by=world.approver)
    with pytest.raises(actions.Refused, match="已经办理"):
        actions.approve(destruction=made, by=world.approver)
    assert actions.propose(by=world.officer).files.count() == 1


def test_what_a_crash_left_on_the_disk_goes_later(world, evidence):
    made = actions.propose(by=world.officer)
    actions.approve(destruction=made, by=world.approver)  # the test's transaction never commits
    path = DestroyedFile.objects.get().path
    assert default_storage.exists(path)
    assert actions.sweep() == 1
    assert not default_storage.exists(path)
    assert actions.sweep() == 0


@pytest.mark.parametrize(
    "text",
    [
        '[letters]\nlabel = "x"\nsince = "x"\ndays = 3',
        '[evidence]\nlabel = "x"',
        '[evidence]\nlabel="x"\nsince="x"\ndays=0',
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(tmp_path, monkeypatch, text):
    file = tmp_path / "retention.toml"
    file.write_text(text)
    monkeypatch.setattr(kinds, "PATH", file)
    with pytest.raises(ValueError, match=r"retention\.toml"):
        kinds.rules.__wrapped__()
