"""Findings: what a review proposes, one unclosed per cause, returned causes, endings."""

import threading
import time

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction

from assessments.models import SelfCheck
from audit.models import AuditEvent
from inbox.models import Message
from inventory.models import Supervision
from rectification import actions, rechecks
from rectification.candidates import candidates
from rectification.models import Finding, FindingSource, Notice, Reply
from tests.rectification.case import (
    SEEN,
    accepted,
    answer,
    closed_finding,
    confirmed,
    drafted,
    look,
    passed,
    plain_finding,
    replied,
    signed,
)
from tests.world import build_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def selfcheck(world) -> SelfCheck:
    return accepted(world)


def proposed(selfcheck) -> dict:
    return {c.cause: c for c in candidates(selfcheck)}


# --- What is proposed -----------------------------------------------------------------------


def test_one_candidate_a_cause_with_all_its_sources_and_its_ground(selfcheck):
    found = proposed(selfcheck)
    assert set(found) == {
        "responsibility-undefined",
        "plaintext-login",
        "dmarc-not-enforced",
    }
    plain = found["plaintext-login"]
    assert [s.kind for s in plain.sources] == ["answer", "verdict"]
    assert plain.sources[0].said == "否"
    assert "127.77.1.10" in plain.sources[1].seen
    assert (plain.ground.kind, plain.placement("police")) == ("standard", "order")
    assert any("GB/T 22239" in citation for citation in plain.citations)
    doubt = found["dmarc-not-enforced"].sources
    assert [s.kind for s in doubt] == ["contradiction"]
    assert (doubt[0].contradiction.status, doubt[0].item) == ("upheld", "M-603")
    assert found["dmarc-not-enforced"].placement("police") == "annex"
    # why it matters, not what is wrong once more
    assert "没有明确责任" in found["responsibility-undefined"].why


def test_an_answer_of_several_parts_names_them(world):
    said = {("U-207", "trained"): "3", ("U-207", "users"): "300", ("U-201", "answer"): "no"}
    sources = [s for c in candidates(accepted(world, said=said)) for s in c.sources]
    words = {s.item: s.said for s in sources if s.kind == "answer"}
    assert words["U-207"] == "已培训人数 3人；邮箱用户总人数 300人"
    assert words["U-201"].startswith("否")


def test_what_was_seen_only_once_is_not_proposed(world):
    complete = accepted(world, said={}, seen={})
    look(world.system_a, SEEN, confirmed=False)
    assert candidates(complete) == []


def test_a_dismissed_doubt_is_not_proposed(world, selfcheck):
    sheet = selfcheck.sheets.get(system=world.system_a)
    sheet.contradictions.update(status="dismissed")
    assert "dmarc-not-enforced" not in proposed(selfcheck)


# --- Confirming -----------------------------------------------------------------------------


def test_only_after_acceptance(world, people):
    selfcheck = accepted(world)
    SelfCheck.objects.update(status="to_review")
    page = people(world.officer).said(
        "confirm", selfcheck.pk, keys=[c.key for c in candidates(selfcheck)]
    )
    assert "复核通过后才能确认问题" in page
    assert not Finding.objects.exists()


@pytest.mark.parametrize("keys", [[], ["0:nonsense"]])
def test_nothing_chosen_or_a_stale_page_confirms_nothing(world, selfcheck, people, keys):
    response = people(world.officer).post("confirm", selfcheck.pk, keys=keys)
    assert response.status_code == 422
    page = response.content.decode()
    assert "没有确认：" in page
    assert not Finding.objects.exists()


def test_sent_twice_it_stays_one_finding_a_cause(world, selfcheck, people):
    keys = [c.key for c in candidates(selfcheck)]
    assert f"已确认 {len(keys)} 个问题" in people(world.officer).said(
        "confirm", selfcheck.pk, keys=keys
    )
    page = people(world.officer).said("confirm", selfcheck.pk, keys=keys)
    assert "所选问题此前已经确认，没有新的问题" in page
    assert "已确认" not in page
    assert Finding.objects.count() == 3
    assert FindingSource.objects.count() == 4
    assert AuditEvent.objects.filter(action="finding.confirm").count() == 1
    page = people(world.officer).text("confirm", selfcheck.pk)
    assert page.count("已列为") == 3
    assert "拟制整改通知" in page


@pytest.mark.parametrize("who", ["officer_b", "filler", "checker", "approver"])
def test_only_the_supervising_case_officer_confirms(world, selfcheck, who):
    keys = [c.key for c in candidates(selfcheck)]
    with pytest.raises(PermissionDenied):
        actions.confirm_findings(selfcheck, keys, by=getattr(world, who))


def test_left_out_now_it_can_be_confirmed_later(world, selfcheck):
    keys = [c.key for c in candidates(selfcheck)]
    actions.confirm_findings(selfcheck, keys[:1], by=world.officer)
    actions.confirm_findings(selfcheck, keys, by=world.officer)
    assert Finding.objects.count() == 3


@pytest.mark.parametrize("system", [True, False])
def test_the_database_allows_one_unclosed_finding_a_cause(world, system):
    more = {"system": world.system_a} if system else {}
    first = plain_finding(world, **more)
    with pytest.raises(IntegrityError), transaction.atomic():
        plain_finding(world, **more)
    Finding.objects.filter(pk=first.pk).update(status="closed")
    plain_finding(world, **more)


# --- The same cause again -------------------------------------------------------------------


def close_all(world, findings) -> Notice:
    notice = signed(world, drafted(world, findings))
    for item in notice.items.select_related("finding"):
        answer(world, notice, item.finding)
        passed(world, item.finding)
        rechecks.close(item.finding, by=world.approver)
    return notice


def test_a_later_look_that_sees_the_same_adds_nothing_to_an_unclosed_finding(world, selfcheck):
    confirmed(world, selfcheck)
    look(world.system_a, SEEN)
    assert all(c.done for c in candidates(selfcheck))


def test_a_returned_cause_reopens_its_finding_and_may_enter_a_new_notice(world, selfcheck):
    first = close_all(world, confirmed(world, selfcheck))
    assert set(Finding.objects.values_list("status", flat=True)) == {"closed"}
    # nothing new was seen: confirming again changes nothing
    assert all(c.done for c in candidates(selfcheck))
    confirmed(world, selfcheck)
    assert set(Finding.objects.values_list("status", flat=True)) == {"closed"}
    # a new look sees it again
    look(world.system_a, SEEN)
    fresh = [c for c in candidates(selfcheck) if not c.done]
    assert {c.cause for c in fresh} == {"plaintext-login", "dmarc-not-enforced"}
    [finding] = actions.confirm_findings(
        selfcheck, [c.key for c in fresh if c.cause == "plaintext-login"], by=world.officer
    )
    finding.refresh_from_db()
    assert (finding.status, finding.due_on, finding.closed_on) == ("open", None, None)
    assert finding.changes.first().reason == "同一根因再次出现"
    assert Finding.objects.count() == 3
    second = drafted(world, [finding])
    assert second.pk != first.pk
    first.refresh_from_db()
    assert first.status == "finished"


# --- Endings --------------------------------------------------------------------------------


def test_a_false_alarm_needs_another_person_and_a_reason(world, people):
    finding = plain_finding(world)
    both = plain_finding(world, "other", confirmed_by=world.approver)
    approver = people(world.approver)
    assert "须由另一人" in approver.said("false_alarm", both.pk, reason="误判")
    assert "请填写" in approver.said("false_alarm", finding.pk, reason="")
    assert people(world.officer).post("false_alarm", finding.pk, reason="x").status_code == 403
    approver.post("false_alarm", finding.pk, reason="单位已提供印发文件，核对属实。")
    finding.refresh_from_db()
    both.refresh_from_db()
    assert (finding.status, both.status) == ("false_alarm", "open")


def test_the_last_false_alarm_finishes_its_notice(world):
    notice = signed(world)
    actions.declare_false_alarm(Finding.objects.get(), reason="误判。", by=world.approver)
    notice.refresh_from_db()
    assert notice.status == "finished"


def test_what_stands_in_a_notice_is_not_transferred(world, people):
    drafted(world)
    finding = Finding.objects.get()
    assert "请先作废通知" in people(world.approver).said("transfer", finding.pk, reason="移送")


def test_what_was_closed_in_error_is_listed_again_from_its_page(world, people):
    finding = closed_finding(world)
    officer = people(world.officer)
    assert "重新列为问题" in officer.text("finding_detail", finding.pk)
    response = officer.post("reopen", finding.pk, reason="")
    assert response.status_code == 422
    assert "请填写重新列为问题的理由" in response.content.decode()
    officer.post("reopen", finding.pk, reason="抽查发现制度未印发。")
    finding.refresh_from_db()
    assert (finding.status, finding.closed_on, finding.due_on) == ("open", None, None)
    assert "抽查发现制度未印发。" in people(world.filler).text("finding_detail", finding.pk)
    assert Message.objects.filter(
        recipient=world.filler, title__startswith="重新列为问题", body="抽查发现制度未印发。"
    ).exists()
    # it waits for a notice of its own, and an old 复查 does not close it
    again = signed(world, findings=[finding])
    answer(world, again, finding)
    finding.refresh_from_db()
    with pytest.raises(actions.Refused, match="尚无通过的复查"):
        rechecks.close(finding, by=world.approver)


def test_a_cause_that_stands_again_already_is_not_listed_twice(world, people):
    old = closed_finding(world)
    twin = plain_finding(world)
    page = people(world.officer).said("reopen", old.pk, reason="又出现")
    assert f"同一根因已列为 {twin.number}" in page
    old.refresh_from_db()
    assert old.status == "closed"


@pytest.mark.parametrize("who", ["checker", "approver", "filler", "signer", "officer_industry"])
def test_only_the_case_officer_of_the_office_reopens(world, people, who):
    """Another authority that supervises the unit as well does not reopen our case."""
    Supervision.objects.create(unit=world.unit_a, kind="industry", office=world.industry)
    finding = closed_finding(world)
    assert people(getattr(world, who)).post("reopen", finding.pk).status_code == 403
    assert "重新列为问题" not in people(world.filler).text("finding_detail", finding.pk)


def test_what_is_not_closed_is_not_reopened(world, people):
    finding = plain_finding(world)
    assert "不能“重新列为问题”" in people(world.officer).said("reopen", finding.pk, reason="x")


# --- The case as it reads -------------------------------------------------------------------


def test_a_finding_reads_as_a_case(world, selfcheck, people):
    confirmed(world, selfcheck)
    finding = Finding.objects.get(cause="plaintext-login")
    page = people(world.filler).text("finding_detail", finding.pk)
    parts = [
        "邮件客户端可以明文登录",  # what is wrong
        "口令会被中途截走",  # why it matters
        "M-504",  # said
        "* CAPABILITY IMAP4rev1 AUTH=PLAIN",  # seen
        "disable_plaintext_auth = yes",  # what to do
        'data-copy="#fix-',
        world.unit_a.name,  # who
        "默认时限 15 天",  # by when
        "从外部再看一次",  # how it is checked
        "GB/T 22239-2019",  # basis
    ]
    for part in parts:
        assert part in page, part
    assert "imap.jia.gov.test [127.77.1.10]:143" in page


def test_a_finding_is_headed_by_its_sentence_with_its_number_below(world, people):
    finding = plain_finding(world)
    page = people(world.officer).text("finding_detail", finding.pk)
    head = page[page.index("<h1>") : page.index("</h1>")]
    assert finding.title in head
    assert finding.number not in head
    assert finding.number in page[page.index('class="standing"') :]
    assert f"<li>{finding.title}</li>" in page


def test_the_page_names_every_notice_that_a_finding_stood_in(world, people):
    finding = closed_finding(world)
    first = finding.notice_items.get().notice
    for person in (world.officer, world.filler):
        assert first.number in people(person).text("finding_detail", finding.pk)
    actions.reopen(finding, reason="抽查未落实。", by=world.officer)
    second = drafted(world, [finding])
    page = people(world.officer).text("finding_detail", finding.pk)
    assert page.index(str(second)) < page.index(first.number)
    assert str(second) not in people(world.filler).text("finding_detail", finding.pk)


def test_the_unit_reads_first_why_its_repair_did_not_do(world, people):
    replied(world)
    finding = Finding.objects.get()
    rechecks.fail(finding, reason="制度没有落款日期。", by=world.officer)
    page = people(world.filler).text("finding_detail", finding.pk)
    assert page.index("请继续整改并再次反馈") < page.index(
        "为什么要改" if finding.why else "谁来改"
    )
    notice = finding.notice_items.get().notice
    reply = people(world.filler).text("reply", notice.pk)
    assert reply.index("制度没有落款日期。") < reply.index('name="analysis"')
    assert "复查不通过，请继续整改" in page  # the history, in the unit's words
    office = people(world.officer).text("finding_detail", finding.pk)
    assert "复查不通过，请继续整改" not in office


# --- At once --------------------------------------------------------------------------------


def at_once(*acts) -> list[BaseException]:
    """Run acts in threads of their own connections; return what they raised."""
    start, raised = threading.Barrier(len(acts)), []

    def run(act):
        try:
            start.wait()
            act()
        except Exception as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


needs_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="needs concurrent transactions"
)


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_two_officers_confirming_at_once_make_one_finding_a_cause(db):
    world = build_world()
    selfcheck = accepted(world)
    keys = [c.key for c in candidates(selfcheck)]

    def confirm():
        fresh = SelfCheck.objects.select_related("unit", "questionnaire").get(pk=selfcheck.pk)
        actions.confirm_findings(fresh, keys, by=world.officer)

    assert at_once(confirm, confirm) == []
    assert Finding.objects.count() == 3
    assert FindingSource.objects.count() == 4


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_two_drafts_at_once_make_one_notice(db):
    world = build_world()
    with transaction.atomic():
        finding = plain_finding(world)
    raised = at_once(*[lambda: drafted(world, [finding])] * 2)
    assert [type(error) for error in raised] == [actions.Refused]
    assert Notice.objects.count() == 1


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_of_two_last_answers_at_once_one_sees_the_other(db):
    world = build_world()
    with transaction.atomic():
        findings = [plain_finding(world, "a"), plain_finding(world, "b")]
    notice = signed(world, drafted(world, findings))

    answered = threading.Event()

    def reply(finding):
        own = Notice.objects.select_related("unit", "office").get(pk=notice.pk)
        answer(world, own, Finding.objects.get(pk=finding.pk))

    def slowly():
        with transaction.atomic():
            reply(findings[0])
            answered.set()
            time.sleep(0.5)  # the other one answers before this is committed

    def meanwhile():
        answered.wait()
        reply(findings[1])

    assert at_once(slowly, meanwhile) == []
    notice.refresh_from_db()
    assert notice.status == "replied"
    assert Reply.objects.count() == 2
