"""Numbers of instruments: gapless, given once, ours or the case platform's."""

import datetime as dt
import threading

import pytest
from django.db import connection, transaction

from audit.lifecycle import IllegalMove
from emailsec.lib.workdays import today
from rectification import actions
from rectification.models import Counter, Notice
from rectification.numbers import finding_number, notice_number, take
from tests.rectification.case import drafted, plain_finding, promoted
from tests.world import build_world


@pytest.mark.django_db
def test_each_office_has_its_own_series_a_year(world):
    assert notice_number(world.city_a, 2026) == (1, "甲公网安限字〔2026〕第1号")
    assert notice_number(world.city_a, 2026) == (2, "甲公网安限字〔2026〕第2号")
    assert notice_number(world.city_b, 2026) == (1, "乙公网安限字〔2026〕第1号")
    assert notice_number(world.city_a, 2027) == (1, "甲公网安限字〔2027〕第1号")
    assert [finding_number(2026), finding_number(2026)] == ["WT-2026-00001", "WT-2026-00002"]


@pytest.mark.django_db
def test_an_act_that_is_rolled_back_leaves_no_gap(world):
    assert take("x", 2026) == 1
    with transaction.atomic():
        assert take("x", 2026) == 2
        transaction.set_rollback(True)
    assert take("x", 2026) == 2


@pytest.mark.django_db(transaction=True)
def test_a_number_is_taken_inside_a_transaction_only(db):
    with pytest.raises(AssertionError):
        take("x", 2026)


@pytest.mark.django_db
def test_a_refused_or_repeated_approval_takes_no_number(world):
    first = drafted(world, [plain_finding(world, "a")])
    second = drafted(world, [plain_finding(world, "b")])
    promoted(world)
    with pytest.raises(actions.Refused, match="拟稿人"):
        actions.approve_notice(first, by=world.officer)
    actions.approve_notice(first, by=world.approver)
    with pytest.raises(IllegalMove):
        actions.approve_notice(first, by=world.approver)
    actions.approve_notice(second, by=world.approver)
    assert [first.sequence, second.sequence] == [1, 2]


@pytest.mark.django_db
def test_a_void_notice_keeps_its_number(world):
    finding = plain_finding(world)
    notice = drafted(world, [finding])
    actions.approve_notice(notice, by=world.approver)
    actions.void_notice(notice, reason="期限写错。", by=world.approver)
    again = drafted(world, [finding])
    actions.approve_notice(again, by=world.approver)
    assert [notice.sequence, again.sequence] == [1, 2]
    assert Notice.objects.get(pk=notice.pk).number.endswith("第1号")


@pytest.fixture
def registered(world):
    """甲市支队, numbered by its own case platform."""
    world.city_a.own_numbering = False
    world.city_a.save()
    world.officer.__dict__.pop("_memberships", None)
    return world


@pytest.mark.django_db
def test_the_case_platforms_number_is_asked_for_and_used(registered, people):
    finding = plain_finding(registered)
    officer = people(registered.officer)
    assert "办案平台编号" in officer.text("notice_create", registered.unit_a.pk)
    deadline = (today() + dt.timedelta(days=60)).isoformat()
    page = officer.said(
        "notice_create", registered.unit_a.pk, findings=[finding.pk], deadline=deadline
    )
    assert "请填写办案平台登记的文号" in page
    assert f'value="{deadline}"' in page
    number = "甲公（网）限改字〔2026〕0815号"
    officer.post(
        "notice_create",
        registered.unit_a.pk,
        findings=[finding.pk],
        deadline=deadline,
        case_number=number,
    )
    notice = Notice.objects.get()
    actions.approve_notice(notice, by=registered.approver)
    assert (notice.number, notice.sequence) == (number, None)
    assert not Counter.objects.filter(series=f"notice:{registered.city_a.pk}").exists()
    # the same number does not stand on two notices
    other = plain_finding(registered, "other")
    page = officer.said(
        "notice_create",
        registered.unit_a.pk,
        findings=[other.pk],
        deadline=deadline,
        case_number=number,
    )
    assert "此文号已用于另一份通知" in page
    assert Notice.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs concurrent transactions")
def test_approvals_at_once_get_distinct_consecutive_numbers(db):
    world = build_world()
    notices = []
    for n in range(6):
        with transaction.atomic():
            notices.append(drafted(world, [plain_finding(world, f"c{n}")]))
    start = threading.Barrier(len(notices))
    failures = []

    def approve(pk):
        try:
            start.wait()
            notice = Notice.objects.select_related("office").get(pk=pk)
            actions.approve_notice(notice, by=world.approver)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=approve, args=[n.pk]) for n in notices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(Notice.objects.values_list("sequence", flat=True)) == [1, 2, 3, 4, 5, 6]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        "<b>办案</b>=1字〔2026〕77号",
        '甲公"限〔2026〕77号',
        "甲公限〔2026〕77",
        "甲公限〔2026〕号",
        "甲公 限〔2026〕77号",
        "77\n号",
    ],
)
def test_a_registered_number_has_the_form_of_one(registered, people, wrong):
    finding = plain_finding(registered)
    response = people(registered.officer).post(
        "notice_create",
        registered.unit_a.pk,
        findings=[finding.pk],
        deadline=(today() + dt.timedelta(days=20)).isoformat(),
        case_number=wrong,
    )
    assert response.status_code == 422
    assert "文号只用汉字、字母、数字和括号，以“号”结尾" in response.content.decode()
    assert not Notice.objects.exists()
