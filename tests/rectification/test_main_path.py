"""The whole lifecycle through the pages, as the people of a case walk it."""

import datetime as dt
import re

import pytest
from django.urls import reverse

from assessments.models import SelfCheck
from emailsec.lib.workdays import today
from rectification import rechecks
from rectification.candidates import candidates
from rectification.models import Finding, Notice, NoticeItem, Recheck
from scans.models import Wave
from tests.rectification.case import SEEN, accepted, file_letter, look, paper, pdf

pytestmark = pytest.mark.django_db


def test_from_the_review_to_the_last_closure(world, people):
    selfcheck = accepted(world)
    officer, approver = people(world.officer), people(world.approver)
    filler, signer = people(world.filler), people(world.signer)

    # 确认问题: one row a cause, what was said and seen, the ground as printed
    page = officer.text("confirm", selfcheck.pk)
    assert page.count('class="choice"') == 3
    assert "* CAPABILITY IMAP4rev1 AUTH=PLAIN" in page
    assert "127.77.1.10" in page
    assert "仅列入附件《安全建议》" in page
    keys = [c.key for c in candidates(selfcheck)]
    response = officer.post("confirm", selfcheck.pk, keys=keys)
    assert response.redirect_chain[-1][0] == reverse(
        "rectification:notice_create", args=[world.unit_a.pk]
    )
    assert "已确认 3 个问题" in response.content.decode()
    findings = {f.cause: f for f in Finding.objects.all()}
    assert len(findings) == 3

    # 拟制: the deadline is proposed, the annex is told
    page = response.content.decode()
    proposed = today() + dt.timedelta(days=min(f.days for f in findings.values()))
    assert f'value="{proposed.isoformat()}"' in page
    deadline = today() + dt.timedelta(days=20)
    response = officer.post(
        "notice_create",
        world.unit_a.pk,
        findings=[f.pk for f in findings.values()],
        deadline=deadline.isoformat(),
    )
    notice = Notice.objects.get()
    assert notice.status == "drafted"
    assert "拟稿人不能审核或批准自己拟制的通知" in response.content.decode()
    annexed = NoticeItem.objects.filter(annex=True).values_list("finding__cause", flat=True)
    assert list(annexed) == ["dmarc-not-enforced"]

    # the drafter cannot approve: without the power it is 403; the unit sees nothing
    assert officer.post("approve", notice.pk).status_code == 403
    for person in (filler, signer):
        assert person.get("notice_detail", notice.pk).status_code == 404
    assert "批准并编号" in approver.text("notice_detail", notice.pk)
    approver.post("approve", notice.pk)
    notice.refresh_from_db()
    assert re.fullmatch(rf"甲公网安限字〔{today().year}〕第1号", notice.number)

    # 送达 is refused until paper and stamped scan exist
    assert "文书尚未生成" in officer.said("serve", notice.pk)
    paper(notice)
    assert "上传盖章后的通知书扫描件" in officer.said("serve", notice.pk)
    officer.post("scan_upload", notice.pk, "notice", file=pdf())
    assert filler.get("notice_detail", notice.pk).status_code == 404
    assert "已送达" in officer.said("serve", notice.pk)
    assert set(Finding.objects.values_list("status", flat=True)) == {"notified"}
    due = dict(Finding.objects.values_list("cause", "due_on"))
    assert due.pop("dmarc-not-enforced") is None
    assert set(due.values()) == {deadline}

    # the unit reads and signs; only its 审签人 may
    page = filler.text("notice_detail", notice.pk)
    assert notice.number in page
    assert "待单位审签人签收" in page
    assert filler.post("sign", notice.pk, received_by="王某").status_code == 403
    assert "已签收" in signer.said("sign", notice.pk, received_by="刘某")
    assert set(Finding.objects.values_list("status", flat=True)) == {"rectifying"}

    # reply finding by finding; what cannot be observed wants evidence
    answer = {
        "analysis": "未制定制度。",
        "measures": "已制定并印发。",
        "responsible": "王某",
        "completed_on": today().isoformat(),
    }
    ruleless = next(f for f in findings.values() if f.system is None)
    page = filler.said("reply", notice.pk, finding=ruleless.pk, **answer)
    assert "请上传整改佐证" in page
    assert "已制定并印发。" in page  # nothing lost
    for finding in findings.values():
        if finding.cause == "dmarc-not-enforced":
            continue
        files = [pdf("制度.pdf"), pdf("印发通知.pdf", copy=1)]
        page = filler.said("reply", notice.pk, finding=finding.pk, evidence=files, **answer)
        assert f"{finding.number} 的整改反馈已提交" in page
    notice.refresh_from_db()
    assert notice.status == "replied"

    # rescan where something can be seen, paper where not
    file_letter(world.system_a)
    assert "已开始远程复测" in officer.said("notice_rescan", notice.pk)
    assert "hx-get" in officer.text("notice_detail", notice.pk)
    plain = findings["plaintext-login"]
    wave = Wave.objects.get(reason="recheck")
    look(world.system_a, dict.fromkeys(SEEN, "conforming"), wave=wave)
    assert rechecks.settle_rescans() == 1
    page = officer.text("notice_detail", notice.pk)
    assert "hx-get" not in page
    before, after = page.index("AUTH=PLAIN"), page.index("LOGINDISABLED")
    assert before < after
    assert "销号" in page
    assert "尚无通过的复查" in officer.said("close", ruleless.pk)
    officer.post("close", plain.pk, notice=notice.pk)
    plain.refresh_from_db()
    assert (plain.status, plain.closed_on) == ("closed", today())
    recheck = {"kind": "paper", "result": "passed", "seen": "制度文本齐全，已加盖公章。"}
    assert "复查已记录" in officer.said("recheck", ruleless.pk, **recheck)
    assert "须由本机关另一人销号" in officer.said("close", ruleless.pk)
    approver.post("close", ruleless.pk)
    notice.refresh_from_db()
    assert notice.status == "finished"
    page = filler.text("notice_detail", notice.pk)
    assert "责令整改的问题已全部销号" in page
    # the advice does not hold the case open, and can still be answered
    advice = findings["dmarc-not-enforced"]
    page = filler.said("reply", notice.pk, finding=advice.pk, **answer)
    assert f"{advice.number} 的整改反馈已提交" in page
    assert Recheck.objects.filter(finding=advice).count() == 0
    assert SelfCheck.objects.get().status == "accepted"


def test_foreign_people_get_404_throughout(world, people):
    from tests.rectification.case import replied

    notice = replied(world)
    finding = Finding.objects.get()
    scan = notice.scans.get()
    evidence = finding.replies.get().evidence.get()
    for user in (world.officer_b, world.filler_b, world.filler_provincial, world.nobody):
        person = people(user)
        for name, pk in (
            ("notice_detail", notice.pk),
            ("finding_detail", finding.pk),
            ("notice_create", world.unit_a.pk),
            ("scan_file", scan.pk),
            ("evidence_file", evidence.pk),
            ("reply", notice.pk),
            ("finding_rechecks", finding.pk),
            ("notice_rechecks", notice.pk),
        ):
            assert person.get(name, pk).status_code == 404, (user, name)
        for name, pk in (
            ("approve", notice.pk),
            ("void", notice.pk),
            ("serve", notice.pk),
            ("sign", notice.pk),
            ("close", finding.pk),
            ("fail", finding.pk),
            ("recheck", finding.pk),
            ("finding_rescan", finding.pk),
            ("notice_rescan", notice.pk),
            ("extension_ask", notice.pk),
            ("false_alarm", finding.pk),
            ("transfer", finding.pk),
        ):
            assert person.post(name, pk).status_code == 404, (user, name)
        if not user.can("notice.read"):
            assert person.get("finding_list").status_code == 403
            continue
        assert finding.number not in person.text("finding_list")
        assert notice.number not in person.text("notice_list")
