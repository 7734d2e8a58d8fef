"""Drafting, two persons, serving, and whose case it is."""

import datetime as dt
import re

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection
from django.urls import reverse

from audit.lifecycle import IllegalMove
from audit.models import AuditEvent
from emailsec.lib.workdays import today
from inbox.models import Message
from inventory.actions import transfer_unit
from inventory.models import Delegation, Supervision
from rectification import actions, rechecks
from rectification.models import Extension, Finding, Notice, NoticeItem, NoticeScan
from rectification.tasks import settle_transfers
from tests.files import PDF
from tests.rectification.case import (
    answer,
    approved,
    drafted,
    passed,
    pdf,
    plain_finding,
    promoted,
    replied,
    served,
    signed,
)

pytestmark = pytest.mark.django_db

SOON = today() + dt.timedelta(days=10)


def draft_data(*findings, deadline=None, **more):
    deadline = deadline or SOON
    return {"findings": [f.pk for f in findings], "deadline": deadline.isoformat()} | more


# --- Drafting -------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [0, -1])
def test_a_deadline_in_the_past_is_told_at_the_field_and_keeps_the_choice(world, people, days):
    chosen, left_out = plain_finding(world, "a"), plain_finding(world, "b")
    wrong = today() + dt.timedelta(days=days)
    page = people(world.officer).said(
        "notice_create", world.unit_a.pk, **draft_data(chosen, deadline=wrong)
    )
    assert "整改期限须晚于今天" in page
    assert f'value="{wrong.isoformat()}"' in page
    assert f'value="{chosen.pk}" id="f-{chosen.pk}" checked' in page
    assert f'value="{left_out.pk}" id="f-{left_out.pk}">' in page
    assert not Notice.objects.exists()


def test_nothing_chosen_and_a_wrong_date_are_both_told(world, people):
    plain_finding(world)
    page = people(world.officer).said("notice_create", world.unit_a.pk, deadline="明天")
    assert "请至少选择一个问题" in page
    assert "日期无效" in page


def test_the_same_form_sent_twice_makes_one_notice(world, people):
    finding = plain_finding(world)
    officer = people(world.officer)
    officer.post("notice_create", world.unit_a.pk, **draft_data(finding))
    page = officer.said("notice_create", world.unit_a.pk, **draft_data(finding))
    assert "已列入其他通知" in page
    assert Notice.objects.count() == 1


def test_a_finding_stands_in_one_live_notice(world):
    finding = plain_finding(world)
    first = drafted(world, [finding])
    with pytest.raises(actions.Refused, match="已列入其他通知"):
        drafted(world, [finding])
    actions.void_notice(first, reason="重拟。", by=world.approver)
    second = drafted(world, [finding])
    assert list(NoticeItem.objects.live().values_list("notice", flat=True)) == [second.pk]


def test_findings_of_another_unit_are_not_taken(world):
    foreign = plain_finding(world, unit=world.unit_b)
    with pytest.raises(actions.Refused):
        drafted(world, [plain_finding(world), foreign])


@pytest.mark.parametrize("ground", ["plan", "advice"])
def test_advice_alone_is_no_notice(world, people, ground):
    finding = plain_finding(world, ground=ground)
    page = people(world.officer).said("notice_create", world.unit_a.pk, **draft_data(finding))
    assert "不能发限期整改通知书" in page
    assert not Notice.objects.exists()


def test_what_may_be_ordered_comes_first_and_the_rest_into_the_annex(world):
    findings = [
        plain_finding(world, "a", ground="advice"),
        plain_finding(world, "b", ground="plan"),
        plain_finding(world, "c", ground="standard"),
        plain_finding(world, "d", ground="statute"),
    ]
    notice = drafted(world, findings)
    rows = notice.items.order_by("order").values_list("finding__cause", "annex", "order")
    assert list(rows) == [("c", False, 1), ("d", False, 2), ("a", True, 3), ("b", True, 4)]


def test_each_authority_orders_only_what_is_its_own_to_enforce(world, people):
    """A duty of the secrecy law is neither a police order nor mere advice."""
    secret = plain_finding(world, "secret", clauses="secrecy-29 secrecy-31")
    assert secret.placement("police") == "elsewhere"
    assert secret.placement("secrecy") == "order"
    with pytest.raises(actions.Refused, match="由其他机关执行"):
        drafted(world, [plain_finding(world, "own"), secret])
    page = people(world.officer).text("notice_create", world.unit_a.pk)
    assert "依据由其他机关执行，不列入" in page
    assert f'id="f-{secret.pk}" disabled' in page
    actions.transfer(secret, reason="移送甲市国家保密局。", by=world.approver)
    assert Finding.objects.get(pk=secret.pk).status == "transferred"


# --- Two persons ----------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["check", "approve"])
def test_the_drafter_neither_checks_nor_approves(world, people, act):
    notice = drafted(world)
    promoted(world)
    page = people(world.officer).said(act, notice.pk)
    assert "拟稿人不能审核或批准" in page
    notice.refresh_from_db()
    assert notice.status == "drafted"


def test_checked_then_approved_by_others(world, people):
    notice = drafted(world)
    assert "审核通过" in people(world.checker).text("notice_detail", notice.pk)
    people(world.checker).post("check", notice.pk)
    people(world.approver).post("approve", notice.pk)
    notice.refresh_from_db()
    assert (notice.status, notice.approved_by) == ("approved", world.approver)
    acts = AuditEvent.objects.filter(object_type="rectification.notice").values_list(
        "action", "actor_id"
    )
    assert {("notice.check", world.checker.pk), ("notice.approve", world.approver.pk)} <= set(acts)


def test_the_checker_does_not_approve(world, people):
    notice = drafted(world)
    actions.check_notice(notice, by=world.checker)
    world.checker.memberships.create(role="approver", office=world.city_a)
    page = people(world.checker).text("notice_detail", notice.pk)
    assert "审核人不能批准自己审核的通知" in page
    assert "批准并编号" not in page
    assert "审核人不能批准自己审核的通知，须由另一人办理。" in people(world.checker).said(
        "approve", notice.pk
    )
    notice.refresh_from_db()
    assert notice.status == "checked"
    # Sent back and drawn up anew, it has no checker any more.
    actions.send_back(notice, reason="期限写错。", by=world.approver)
    assert notice.checked_by is None


@pytest.mark.parametrize(
    ("first", "second"),
    [("drafted_by", "checked_by"), ("drafted_by", "approved_by"), ("checked_by", "approved_by")],
)
def test_the_database_refuses_one_hand_in_two_steps(world, first, second):
    notice = drafted(world)
    sql = f"UPDATE rectification_notice SET {first}_id = %s, {second}_id = %s WHERE id = %s"
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match="different_hands"):
        cursor.execute(sql, [world.checker.pk, world.checker.pk, notice.pk])


@pytest.mark.parametrize(
    ("who", "act"),
    [
        ("officer", "approve"),
        ("officer", "check"),
        ("checker", "approve"),
        ("approver", "serve"),
        ("officer", "void"),
    ],
)
def test_without_the_power_it_is_403(world, people, who, act):
    notice = drafted(world)
    data = {"reason": "理由"} if act == "void" else {}
    assert people(getattr(world, who)).post(act, notice.pk, **data).status_code == 403


def test_only_post_changes_anything(world, people):
    notice = drafted(world)
    assert people(world.approver).get("approve", notice.pk).status_code == 405


# --- Whose case it is -----------------------------------------------------------------------


def test_another_authority_reads_what_was_served_and_moves_nothing(world, people):
    """Police and industry supervise the same unit."""
    Supervision.objects.create(unit=world.unit_a, kind="industry", office=world.industry)
    notice = drafted(world)
    industry = people(world.officer_industry)
    assert industry.get("notice_detail", notice.pk).status_code == 404
    approved(world, notice)
    actions.add_scan(notice, "notice", pdf(), by=world.officer)
    assert industry.get("notice_detail", notice.pk).status_code == 404
    actions.serve_notice(notice, by=world.officer)
    assert industry.get("notice_detail", notice.pk).status_code == 200
    assert industry.post("refuse", notice.pk, officers="张某、李某").status_code == 403
    finding = Finding.objects.get()
    Finding.objects.update(status="to_recheck")
    assert industry.post("close", finding.pk).status_code == 403
    recheck = {"kind": "paper", "result": "passed", "seen": "看过。"}
    assert industry.post("recheck", finding.pk, **recheck).status_code == 403


def test_a_delegation_lets_an_office_read_not_rule(world, people):
    Delegation.objects.create(
        unit=world.unit_a, office=world.city_b, until=today() + dt.timedelta(days=9), reason="协查"
    )
    finding = plain_finding(world)
    stranger = people(world.officer_b)
    assert stranger.get("finding_detail", finding.pk).status_code == 200
    assert stranger.get("notice_create", world.unit_a.pk).status_code == 403
    with pytest.raises(PermissionDenied):
        actions.draft_notice(world.unit_a, [finding], deadline=SOON, by=world.officer_b)


def of_province(world, *roles):
    """Somebody of the superior office who holds these roles there."""
    world.officer_province.memberships.all().delete()
    for role in roles:
        world.officer_province.memberships.create(role=role, office=world.province)
    world.officer_province.__dict__.pop("_memberships", None)
    return world.officer_province


@pytest.fixture(params=[("case_officer", "checker"), ("checker", "approver")], ids="+".join)
def above(request, world):
    """Every role that an office has, over two people."""
    return of_province(world, *request.param)


def test_the_office_above_reads_a_draft_and_judges_nothing(world, above, people):
    notice = drafted(world)
    person = people(above)
    page = person.text("notice_detail", notice.pk)
    for act in ("check", "approve", "send_back", "void", "withdraw", "edit"):
        assert f"/notices/{notice.pk}/{act}/" not in page
    for act in ("check", "approve", "send_back", "void", "withdraw"):
        assert person.post(act, notice.pk, reason="改").status_code == 403, act
    assert person.get("notice_edit", notice.pk).status_code == 403
    notice.refresh_from_db()
    assert notice.status == "drafted"
    # the office's own people are not held up by it
    actions.approve_notice(notice, by=world.approver)
    assert person.post("scan_upload", notice.pk, "notice", file=pdf()).status_code == 403
    assert person.post("serve", notice.pk).status_code == 403


def test_the_office_above_reads_a_running_case_and_moves_nothing(world, above, people):
    notice = signed(world)
    until = today() + dt.timedelta(days=30)
    words = {"reason": "采购", "interim": "限制访问"}
    asked = actions.ask_extension(notice, until=until, by=world.filler, **words)
    answer(world, notice, Finding.objects.get())
    finding = Finding.objects.get()
    person = people(above)
    page = person.text("notice_detail", notice.pk) + person.text("finding_detail", finding.pk)
    assert notice.number in page
    assert 'method="post"' not in re.sub(r"<form[^>]*(logout|/report/)[^>]*>", "", page)
    assert person.post("extension_decide", asked.pk, decision="grant").status_code == 403
    assert person.post("revoke", notice.pk, reason="错").status_code == 403
    assert person.post("scan_upload", notice.pk, "receipt", file=pdf()).status_code == 403
    recheck = {"kind": "paper", "result": "passed", "seen": "看过。"}
    assert person.post("recheck", finding.pk, **recheck).status_code == 403
    assert person.post("fail", finding.pk, reason="不行").status_code == 403
    assert person.post("close", finding.pk).status_code == 403
    assert person.post("false_alarm", finding.pk, reason="不属实").status_code == 403
    asked.refresh_from_db()
    assert asked.status == "asked"


def test_who_took_the_unit_over_finishes_the_case(world, people):
    above = of_province(world, "case_officer", "checker")
    replied(world)
    finding = Finding.objects.get()
    region = world.unit_b.region
    transfer_unit(
        unit=world.unit_a, office=world.city_b, reason="区划调整", by=above, region=region
    )
    data = {"kind": "paper", "result": "passed", "seen": "看过。"}
    assert people(above).post("recheck", finding.pk, **data).status_code == 403
    assert "复查已记录" in people(world.officer_b).said("recheck", finding.pk, **data)


def test_who_gave_the_unit_away_still_reads_what_it_issued_and_nothing_else(world, people):
    above = of_province(world, "case_officer")
    notice, giver = replied(world), people(world.officer)
    finding, scan = Finding.objects.get(), notice.scans.first()
    region = world.unit_b.region
    transfer_unit(
        unit=world.unit_a, office=world.city_b, reason="区划调整", by=above, region=region
    )
    assert notice.number in giver.text("notice_list")
    page = giver.text("notice_detail", notice.pk)
    assert "该单位已不由本机关监管，现由乙市公安局网安支队办理" in page
    assert finding.title in page
    for kept in ("rectification:finding_detail", "inventory:unit_detail"):
        key = finding.pk if "finding" in kept else world.unit_a.pk
        assert reverse(kept, args=[key]) not in page
    assert 'method="post"' not in re.sub(r"<form[^>]*logout[^>]*>", "", page)
    assert giver.get("scan_file", scan.pk).status_code == 200
    assert giver.get("finding_detail", finding.pk).status_code == 404
    assert giver.post("revoke", notice.pk, reason="错").status_code == 403


def test_what_the_unit_does_after_a_hand_over_is_told_to_who_took_it(world):
    above = of_province(world, "case_officer")
    notice = signed(world)
    region = world.unit_b.region
    transfer_unit(
        unit=world.unit_a, office=world.city_b, reason="区划调整", by=above, region=region
    )
    Message.objects.all().delete()
    notice.refresh_from_db()
    answer(world, notice, Finding.objects.get())
    told = set(Message.objects.values_list("recipient__username", flat=True))
    assert "officer_b" in told
    assert "officer" not in told


def test_what_was_not_served_ends_with_the_hand_over(world):
    above = of_province(world, "approver")
    notice = approved(world)
    region = world.unit_b.region
    transfer_unit(
        unit=world.unit_a, office=world.city_b, reason="区划调整", by=above, region=region
    )
    settle_transfers()
    settle_transfers()
    notice.refresh_from_db()
    assert (notice.status, notice.changes.filter(action="handed_over").count()) == ("void", 1)
    assert notice.number
    # the findings are free for who took over
    finding = Finding.objects.get()
    actions.draft_notice(world.unit_a, [finding], deadline=SOON, by=world.officer_b)


def test_what_the_office_above_drafted_outlives_a_hand_over_below_it(world):
    above = of_province(world, "case_officer")
    finding = plain_finding(world)
    notice = actions.draft_notice(world.unit_a, [finding], deadline=SOON, by=above)
    region = world.unit_b.region
    transfer_unit(
        unit=world.unit_a, office=world.city_b, reason="区划调整", by=above, region=region
    )
    settle_transfers()
    notice.refresh_from_db()
    assert notice.status == "drafted"


def test_a_finding_in_no_notice_is_every_supervising_offices(world):
    above = of_province(world, "approver")
    finding = plain_finding(world)
    actions.declare_false_alarm(finding, reason="核实后不属实。", by=above)
    assert finding.status == "false_alarm"


@pytest.mark.parametrize("who", ["filler", "signer"])
def test_the_unit_sees_nothing_before_it_is_served(world, people, who):
    person = people(getattr(world, who))
    notice = approved(world)
    scan = actions.add_scan(notice, "notice", pdf(), by=world.officer)
    assert person.get("notice_detail", notice.pk).status_code == 404
    assert person.get("scan_file", scan.pk).status_code == 404
    assert notice.number not in person.text("notice_list")
    # its finding is known to it, the notice is not named
    page = person.text("finding_detail", Finding.objects.get().pk)
    assert notice.number not in page
    actions.serve_notice(notice, by=world.officer)
    assert person.get("notice_detail", notice.pk).status_code == 200
    assert person.get("scan_file", scan.pk).status_code == 200


def test_the_units_page_keeps_the_offices_inner_doings_to_itself(world, people):
    notice = served(world)
    page = people(world.filler).text("notice_detail", notice.pk)
    for word in ("拟稿", "审核", "批准并编号", world.approver.name):
        assert word not in page, word
    assert "拟稿" in people(world.officer).text("notice_detail", notice.pk)


# --- Serving and receiving ------------------------------------------------------------------


def test_refusal_wants_two_witnesses_and_the_deadline_runs(world, people):
    notice = served(world)
    officer = people(world.officer)
    for names in ("张某", "张某、张某", "张某，"):
        page = officer.said("refuse", notice.pk, officers=names)
        assert "拒签须由两名民警注明" in page
        assert names in page
    officer.post("refuse", notice.pk, officers="张某，李某")
    notice.refresh_from_db()
    assert notice.status == "refused"
    assert "见证人：张某、李某" in officer.text("notice_detail", notice.pk)
    finding = Finding.objects.get()
    assert (finding.status, finding.due_on) == ("rectifying", notice.deadline)


def test_after_a_refusal_the_case_never_looks_signed(world):
    notice = served(world)
    actions.note_refusal(notice, officers="张某、李某", by=world.officer)
    finding = Finding.objects.get()
    answer(world, notice, finding)
    notice.refresh_from_db()
    assert notice.status == "replied"
    rechecks.fail(Finding.objects.get(), reason="不全。", by=world.officer)
    notice.refresh_from_db()
    assert notice.status == "refused"


def test_signing_twice_is_told(world, people):
    notice = served(world)
    signer = people(world.signer)
    signer.post("sign", notice.pk, received_by="刘某")
    assert "不能“签收”" in signer.said("sign", notice.pk, received_by="刘某")
    assert notice.changes.filter(action="sign").count() == 1


def test_the_receivers_name_is_asked_for(world, people):
    notice = served(world)
    assert "请填写签收人姓名" in people(world.signer).said("sign", notice.pk, received_by=" ")


def test_a_served_notice_cannot_be_voided(world, people):
    notice = served(world)
    assert "不能“作废”" in people(world.approver).said("void", notice.pk, reason="错了")


def test_voiding_wants_a_reason_at_the_field(world, people):
    notice = drafted(world)
    assert "请填写作废理由" in people(world.approver).said("void", notice.pk, reason="")
    notice.refresh_from_db()
    assert notice.status == "drafted"


def test_what_was_repaired_meanwhile_is_not_ordered_any_more(world):
    notice = drafted(world)
    finding = Finding.objects.get()
    actions.declare_false_alarm(finding, reason="误判。", by=world.approver)
    with pytest.raises(actions.Refused, match="均已了结"):
        actions.approve_notice(notice, by=world.approver)


# --- Scans ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("通知.docx", PDF, "不接受此类文件"),
        ("通知.pdf", b"MZ\x90\x00" * 30, "不符"),
        ("通知.pdf", b"", "文件是空的"),
    ],
)
def test_a_wrong_scan_is_told_at_the_field(world, people, name, content, text):
    notice = approved(world)
    file = SimpleUploadedFile(name, content)
    page = people(world.officer).said("scan_upload", notice.pk, "notice", file=file)
    assert text in page
    assert not NoticeScan.objects.exists()


def test_a_scan_is_downloaded_as_an_attachment_and_recorded(world, people):
    notice = served(world)
    scan = notice.scans.get()
    response = people(world.filler).get("scan_file", scan.pk)
    assert response.content == PDF
    assert response["Content-Disposition"].startswith("attachment")
    event = AuditEvent.objects.get(action="notice_scan.download")
    assert (event.actor_id, event.details["sha256"]) == (world.filler.pk, scan.sha256)


def test_the_receipt_is_the_offices_own(world, people):
    notice = served(world)
    actions.add_scan(notice, "receipt", pdf("回证.pdf"), by=world.officer)
    scan = notice.scans.get(kind="receipt")
    assert people(world.filler).get("scan_file", scan.pk).status_code == 404
    assert people(world.officer).get("scan_file", scan.pk).status_code == 200
    assert "送达回证" not in people(world.filler).text("notice_detail", notice.pk)


@pytest.mark.parametrize("kind", ["receipt", "notice", "passport"])
def test_the_unit_uploads_nothing_but_its_report(world, people, kind):
    notice = signed(world)
    assert people(world.filler).post("scan_upload", notice.pk, kind, file=pdf()).status_code == 403
    people(world.filler).post("scan_upload", notice.pk, "report", file=pdf("报告.pdf"))
    assert notice.scans.filter(kind="report").exists()


def test_a_stamped_notice_is_not_replaced_after_serving(world):
    notice = served(world)
    with pytest.raises(actions.Refused, match="当前状态不能上传"):
        actions.add_scan(notice, "notice", pdf(), by=world.officer)


# --- Extensions on the page -----------------------------------------------------------------


def test_the_approver_decides_an_extension_on_the_page(world, people):
    notice = signed(world)
    until = notice.deadline + dt.timedelta(days=10)
    data = {"until": until.isoformat(), "reason": "采购未完成", "interim": "限制访问"}
    page = people(world.filler).said("extension_ask", notice.pk, **data)
    assert "延期申请已提交" in page
    extension = Extension.objects.get()
    for who in (world.filler, world.officer, world.checker):
        # an empty form as well: who may not decide is not told about fields
        assert people(who).post("extension_decide", extension.pk).status_code == 403
    approver = people(world.approver)
    page = approver.said("extension_decide", extension.pk, decision="refuse", decision_note="")
    assert "不同意延期的，请写明理由" in page
    approver.post("extension_decide", extension.pk, decision="grant", decision_note="同意。")
    notice.refresh_from_db()
    assert notice.deadline == until
    assert people(world.officer_b).post("extension_decide", extension.pk).status_code == 404


@pytest.mark.parametrize("data", [{"decision": "bogus"}, {}])
def test_a_forged_decision_decides_nothing(world, people, data):
    notice = signed(world)
    extension = asked(world, notice)
    response = people(world.approver).post(
        "extension_decide", extension.pk, decision_note="材料齐全", **data
    )
    assert response.status_code == 422
    page = response.content.decode()
    assert "请选择“同意延期”或“不同意”" in page
    assert "材料齐全" in page
    extension.refresh_from_db()
    assert extension.status == "asked"


def asked(world, notice):
    until = notice.deadline + dt.timedelta(days=10)
    words = {"reason": "采购未完成", "interim": "限制访问"}
    return actions.ask_extension(notice, until=until, by=world.filler, **words)


def test_who_drafted_does_not_decide_the_extension(world, people):
    notice = signed(world)
    extension = asked(world, notice)
    promoted(world)
    drafter = people(world.officer)
    assert "同意延期" not in drafter.text("notice_detail", notice.pk)
    page = drafter.said("extension_decide", extension.pk, decision="grant")
    assert "拟稿人不能审批自己所拟通知的延期" in page
    extension.refresh_from_db()
    assert extension.status == "asked"


# --- Finishing ------------------------------------------------------------------------------


def test_a_finished_notice_moves_no_more(world):
    notice = replied(world)
    finding = Finding.objects.get()
    passed(world, finding)
    rechecks.close(finding, by=world.approver)
    notice.refresh_from_db()
    assert notice.status == "finished"
    with pytest.raises(IllegalMove):
        actions.sign_notice(notice, received_by="刘某", by=world.signer)
