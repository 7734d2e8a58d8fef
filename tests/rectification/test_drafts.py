"""A draft before its number: reworked, withdrawn, sent back; and a served notice revoked."""

import datetime as dt

import pytest
from django.urls import reverse

from accounts.models import User
from audit.lifecycle import IllegalMove
from emailsec.lib.workdays import today
from inbox.models import Message
from rectification import actions, rechecks
from rectification.models import Finding, Notice
from reports.models import Document
from tests.rectification.case import (
    answer,
    approved,
    drafted,
    passed,
    plain_finding,
    promoted,
    replied,
    served,
    signed,
)
from tests.world import make_user

pytestmark = pytest.mark.django_db

SOON = today() + dt.timedelta(days=10)


def revision(*findings, deadline=SOON):
    return {"findings": [f.pk for f in findings], "deadline": deadline.isoformat()}


def told(user, title) -> list[str]:
    """Bodies of the messages that a person got under a title."""
    rows = Message.objects.filter(recipient=user, title__contains=title)
    return list(rows.values_list("body", flat=True))


# --- 修改拟稿 ---------------------------------------------------------------------------------


def test_the_drafter_chooses_anew_what_the_draft_holds_and_until_when(world, people):
    kept, dropped, added = (plain_finding(world, cause) for cause in "abc")
    notice = drafted(world, [kept, dropped])
    officer = people(world.officer)
    page = officer.text("notice_edit", notice.pk)
    assert f'value="{notice.deadline.isoformat()}"' in page
    assert f'value="{kept.pk}" id="f-{kept.pk}" checked' in page
    assert f'value="{added.pk}" id="f-{added.pk}">' in page
    page = officer.said("notice_edit", notice.pk, **revision(kept, added))
    assert "拟稿已修改，待审批" in page
    notice.refresh_from_db()
    assert (notice.status, notice.deadline, notice.original_deadline) == ("drafted", SOON, SOON)
    assert set(notice.items.values_list("finding__cause", flat=True)) == {"a", "c"}
    # what was dropped is free again, and the history says what was changed
    drafted(world, [dropped])
    reason = notice.changes.get(action="revise").reason
    assert f"列入 {added.number}" in reason
    assert f"去掉 {dropped.number}" in reason
    assert told(world.approver, "拟稿已修改")


def test_a_wrong_revision_is_told_at_the_field_and_changes_nothing(world, people):
    kept, other = plain_finding(world, "a"), plain_finding(world, "b")
    notice = drafted(world, [kept])
    data = revision(other, deadline=today())
    response = people(world.officer).post("notice_edit", notice.pk, **data)
    assert response.status_code == 422
    page = response.content.decode()
    assert "整改期限须晚于今天" in page
    assert f'id="f-{other.pk}" checked' in page
    notice.refresh_from_db()
    assert notice.items.get().finding == kept
    assert not notice.changes.exists()


def test_a_draft_does_not_take_what_stands_in_another_notice(world):
    mine, foreign = plain_finding(world, "a"), plain_finding(world, "b")
    notice = drafted(world, [mine])
    drafted(world, [foreign])
    with pytest.raises(actions.Refused, match="已列入其他通知"):
        actions.revise_notice(notice, [mine, foreign], deadline=SOON, by=world.officer)
    assert notice.items.get().finding == mine


@pytest.mark.parametrize("who", ["checker", "approver", "officer_province"])
def test_only_the_drafting_office_reworks_or_withdraws_its_draft(world, people, who):
    notice = drafted(world)
    person = people(getattr(world, who))
    assert person.get("notice_edit", notice.pk).status_code == 403
    assert person.post("notice_edit", notice.pk).status_code == 403
    assert person.post("withdraw", notice.pk).status_code == 403


def test_a_colleague_may_rework_a_draft_and_then_may_not_approve_it(world):
    notice = drafted(world)
    colleague = make_user("colleague", "case_officer", office=world.city_a)
    finding = Finding.objects.get()
    actions.revise_notice(notice, [finding], deadline=SOON, by=colleague)
    colleague.memberships.update(role="approver")
    colleague = User.objects.get(pk=colleague.pk)
    with pytest.raises(actions.Refused, match="拟稿人不能审核或批准"):
        actions.approve_notice(notice, by=colleague)
    actions.approve_notice(notice, by=world.approver)


@pytest.mark.parametrize("act", ["check", "approve"])
def test_after_check_or_approval_it_is_no_draft(world, people, act):
    notice = drafted(world)
    person = world.checker if act == "check" else world.approver
    people(person).post(act, notice.pk)
    page = people(world.officer).said("notice_edit", notice.pk, **revision(Finding.objects.get()))
    assert "不能再修改" in page
    notice.refresh_from_db()
    with pytest.raises(IllegalMove):
        actions.withdraw_notice(notice, reason="重拟。", by=world.officer)


# --- 撤回拟稿 ---------------------------------------------------------------------------------


def test_a_withdrawn_draft_frees_its_findings_and_takes_no_number(world, people):
    finding = plain_finding(world)
    notice = drafted(world, [finding])
    officer = people(world.officer)
    assert "请填写撤回理由" in officer.said("withdraw", notice.pk, reason=" ")
    page = officer.said("withdraw", notice.pk, reason="单位名称有误。")
    assert "单位名称有误。" in page
    notice.refresh_from_db()
    assert (notice.status, notice.number, notice.is_revoked) == ("void", "", False)
    drafted(world, [finding])
    assert people(world.filler).get("notice_detail", notice.pk).status_code == 404


# --- 退回拟稿 ---------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["checker", "approver"])
@pytest.mark.parametrize("checked", [False, True])
def test_sent_back_with_the_reason_and_judged_only_once_reworked(world, people, who, checked):
    notice = drafted(world)
    if checked:
        actions.check_notice(notice, by=world.checker)
    judge = people(getattr(world, who))
    assert "请填写退回理由" in judge.said("send_back", notice.pk, reason="")
    judge.post("send_back", notice.pk, reason="期限过短，请改为 30 天。")
    notice.refresh_from_db()
    assert notice.status == "drafted"
    [body] = told(world.officer, "拟稿被退回")
    assert "期限过短，请改为 30 天。" in body
    page = people(world.officer).text("notice_detail", notice.pk)
    assert "期限过短，请改为 30 天。" in page
    assert f'href="/rectification/notices/{notice.pk}/edit/"' in page
    # nobody approves what waits for its drafter
    assert "修改后再审批" in people(world.approver).said("approve", notice.pk)
    assert "修改后再审批" in people(world.checker).said("check", notice.pk)
    people(world.officer).post("notice_edit", notice.pk, **revision(Finding.objects.get()))
    assert "期限过短" not in next_step(people(world.officer), notice)
    people(world.approver).post("approve", notice.pk)
    notice.refresh_from_db()
    assert notice.status == "approved"


def next_step(person, notice) -> str:
    page = person.text("notice_detail", notice.pk)
    return page[page.index("next-step") : page.index("责令整改的问题")]


def test_the_drafter_does_not_send_back(world, people):
    notice = drafted(world)
    assert people(world.officer).post("send_back", notice.pk, reason="x").status_code == 403


def test_what_has_its_number_is_not_sent_back(world, people):
    notice = approved(world)
    assert "不能“退回拟稿”" in people(world.approver).said("send_back", notice.pk, reason="改")


def test_the_way_of_a_notice_names_everybody_with_the_time(world, people):
    notice = drafted(world)
    actions.check_notice(notice, by=world.checker)
    notice = signed(world, notice)
    page = people(world.officer).text("notice_detail", notice.pk)
    panel = page[page.index("<h2>办理</h2>") :]
    panel = panel[: panel.index("</section>")]
    for label, name in (
        ("拟稿", world.officer.name),
        ("审核", world.checker.name),
        ("批准", world.approver.name),
        ("送达", world.officer.name),
        ("签收", "刘某"),
    ):
        assert f"<dt>{label}</dt><dd>{name}<br>" in panel
    assert panel.count(f"{today().year}年{today().month}月{today().day}日") >= 5


def test_a_check_that_was_sent_back_afterwards_does_not_stand(world, people):
    notice = drafted(world)
    actions.check_notice(notice, by=world.checker)
    actions.send_back(notice, reason="改期限", by=world.approver)
    actions.revise_notice(notice, [Finding.objects.get()], deadline=SOON, by=world.officer)
    actions.approve_notice(notice, by=world.approver)
    page = people(world.officer).text("notice_detail", notice.pk)
    assert "未单独审核，由批准人审批" in page


# --- 撤销 -------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["served", "signed", "refused", "replied"])
def test_a_served_notice_is_revoked_and_nothing_is_lost(world, people, state):
    finding = plain_finding(world)
    notice = {"served": served, "signed": signed, "replied": replied}.get(state, served)(
        world, findings=[finding]
    )
    if state == "refused":
        actions.note_refusal(notice, officers="张某、李某", by=world.officer)
    number = notice.number
    approver = people(world.approver)
    assert "请填写撤销理由" in approver.said("revoke", notice.pk, reason="")
    approver.post("revoke", notice.pk, reason="送达对象有误。")
    notice.refresh_from_db()
    finding.refresh_from_db()
    assert (notice.status, notice.number, notice.is_revoked) == ("void", number, True)
    assert (finding.status, finding.due_on) == ("open", None)
    assert finding.replies.count() == (state == "replied")
    # the unit is told, and still reads the notice: when and why it was revoked
    assert told(world.filler, f"整改通知已撤销：{number}") == ["撤销理由：送达对象有误。"]
    page = people(world.filler).text("notice_detail", notice.pk)
    for words in (number, "已撤销", "送达对象有误。", f"{today().month}月{today().day}日"):
        assert words in page, words
    assert "不再要求按此通知整改" in page
    assert "已撤销" in people(world.filler).text("notice_list")
    # and its findings may enter another notice, with a number of its own
    again = served(world, findings=[finding])
    assert again.number != number


def test_a_closed_finding_stays_closed_when_its_notice_is_revoked(world):
    done, running = plain_finding(world, "a"), plain_finding(world, "b")
    notice = signed(world, findings=[done, running])
    answer(world, notice, done)
    passed(world, done)
    rechecks.close(done, by=world.approver)
    actions.revoke_notice(notice, reason="依据引用有误。", by=world.approver)
    states = dict(Finding.objects.values_list("cause", "status"))
    assert states == {"a": "closed", "b": "open"}


def test_a_recheck_of_a_revoked_notice_proves_nothing_in_the_next(world):
    notice = replied(world)
    finding = Finding.objects.get()
    passed(world, finding)
    actions.revoke_notice(notice, reason="依据引用有误。", by=world.approver)
    again = signed(world, findings=[Finding.objects.get()])
    answer(world, again, finding)
    finding.refresh_from_db()
    with pytest.raises(actions.Refused, match="尚无通过的复查"):
        rechecks.close(finding, by=world.approver)


@pytest.mark.parametrize("who", ["officer", "checker", "filler", "signer", "officer_province"])
def test_only_the_approver_revokes(world, people, who):
    notice = served(world)
    assert people(getattr(world, who)).post("revoke", notice.pk, reason="x").status_code == 403


@pytest.mark.parametrize("state", ["drafted", "approved", "finished", "void"])
def test_revoked_is_only_what_is_under_way(world, people, state):
    notice = drafted(world) if state in {"drafted", "void"} else approved(world)
    Notice.objects.filter(pk=notice.pk).update(status=state)
    assert "不能“撤销”" in people(world.approver).said("revoke", notice.pk, reason="错了")
    notice.refresh_from_db()
    assert notice.status == state


def test_the_unit_of_a_revoked_notice_answers_it_no_more(world, people):
    notice = signed(world)
    actions.revoke_notice(notice, reason="重复制发。", by=world.approver)
    filler = people(world.filler)
    page = filler.text("notice_detail", notice.pk)
    for act in ("提交整改反馈", "申请延期", "上传盖章整改报告", "整改报告</a>"):
        assert act not in page, act
    assert filler.get("reply", notice.pk).status_code == 302
    assert "不能申请延期" in filler.said(
        "extension_ask", notice.pk, until=SOON.isoformat(), reason="慢", interim="限"
    )


def test_the_paper_of_a_revoked_notice_is_void_for_whoever_verifies_it(world, client):
    notice = served(world)
    actions.revoke_notice(notice, reason="重复制发。", by=world.approver)
    document = Document.objects.get(notice=notice)
    assert document.void
    assert (
        "作废"
        in client.get(reverse("reports:verify", args=[document.verification_code])).content.decode()
    )


def test_no_report_is_issued_on_a_revoked_notice(world, people):
    notice = replied(world)
    actions.revoke_notice(notice, reason="重复制发。", by=world.approver)
    filler = people(world.filler)
    filler._log_in()
    url = reverse("reports:report_issue", args=[notice.pk])
    assert "此通知已撤销" in filler.client.post(url, follow=True).content.decode()
    assert not Document.objects.filter(kind="report").exists()


def test_a_promotion_does_not_shorten_the_way(world, people):
    notice = drafted(world)
    promoted(world)
    page = people(world.officer).text("notice_detail", notice.pk)
    assert "拟稿人不能审核或批准自己拟制的通知" in page
    assert "批准并编号" not in page


def test_a_revoked_notice_counts_neither_as_finished_nor_as_done(world, people):
    notice = served(world)
    actions.revoke_notice(notice, reason="重复制发。", by=world.approver)
    assert ">—/1<" in people(world.officer).text("notice_list")
    assert Notice.objects.with_counts().get(pk=notice.pk).ordered_done == 0
    filler = people(world.filler)
    filler._log_in()
    home = filler.client.get(reverse("dashboards:home")).content.decode()
    assert "没有待办的整改通知。" in home


def test_an_extension_that_waits_is_the_approvers_next_step(world, people):
    notice = signed(world)
    until = notice.deadline + dt.timedelta(days=5)
    words = {"reason": "采购", "interim": "限制访问"}
    actions.ask_extension(notice, until=until, by=world.filler, **words)
    assert "审批延期" in people(world.approver).text("notice_detail", notice.pk)
    assert "审批延期" not in people(world.officer).text("notice_detail", notice.pk)
