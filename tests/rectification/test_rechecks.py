"""复查 by rescan, on paper and on site; what a look says, and what it does not."""

import pytest

from audit.lifecycle import IllegalMove
from emailsec.lib.workdays import today
from inbox.models import Message
from rectification import actions, rechecks
from rectification.models import Finding, Recheck, WaveRead
from rectification.tasks import settle_rescans
from scans.models import ScanRun, Wave
from tests.rectification.case import (
    SEEN,
    accepted,
    answer,
    confirmed,
    drafted,
    file_letter,
    look,
    passed,
    plain_finding,
    replied,
    served,
    signed,
)

pytestmark = pytest.mark.django_db

RULE = "imap.plain_login"


@pytest.fixture
def plain(world) -> Finding:
    """邮件客户端可以明文登录, answered, awaiting 复查; its system may be probed."""
    findings = confirmed(world)
    notice = signed(world, drafted(world, findings))
    finding = Finding.objects.get(cause="plaintext-login")
    answer(world, notice, finding, files=[])
    finding.refresh_from_db()
    file_letter(world.system_a)
    return finding


def rescan(world, finding) -> Wave:
    rechecks.start_rescan([finding], by=world.officer)
    return Wave.objects.get(reason="recheck", status="open")


def settled(finding) -> str:
    settle_rescans()
    return finding.rechecks.latest("id").result


# --- What a rescan says ---------------------------------------------------------------------


def test_a_repair_counts_at_first_sight(world, plain):
    look(world.system_a, {RULE: "conforming"}, wave=rescan(world, plain))
    assert settled(plain) == "passed"
    row = plain.rechecks.get()
    assert "LOGINDISABLED" in row.seen
    assert "imap.jia.gov.test [127.77.1.10]:143" in row.seen
    # what a look has shown needs no second person
    rechecks.close(plain, by=world.officer)
    assert (plain.status, plain.closed_on) == ("closed", today())


def test_while_the_look_is_under_way_nothing_is_decided(world, plain):
    rescan(world, plain)
    assert settled(plain) == "pending"
    with pytest.raises(actions.Refused, match="尚无通过的复查"):
        rechecks.close(plain, by=world.approver)


def test_what_could_not_be_observed_is_neither_passed_nor_failed(world, plain, people):
    look(world.system_a, {RULE: "unknown"}, wave=rescan(world, plain))
    assert settled(plain) == "unknown"
    with pytest.raises(actions.Refused, match="尚无通过的复查"):
        rechecks.close(plain, by=world.approver)
    page = people(world.officer).text("finding_detail", plain.pk)
    assert "未能观测不等于通过，也不等于不通过" in page
    # a person may still decide on paper
    passed(world, plain, kind="paper")
    rechecks.close(plain, by=world.approver)


@pytest.mark.parametrize("result", ["not_applicable", None])
def test_taking_the_host_out_of_sight_does_not_pass(world, plain, result):
    """No verdict at all, or one that does not apply any more (endpoint removed, item struck from
    the letter)."""
    look(world.system_a, {RULE: result} if result else {}, wave=rescan(world, plain))
    assert settled(plain) == "unknown"


def test_a_non_conformity_seen_before_and_again_fails_at_once(world, plain):
    look(world.system_a, {RULE: "nonconforming"}, wave=rescan(world, plain))
    assert settled(plain) == "failed"


def test_a_doubtful_non_conformity_waits_for_the_second_look(world, plain):
    first = look(
        world.system_a, {RULE: "nonconforming"}, wave=rescan(world, plain), confirmed=False
    )
    second = look(world.system_a, {}, reason="confirm", confirms=first, status=Wave.Status.OPEN)
    assert settled(plain) == "pending"
    look(world.system_a, {RULE: "nonconforming"}, wave=second, confirmed=True)
    assert settled(plain) == "failed"


def test_a_second_look_that_does_not_see_it_again_passes(world, plain):
    first = look(
        world.system_a, {RULE: "nonconforming"}, wave=rescan(world, plain), confirmed=False
    )
    look(world.system_a, {RULE: "conforming"}, reason="confirm", confirms=first)
    assert settled(plain) == "passed"


def test_without_its_second_look_a_doubtful_sight_is_unknown(world, plain):
    first = look(
        world.system_a, {RULE: "nonconforming"}, wave=rescan(world, plain), confirmed=False
    )
    look(world.system_a, {}, reason="confirm", confirms=first, status=Wave.Status.VOID)
    assert settled(plain) == "unknown"


def test_other_rules_of_the_look_do_not_hold_a_repair_up(world, plain):
    first = look(
        world.system_a,
        {RULE: "conforming", "dmarc.policy": "nonconforming"},
        wave=rescan(world, plain),
        confirmed=False,
    )
    look(world.system_a, {}, reason="confirm", confirms=first, status=Wave.Status.OPEN)
    assert settled(plain) == "passed"


def test_settling_twice_settles_once(world, plain):
    look(world.system_a, {RULE: "conforming"}, wave=rescan(world, plain))
    assert rechecks.settle_rescans() == 1
    assert rechecks.settle_rescans() == 0


def test_without_a_letter_the_rescan_says_why(world, plain, people):
    world.system_a.authorizations.update(status="void")
    page = people(world.officer).said("finding_rescan", plain.pk)
    assert "复测没有进行" in page
    assert settled(plain) == "unknown"
    assert ScanRun.objects.filter(wave__reason="recheck").values_list("status", flat=True)[0] == (
        "refused"
    )


def test_two_presses_start_one_rescan(world, plain, people):
    officer = people(world.officer)
    officer.post("finding_rescan", plain.pk)
    officer.post("finding_rescan", plain.pk)
    assert plain.rechecks.count() == 1
    assert Wave.objects.filter(reason="recheck").count() == 1


def test_what_cannot_be_observed_is_not_rescanned(world, people):
    replied(world)
    finding = Finding.objects.get()
    page = people(world.officer).said("finding_rescan", finding.pk)
    assert "没有可以远程复测的待复查问题" in page


# --- The page -------------------------------------------------------------------------------


def test_the_page_polls_while_pending_and_reloads_at_the_end(world, plain, people):
    officer = people(world.officer)
    wave = rescan(world, plain)
    page = officer.text("finding_detail", plain.pk)
    assert f'hx-get="/rectification/findings/{plain.pk}/rechecks/"' in page
    assert 'hx-trigger="every 3s"' in page
    officer._log_in()
    url = f"/rectification/findings/{plain.pk}/rechecks/"
    fragment = officer.client.get(url, headers={"HX-Request": "true"})
    assert "HX-Refresh" not in fragment
    assert "<html" not in fragment.content.decode()
    look(world.system_a, {RULE: "conforming"}, wave=wave)
    settle_rescans()
    fragment = officer.client.get(url, headers={"HX-Request": "true"})
    assert fragment["HX-Refresh"] == "true"
    assert officer.get("finding_rechecks", plain.pk).status_code == 302


def test_before_and_after_stand_side_by_side(world, plain, people):
    look(world.system_a, {RULE: "conforming"}, wave=rescan(world, plain))
    settle_rescans()
    page = people(world.officer).text("finding_detail", plain.pk)
    pair = page[page.index('class="pair"') :]
    assert pair.index("AUTH=PLAIN") < pair.index("整改后") < pair.index("LOGINDISABLED")
    assert f'action="/rectification/findings/{plain.pk}/close/"' in page
    # the unit reads the same, without the button
    page = people(world.filler).text("finding_detail", plain.pk)
    assert "LOGINDISABLED" in page
    assert "/close/" not in page
    assert people(world.filler).post("close", plain.pk).status_code == 403


# --- On paper and on site -------------------------------------------------------------------


def test_paper_where_nothing_can_be_observed(world, people):
    notice = replied(world)
    finding = Finding.objects.get()
    officer = people(world.officer)
    page = officer.said("recheck", finding.pk, kind="paper", result="passed", seen="")
    assert "请填写复查所见" in page
    page = officer.said("recheck", finding.pk, kind="rescan", result="passed", seen="看过")
    assert "看过" in page
    assert not finding.rechecks.exists()
    officer.post("recheck", finding.pk, kind="paper", result="passed", seen="制度齐全。")
    approver = people(world.approver)
    approver.post("close", finding.pk)
    finding.refresh_from_db()
    notice.refresh_from_db()
    assert (finding.status, notice.status) == ("closed", "finished")
    assert "当前状态为“已销号”" in approver.said("close", finding.pk)


@pytest.mark.parametrize("kind", ["paper", "site"])
@pytest.mark.parametrize("who", ["checker", "approver"])
def test_another_person_closes_what_a_person_has_passed(world, people, kind, who):
    notice = replied(world)
    finding = Finding.objects.get()
    passed(world, finding, kind=kind)
    officer, other = people(world.officer), people(getattr(world, who))
    for name, pk in (("finding_detail", finding.pk), ("notice_detail", notice.pk)):
        page = officer.text(name, pk)
        assert f"/findings/{finding.pk}/close/" not in page
        assert "须由本机关另一人销号（其他承办人、审核人或批准人均可）" in page
    assert "复查已通过，待本机关另一人销号" in officer.text("notice_detail", notice.pk)
    assert "须由本机关另一人销号" in officer.said("close", finding.pk)
    finding.refresh_from_db()
    assert finding.status == "to_recheck"
    assert Message.objects.filter(recipient=other.user, title__contains="待另一人销号").exists()
    for name, pk in (("finding_detail", finding.pk), ("notice_detail", notice.pk)):
        page = other.text(name, pk)
        button = page[page.index(f"/findings/{finding.pk}/close/") :]
        assert "data-confirm=" in button[: button.index("</form>")]
    assert "个问题复查已通过，请逐个销号" in other.text("notice_detail", notice.pk)
    assert "已销号" in other.said("close", finding.pk)
    finding.refresh_from_db()
    assert finding.status == "closed"


def test_a_failed_recheck_does_not_close(world):
    replied(world)
    finding = Finding.objects.get()
    passed(world, finding, result="failed", seen="制度没有盖章。")
    with pytest.raises(IllegalMove):
        rechecks.close(finding, by=world.approver)


def test_a_recheck_that_fails_goes_back_to_the_unit_in_one_act(world, people):
    notice = replied(world)
    finding = Finding.objects.get()
    page = people(world.officer).said(
        "recheck", finding.pk, kind="site", result="failed", seen="制度没有落款日期。"
    )
    assert "复查已记录，已退回单位继续整改" in page
    finding.refresh_from_db()
    notice.refresh_from_db()
    assert (finding.status, notice.status) == ("rectifying", "signed")
    row = finding.rechecks.get()
    assert (row.kind, row.result, row.seen) == ("site", "failed", "制度没有落款日期。")
    assert finding.changes.first().reason == "制度没有落款日期。"
    assert "制度没有落款日期。" in people(world.filler).text("finding_detail", finding.pk)
    assert Message.objects.filter(
        recipient=world.filler, title__startswith="复查不通过", body="制度没有落款日期。"
    ).exists()


def test_what_cannot_be_judged_decides_nothing(world, people):
    notice = replied(world)
    finding = Finding.objects.get()
    officer = people(world.officer)
    page = officer.said("recheck", finding.pk, kind="paper", result="unknown", seen="材料不全。")
    assert "无法判断不等于通过，也不等于不通过" in page
    finding.refresh_from_db()
    notice.refresh_from_db()
    assert (finding.status, notice.status) == ("to_recheck", "replied")
    with pytest.raises(actions.Refused, match="尚无通过的复查"):
        rechecks.close(finding, by=world.approver)


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("result", "bogus", "请选择复查结论"),
        ("result", "pending", "请选择复查结论"),
        ("kind", "rescan", "请选择书面复查或现场复查"),
        ("seen", "字" * 2001, "最多 2000 字，现为 2001 字"),
    ],
)
def test_a_forged_or_overlong_recheck_is_told_at_the_field(world, people, field, value, text):
    replied(world)
    finding = Finding.objects.get()
    good = {"kind": "paper", "result": "failed", "seen": "看过制度。"}
    response = people(world.officer).post("recheck", finding.pk, **good | {field: value})
    assert response.status_code == 422
    assert text in response.content.decode()
    assert not finding.rechecks.exists()
    finding.refresh_from_db()
    assert finding.status == "to_recheck"


def test_paper_does_not_outrank_what_was_seen(world, plain, people):
    officer = people(world.officer)
    paper = {"kind": "paper", "result": "passed", "seen": "材料齐全。"}

    def told(why):
        response = officer.post("recheck", plain.pk, **paper)
        assert response.status_code == 422
        page = response.content.decode()
        assert why in page
        assert "材料齐全。" in page  # nothing lost
        assert not plain.rechecks.filter(kind="paper").exists()

    told("此问题可以从外部观测，请先远程复测")
    wave = rescan(world, plain)
    told("远程复测正在进行，请等结果")
    look(world.system_a, {RULE: "nonconforming"}, wave=wave)
    assert settled(plain) == "failed"
    told("此前远程复测不符合，不能凭书面材料销号；请再次远程复测或现场复查")
    # who has been there may say so
    passed(world, plain, kind="site")
    rechecks.close(plain, by=world.approver)


def test_paper_that_fails_what_can_be_observed_is_recorded(world, plain):
    passed(world, plain, kind="paper", result="failed", seen="没有变更记录。")
    assert plain.rechecks.get().result == "failed"


def test_back_to_the_unit_with_the_reason_and_a_new_round(world, people):
    notice = replied(world)
    finding = Finding.objects.get()
    passed(world, finding)
    officer = people(world.officer)
    assert "请填写退回的理由" in officer.said("fail", finding.pk, reason="")
    officer.post("fail", finding.pk, reason="制度没有落款日期。")
    finding.refresh_from_db()
    notice.refresh_from_db()
    assert (finding.status, notice.status) == ("rectifying", "signed")
    assert "制度没有落款日期" in people(world.filler).text("finding_detail", finding.pk)
    # the passed 复查 belongs to the round before
    answer(world, notice, finding)
    finding.refresh_from_db()
    with pytest.raises(actions.Refused, match="尚无通过的复查"):
        rechecks.close(finding, by=world.approver)
    assert finding.replies.count() == 2


@pytest.mark.parametrize("who", ["checker", "approver", "filler", "signer"])
def test_only_the_case_officer_rechecks(world, people, who):
    replied(world)
    finding = Finding.objects.get()
    person = people(getattr(world, who))
    data = {"kind": "paper", "result": "passed", "seen": "看过。"}
    assert person.post("recheck", finding.pk, **data).status_code == 403
    closing = 403 if person.user.is_unit_side else 200
    assert person.post("close", finding.pk).status_code == closing
    assert person.post("fail", finding.pk, reason="不行。").status_code == 403
    assert not Recheck.objects.exists()
    finding.refresh_from_db()
    assert finding.status == "to_recheck"


# --- Repairs that the regular look shows ------------------------------------------------------


def test_the_regular_look_moves_a_repaired_finding_to_recheck(world):
    findings = {f.cause: f for f in confirmed(world)}
    rechecks.read_waves()
    look(world.system_a, {RULE: "conforming", "dmarc.policy": "nonconforming"})
    settle_rescans()
    plain = findings["plaintext-login"]
    plain.refresh_from_db()
    assert plain.status == "to_recheck"
    assert plain.changes.get(action="retest_passed").by_label == "系统"
    row = plain.rechecks.get()
    assert (row.result, row.by) == ("passed", None)
    others = Finding.objects.exclude(pk=plain.pk).values_list("status", flat=True)
    assert set(others) == {"open"}
    # a person closes; no notice is needed
    rechecks.close(plain, by=world.approver)
    assert plain.status == "closed"


def test_a_look_is_read_once(world):
    confirmed(world)
    look(world.system_a, dict.fromkeys(SEEN, "conforming"))
    assert rechecks.read_waves() == 2
    assert rechecks.read_waves() == 0
    assert WaveRead.objects.count() == Wave.objects.filter(status="done").count()


def test_the_look_that_found_it_does_not_clear_it(world):
    """The very wave behind the finding is read after the confirmation."""
    confirmed(world)
    assert rechecks.read_waves() == 0
    assert set(Finding.objects.values_list("status", flat=True)) == {"open"}


def test_repaired_before_signing_the_case_can_finish_without_a_reply(world):
    selfcheck = accepted(world, said={})
    notice = served(world, drafted(world, confirmed(world, selfcheck)))
    look(world.system_a, dict.fromkeys(SEEN, "conforming"))
    settle_rescans()
    finding = Finding.objects.get(cause="plaintext-login")
    assert finding.status == "to_recheck"
    rechecks.close(finding, by=world.approver)
    notice.refresh_from_db()
    assert notice.status == "finished"


def test_a_repair_that_does_not_hold_before_any_notice_is_open_again(world):
    confirmed(world)
    look(world.system_a, {RULE: "conforming"})
    settle_rescans()
    finding = Finding.objects.get(cause="plaintext-login")
    rechecks.fail(finding, reason="现场核对仍可明文登录。", by=world.officer)
    assert finding.status == "open"
    drafted(world, [finding])


def test_a_drafted_notice_survives_a_repair_before_it_is_served(world):
    """Closed meanwhile: it is not due, and the rest is served."""
    findings = confirmed(world)
    notice = drafted(world, findings)
    look(world.system_a, {RULE: "conforming"})
    settle_rescans()
    plain = Finding.objects.get(cause="plaintext-login")
    rechecks.close(plain, by=world.approver)
    served(world, notice)
    plain.refresh_from_db()
    assert (plain.status, plain.due_on) == ("closed", None)
    assert Finding.objects.get(cause="responsibility-undefined").status == "notified"


def test_plain_findings_wait_for_paper(world):
    plain_finding(world)
    look(world.system_a, {RULE: "conforming"})
    settle_rescans()
    assert Finding.objects.get().status == "open"


def test_an_older_look_read_late_does_not_clear_what_a_newer_one_saw(world):
    confirmed(world)
    rechecks.read_waves()
    finding = Finding.objects.get(cause="plaintext-login")
    look(world.system_a, {RULE: "conforming"})
    newer = look(world.system_a, {RULE: "nonconforming"})
    verdict = newer.runs.get().verdicts.get()
    finding.sources.create(
        kind="verdict", rule=RULE, domain="jia.gov.test", verdict=verdict, at=newer.finished_at
    )
    assert rechecks.read_waves() == 0
    finding.refresh_from_db()
    assert finding.status == "open"
