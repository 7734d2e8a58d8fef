"""预览稿: those who decide on a notice read its wording before they do."""

import datetime as dt

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from emailsec.lib.workdays import today
from rectification import actions
from rectification.models import Finding
from reports.models import Document
from tests.reports import case as cases
from tests.reports import measure

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def notice(world):
    cases.complete_inventory(world.unit_a)
    letter = cases.letter_for(world.system_a)
    cases.look(world.system_a, cases.BEFORE, letter, days_ago=2)
    selfcheck = cases.accepted(world)
    keys = [c.key for c in cases.candidates(selfcheck)]
    actions.confirm_findings(selfcheck, keys, by=world.officer)
    return actions.draft_notice(
        world.unit_a,
        Finding.objects.filter(unit=world.unit_a),
        deadline=today() + dt.timedelta(days=15),
        by=world.officer,
    )


def preview(client, user, notice):
    client.force_login(user)
    return client.get(reverse("reports:notice_preview", args=[notice.pk]))


def notice_page(client, user, notice):
    client.force_login(user)
    page = client.get(reverse("rectification:notice_detail", args=[notice.pk]))
    return page.content.decode()


def test_who_decides_reads_the_wording_before_it_has_any_effect(client, world, notice):
    events = AuditEvent.objects.filter(action="notice.preview")
    for person in (world.officer, world.checker, world.approver):
        answer = preview(client, person, notice)
        assert answer.status_code == 200
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].startswith("inline")
    assert answer["Cache-Control"] == "no-store"
    pages = measure.page_texts(answer.content)
    assert len(pages) > 1
    assert all("预览稿未编号不具效力" in page for page in pages)
    mine = events.get(actor_id=world.approver.pk)
    serial = f"DC-{mine.at.year}-{mine.pk:06d}"
    mark = f"导出人：{world.approver.label}"
    assert all(serial in page and mark in page for page in pages)
    metadata = measure.reader(answer.content).metadata
    assert serial in metadata["/Keywords"]
    assert mark in metadata["/Keywords"]
    text = "".join(pages)
    assert f"限期整改通知书待编号{world.unit_a.name}：" in text
    finding = notice.items.filter(annex=False).first().finding
    assert measure.squeeze(finding.title) in text
    assert "对本通知不服的" in text
    assert "验证码" not in text
    day = today()
    assert f"甲市公安局（印章）{day.year}年" not in text
    assert not Document.objects.filter(notice=notice).exists()
    notice.refresh_from_db()
    assert (notice.status, notice.number) == ("drafted", "")
    assert set(events.values_list("actor_id", flat=True)) == {
        world.officer.pk,
        world.checker.pk,
        world.approver.pk,
    }


def test_the_notice_page_leads_to_the_preview_until_the_paper_is_made(client, world, notice):
    url = reverse("reports:notice_preview", args=[notice.pk])
    assert url in notice_page(client, world.approver, notice)
    actions.check_notice(notice, by=world.checker)
    assert url in notice_page(client, world.approver, notice)
    actions.approve_notice(notice, by=world.approver)
    assert url not in notice_page(client, world.approver, notice)
    answer = preview(client, world.approver, notice)
    assert answer.status_code == 302
    assert "没有预览稿" in notice_page(client, world.approver, notice)


def test_neither_the_unit_nor_another_office_reads_a_draft(client, world, notice):
    assert preview(client, world.filler, notice).status_code == 403
    assert preview(client, world.officer_b, notice).status_code == 404


def test_what_the_paper_would_lack_is_said_on_the_notice_page(client, world, notice):
    finding = notice.items.filter(annex=False).first().finding
    Finding.objects.filter(pk=finding.pk).update(basis="")
    answer = preview(client, world.approver, notice)
    assert answer.status_code == 302
    assert f"问题 {finding.number} 没有印出的依据" in notice_page(client, world.approver, notice)
