"""Date rules after expiry, extension and reopening: where products of this kind fail."""

import datetime as dt

import pytest
import time_machine

from emailsec.lib.workdays import OFFICE_ZONE, today
from rectification import actions, rechecks
from rectification.models import Finding, Notice
from rectification.terms import terms
from tests.rectification.case import (
    answer,
    approved,
    drafted,
    passed,
    pdf,
    plain_finding,
    replied,
    served,
    signed,
)

pytestmark = pytest.mark.django_db

START = dt.datetime(2026, 3, 2, 10, tzinfo=OFFICE_ZONE)


def at(days: int = 0, hour: int = 10, minute: int = 0) -> time_machine.travel:
    """`days` after the first day of the case, by the office's clock."""
    moment = START.replace(hour=hour, minute=minute) + dt.timedelta(days=days)
    return time_machine.travel(moment, tick=False)


@pytest.fixture
def notice(world) -> Notice:
    """Signed on 2 March, due on 17 March."""
    with at():
        return signed(world, days=15)


def overdue() -> list[str]:
    return list(Finding.objects.overdue().values_list("cause", flat=True))


def test_a_deadline_ends_with_its_day_by_the_office_clock(notice):
    finding = Finding.objects.get()
    assert finding.due_on == notice.deadline == dt.date(2026, 3, 17)
    # 23:59 in Shanghai, while it is still 15:59 in UTC
    with at(15, 23, 59):
        assert (overdue(), finding.is_overdue, notice.is_overdue) == ([], False, False)
    # one minute later in Shanghai, still the same day in UTC
    with time_machine.travel(dt.datetime(2026, 3, 17, 16, 0, tzinfo=dt.UTC), tick=False):
        assert today() == dt.date(2026, 3, 18)
        assert (overdue(), finding.is_overdue, notice.is_overdue) == (
            ["no-rulebook"],
            True,
            True,
        )


def test_the_list_and_its_figure_agree_on_what_is_overdue(world, notice, people):
    with at(15):
        page = people(world.officer).text("finding_list", overdue="1")
        assert "没有符合条件的问题" in page
        assert '<a href="?overdue=1">0</a>' in page
    with at(16):
        page = people(world.officer).text("finding_list", overdue="1")
        assert Finding.objects.get().number in page
        assert '<a href="?overdue=1">1</a>' in page
        assert "逾期 1 天" in page
        assert notice.number in people(world.officer).text("notice_list", overdue="1")


def test_answered_in_time_is_not_overdue_while_the_office_takes_its_time(world, notice):
    finding = Finding.objects.get()
    with at(15, 23, 30):
        answer(world, notice, finding)
    with at(40):
        assert overdue() == []
        rechecks.fail(Finding.objects.get(), reason="制度没有盖章。", by=world.officer)
        # the unit has to act again, and the deadline is long over
        assert overdue() == ["no-rulebook"]


def test_a_late_answer_is_taken(world, notice):
    with at(20):
        assert overdue() == ["no-rulebook"]
        answer(world, notice, Finding.objects.get())
        assert overdue() == []


EXTENSION = {"reason": "采购未完成。", "interim": "已限制外网访问。"}


def ask(world, notice, until):
    notice.refresh_from_db()
    return actions.ask_extension(notice, until=until, by=world.filler, **EXTENSION)


def test_an_extension_is_asked_for_on_the_last_day_and_not_the_day_after(world, notice):
    with at(16), pytest.raises(actions.Refused, match="整改期限已过"):
        ask(world, notice, dt.date(2026, 4, 1))
    with at(15, 23, 59):
        extension = ask(world, notice, dt.date(2026, 4, 1))
        with pytest.raises(actions.Refused, match="已有一份延期申请在审批中"):
            ask(world, notice, dt.date(2026, 4, 2))
    assert extension.status == "asked"


@pytest.mark.parametrize("until", [dt.date(2026, 3, 17), dt.date(2026, 3, 10)])
def test_an_extension_must_be_later_than_the_deadline(world, notice, until):
    with at(3), pytest.raises(actions.Refused, match="须晚于现整改期限"):
        ask(world, notice, until)


def test_granted_after_the_deadline_ended_it_is_no_longer_overdue(world, notice):
    with at(15):
        extension = ask(world, notice, dt.date(2026, 4, 1))
    with at(17):
        assert overdue() == ["no-rulebook"]
        actions.decide_extension(extension, grant=True, note="", by=world.approver)
        assert overdue() == []
        notice.refresh_from_db()
        assert (notice.deadline, notice.original_deadline) == (
            dt.date(2026, 4, 1),
            dt.date(2026, 3, 17),
        )
        assert Finding.objects.get().due_on == dt.date(2026, 4, 1)
    with at(31):
        assert overdue() == ["no-rulebook"]


def test_the_old_deadline_holds_until_granted_and_after_a_refusal(world, notice):
    with at(10):
        extension = ask(world, notice, dt.date(2026, 4, 1))
    with at(16):
        assert overdue() == ["no-rulebook"]
        with pytest.raises(actions.Refused, match="请写明理由"):
            actions.decide_extension(extension, grant=False, note=" ", by=world.approver)
        actions.decide_extension(extension, grant=False, note="理由不充分。", by=world.approver)
        assert overdue() == ["no-rulebook"]
        with pytest.raises(actions.Refused, match="刚刚已被处理"):
            actions.decide_extension(extension, grant=True, note="", by=world.approver)
    assert Finding.objects.get().due_on == dt.date(2026, 3, 17)


def test_a_second_extension_may_follow_the_first(world, notice):
    with at(15):
        first = ask(world, notice, dt.date(2026, 3, 25))
        actions.decide_extension(first, grant=True, note="", by=world.approver)
        second = ask(world, notice, dt.date(2026, 4, 5))
    with at(16):
        actions.decide_extension(second, grant=True, note="", by=world.approver)
    assert Finding.objects.get().due_on == dt.date(2026, 4, 5)


def test_an_extension_leaves_alone_what_has_ended_and_what_is_only_advised(world):
    with at():
        ended = plain_finding(world, "a")
        running = plain_finding(world, "b")
        advised = plain_finding(world, "c", ground="plan")
        notice = signed(world, findings=[ended, running, advised])
        answer(world, notice, ended)
        passed(world, ended)
        rechecks.close(ended, by=world.approver)
    with at(5):
        extension = ask(world, notice, dt.date(2026, 4, 1))
        actions.decide_extension(extension, grant=True, note="", by=world.approver)
    due = dict(Finding.objects.values_list("cause", "due_on"))
    assert due == {"a": dt.date(2026, 3, 17), "b": dt.date(2026, 4, 1), "c": None}


def test_a_finished_notice_is_not_extended(world, notice):
    with at(2):
        extension = ask(world, notice, dt.date(2026, 4, 1))
        finding = Finding.objects.get()
        answer(world, notice, finding)
        passed(world, finding)
        rechecks.close(finding, by=world.approver)
        with pytest.raises(actions.Refused, match="不需要延期"):
            actions.decide_extension(extension, grant=True, note="", by=world.approver)
    with at(3), pytest.raises(actions.Refused, match="不能申请延期"):
        ask(world, notice, dt.date(2026, 4, 5))


def test_a_reopened_finding_starts_without_a_deadline_and_leaves_the_old_notice(world):
    """The cause returns while another finding keeps the first notice open."""
    with at():
        returning = plain_finding(world, "a")
        slow = plain_finding(world, "b")
        first = signed(world, findings=[returning, slow])
        answer(world, first, returning)
        passed(world, returning)
        rechecks.close(returning, by=world.approver)
    with at(5):
        actions.findings.FINDING.move(
            returning,
            "reopen",
            by=world.officer,
            reason="同一根因再次出现",
            also={"closed_on": None, "due_on": None},
        )
    with at(30):
        assert overdue() == ["b"]
        second = signed(world, findings=[returning], days=10)
        # an extension of the first notice does not touch what stands in the second
        assert Finding.objects.get(cause="a").due_on == second.deadline
        answer(world, first, slow)
        passed(world, slow)
        rechecks.close(slow, by=world.approver)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == ("finished", "signed")


def test_an_old_recheck_does_not_close_a_returned_cause(world, notice):
    finding = Finding.objects.get()
    with at(2):
        answer(world, notice, finding)
        passed(world, finding)
        rechecks.close(finding, by=world.approver)
    with at(30):
        actions.findings.FINDING.move(
            finding, "reopen", by=world.officer, reason="再次出现", also={"closed_on": None}
        )
        actions.findings.FINDING.move(finding, "retest_passed", by=rechecks.SYSTEM)
        with pytest.raises(actions.Refused, match="尚无通过的复查"):
            rechecks.close(finding, by=world.approver)


def test_nothing_is_approved_or_served_once_its_deadline_is_not_in_the_future(world):
    with at():
        waiting = drafted(world, [plain_finding(world, "a")], days=5)
        ready = approved(world, drafted(world, [plain_finding(world, "b")], days=5))
        actions.add_scan(ready, "notice", pdf(), by=world.officer)
    with at(5):
        with pytest.raises(actions.Refused, match="不在将来"):
            actions.approve_notice(waiting, by=world.approver)
        with pytest.raises(actions.Refused, match="不在将来"):
            actions.serve_notice(ready, by=world.officer)
    with at(4):
        actions.serve_notice(ready, by=world.officer)


def test_the_deadline_of_a_draft_lies_after_today(world):
    with at(), pytest.raises(actions.Refused, match="须晚于今天"):
        drafted(world, days=0)


def test_completion_in_the_future_is_refused_and_told_at_the_field(world, notice, people):
    finding = Finding.objects.get()
    with at(1):
        page = people(world.filler).said(
            "reply",
            notice.pk,
            finding=finding.pk,
            analysis="职责不清",
            measures="正在制定",
            responsible="王某",
            completed_on="2026-03-10",
        )
        assert "完成日期不能晚于今天" in page
        assert "正在制定" in page
    assert Finding.objects.get().status == "rectifying"


def test_the_unit_is_not_offered_an_extension_after_the_deadline(world, notice, people):
    with at(15):
        assert "申请延期" in people(world.filler).text("notice_detail", notice.pk)
    with at(16):
        page = people(world.filler).text("notice_detail", notice.pk)
        assert 'name="until"' not in page
        assert "整改期限已于2026年3月17日（周二）届满" in page


def test_extension_errors_stand_at_the_field_with_everything_kept(world, notice, people):
    with at(1):
        page = people(world.filler).said(
            "extension_ask", notice.pk, until="2026-03-17", reason="采购未完成", interim="限制访问"
        )
        assert "申请延至的日期须晚于现整改期限" in page
        assert "采购未完成" in page
        assert "限制访问" in page


def test_served_is_not_signed_and_runs_all_the_same(world):
    with at():
        notice = served(world)
    with at(16):
        assert overdue() == ["no-rulebook"]
        notice.refresh_from_db()
        assert notice.is_overdue


def test_replied_is_not_overdue(world):
    with at():
        notice = replied(world)
    with at(30):
        assert not notice.is_overdue
        assert Notice.objects.get().status == "replied"


# --- Bounds ---------------------------------------------------------------------------------


def test_an_extension_is_bounded_and_the_bound_is_told_at_the_field(world, notice, people):
    latest = notice.deadline + dt.timedelta(days=terms().longest_extension_days)
    filler = people(world.filler)
    words = {"reason": "采购未完成", "interim": "限制访问"}
    with at(1):
        for until in (latest + dt.timedelta(days=1), dt.date(9999, 12, 31)):
            response = filler.post("extension_ask", notice.pk, until=until.isoformat(), **words)
            assert response.status_code == 422
            page = response.content.decode()
            assert f"一次最多延期 {terms().longest_extension_days} 天" in page
            assert "采购未完成" in page
        assert not notice.extensions.exists()
        filler.post("extension_ask", notice.pk, until=latest.isoformat(), **words)
    assert notice.extensions.get().until == latest


def test_the_deadline_of_a_notice_is_bounded(world, people):
    with at():
        finding = plain_finding(world)
        latest = today() + dt.timedelta(days=terms().longest_days)
        with pytest.raises(actions.Refused, match="请核对年份"):
            drafted(world, [finding], days=terms().longest_days + 1)
        response = people(world.officer).post(
            "notice_create", world.unit_a.pk, findings=[finding.pk], deadline="9999-12-31"
        )
        assert response.status_code == 422
        assert "请核对年份" in response.content.decode()
        assert drafted(world, [finding], days=terms().longest_days).deadline == latest


@pytest.mark.parametrize("day", ["1900-01-01", "2026-03-01"])
def test_no_repair_is_older_than_the_last_day_on_which_the_problem_stood(
    world, notice, people, day
):
    """Not 送达 is the bound: a unit may repair as soon as it knows."""
    finding = Finding.objects.get()
    with at(3):
        response = people(world.filler).post(
            "reply",
            notice.pk,
            finding=finding.pk,
            analysis="职责不清",
            measures="已制定并印发",
            responsible="王某",
            completed_on=day,
            evidence=pdf("佐证.pdf"),
        )
        assert response.status_code == 422
        page = response.content.decode()
        assert "2026年3月2日（周一）问题仍然存在，完成日期不能更早" in page
        assert "已制定并印发" in page
        with pytest.raises(actions.Refused, match="完成日期不能更早"):
            answer(world, notice, finding, completed_on=dt.date.fromisoformat(day))
        answer(world, notice, finding, completed_on=dt.date(2026, 3, 2))


# --- Revoking and the dates -----------------------------------------------------------------


def test_what_a_revoked_notice_carried_is_not_overdue_any_more(world, notice):
    with at(20):
        assert overdue() == ["no-rulebook"]
        actions.revoke_notice(notice, reason="送达对象有误。", by=world.approver)
        assert overdue() == []
        assert not notice.is_overdue
        again = signed(world, findings=[Finding.objects.get()], days=10)
        assert Finding.objects.get().due_on == again.deadline == dt.date(2026, 4, 1)


def test_a_waiting_extension_ends_with_its_revoked_notice(world, notice):
    with at(2):
        extension = ask(world, notice, dt.date(2026, 4, 1))
        actions.revoke_notice(notice, reason="送达对象有误。", by=world.approver)
        extension.refresh_from_db()
        assert (extension.status, extension.decided_by) == ("refused", world.approver)
        with pytest.raises(actions.Refused):
            actions.decide_extension(extension, grant=True, note="", by=world.approver)
