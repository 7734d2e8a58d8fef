"""What is typed into a reply is kept until it is handed in: field by field, for all colleagues."""

import datetime as dt

import pytest

from emailsec.lib.classified import ADVICE
from emailsec.lib.workdays import today
from rectification.models import Finding, Reply, ReplyDraft
from tests.rectification.case import drafted, pdf, plain_finding, signed
from tests.rectification.test_replies import data
from tests.world import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def two(world):
    """A signed notice with two findings."""
    notice = signed(world, drafted(world, [plain_finding(world, "a"), plain_finding(world, "b")]))
    return notice, *Finding.objects.order_by("cause")


def save(person, notice, finding, field="analysis", value="口令策略没有启用。", version=0):
    return person.post(
        "reply_draft", notice.pk, item=finding.pk, field=field, value=value, version=version
    )


def test_text_survives_a_reload_and_another_person_sees_it(world, people, two):
    notice, _, b = two
    assert save(people(world.filler), notice, b).json()["version"] == 1
    save(people(world.filler), notice, b, "completed_on", "2026-01-09")
    colleague = make_user("filler_2", "filler", world.unit_a)
    page = people(colleague).text("reply", notice.pk)
    assert "口令策略没有启用。" in page
    assert 'value="2026-01-09"' in page
    assert 'data-version="1"' in page


@pytest.mark.parametrize("accepted", [True, False])
def test_submitting_one_item_leaves_the_other(world, people, two, accepted):
    notice, a, b = two
    filler = people(world.filler)
    save(filler, notice, a)
    save(filler, notice, b, value="另一项的原因。")
    files = {"evidence": pdf()} if accepted else {}
    page = filler.said("reply", notice.pk, **data(a, **files))
    assert Reply.objects.exists() is accepted
    assert "另一项的原因。" in page
    left = set(ReplyDraft.objects.values_list("item__finding", flat=True))
    assert left == ({b.pk} if accepted else {a.pk, b.pk})


def test_the_second_of_two_people_is_told(world, people, two):
    notice, a, _ = two
    save(people(world.filler), notice, a, value="甲写的。")
    colleague = people(make_user("filler_2", "filler", world.unit_a))
    answer = save(colleague, notice, a, value="乙写的。")
    assert answer.status_code == 409
    body = answer.json()
    assert (body["value"], body["version"], body["own"]) == (["甲写的。"], 1, False)
    assert body["by"] == world.filler.name
    assert ReplyDraft.objects.get().value == "甲写的。"
    again = save(people(world.filler), notice, a, value="甲改了。", version=1)
    assert again.json()["version"] == 2


def test_a_draft_does_not_come_back_after_the_reply(world, people, two):
    notice, a, _ = two
    filler = people(world.filler)
    save(filler, notice, a)
    filler.post("reply", notice.pk, **data(a, evidence=pdf()))
    late = save(filler, notice, a, version=1)
    assert late.status_code == 422
    assert "已经提交" in late.json()["error"]
    assert not ReplyDraft.objects.exists()


def test_a_text_still_too_long_is_kept(world, people, two):
    notice, a, _ = two
    long = "字" * 1500
    assert save(people(world.filler), notice, a, value=long).status_code == 200
    assert long in people(world.filler).text("reply", notice.pk)
    refused = save(people(world.filler), notice, a, value="字" * 5001, version=1)
    assert refused.status_code == 422
    assert "现为 5001 字" in refused.json()["error"]


def test_what_no_page_sends_is_refused(world, people, two):
    notice, a, _ = two
    filler = people(world.filler)
    assert save(filler, notice, a, "evidence").status_code == 422
    assert save(filler, notice, plain_finding(world, "elsewhere")).status_code == 404
    assert not ReplyDraft.objects.exists()


def test_the_office_never_reads_a_draft(world, people, two):
    notice, a, _ = two
    save(people(world.filler), notice, a)
    officer = people(world.officer)
    assert "口令策略没有启用。" not in officer.text("finding_detail", a.pk)
    assert "口令策略没有启用。" not in officer.text("notice_detail", notice.pk)


def test_the_same_file_twice_is_refused_at_the_field(world, people, two):
    notice, a, _ = two
    page = people(world.filler).said(
        "reply", notice.pk, **data(a, evidence=[pdf("制度.pdf"), pdf("制度（副本）.pdf")])
    )
    assert "本次所选已有内容相同的文件“制度.pdf”，不必重复上传。" in page
    assert "已印发制度。" in page
    assert not Reply.objects.exists()


def test_an_extension_is_advised_only_while_it_can_be_asked(world, people, two):
    notice, a, _ = two
    assert "或申请延期" in people(world.filler).text("reply", notice.pk)
    past = today() - dt.timedelta(days=1)
    type(notice).objects.filter(pk=notice.pk).update(deadline=past)
    Finding.objects.update(due_on=past)
    page = people(world.filler).text("reply", notice.pk)
    assert "或申请延期" not in page
    assert "不能再申请延期" in page
    tomorrow = (today() + dt.timedelta(days=1)).isoformat()
    page = people(world.filler).said("reply", notice.pk, **data(a, completed_on=tomorrow))
    assert "完成日期不能晚于今天" in page
    assert "或申请延期" not in page


def test_a_classified_mark_is_refused_and_kept_nowhere(world, people, two):
    notice, a, _ = two
    filler = people(world.filler)
    answer = save(filler, notice, a, value="密级：机密")
    assert answer.status_code == 422
    assert answer.json() == {"error": ADVICE, "forget": True}
    said = filler.said("reply", notice.pk, **data(a, measures="（秘密）已处置", evidence=pdf()))
    assert ADVICE in said
    assert not ReplyDraft.objects.exists()
    assert not Reply.objects.exists()
