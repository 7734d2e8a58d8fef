"""A sheet that came back: every remark is dealt with before it goes in again, and closed after."""

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from assessments import actions
from assessments.models import Answer, ReviewRemark, SelfCheck
from assessments.remarks import sent_remarks
from assessments.sheets import content_digest, load_sheets
from tests.assessments.test_pages import as_
from tests.filled import add_file, complete_inventory, fill, open_selfcheck

pytestmark = pytest.mark.django_db


@pytest.fixture
def returned(world) -> SelfCheck:
    """Signed, then returned with a remark on U-202 (an answer) and on U-106 (the inventory)."""
    complete_inventory(world.unit_a)
    selfcheck = open_selfcheck(world.unit_a, world.city_a)
    fill(selfcheck, world.filler)
    hand_in(world, selfcheck)
    send_back(world, selfcheck, "U-202", "U-106")
    return selfcheck


def hand_in(world, selfcheck):
    actions.submit(selfcheck, by=world.filler)
    digest = content_digest(load_sheets(selfcheck))
    actions.sign_online(selfcheck, digest=digest, by=world.signer)


def send_back(world, selfcheck, *codes):
    sheet = load_sheets(selfcheck)[0]
    for code in codes:
        item = sheet.definition.item(code)
        actions.add_remark(sheet.row, item, f"请核对{code}", by=world.officer)
    actions.return_to_unit(selfcheck, reason="", by=world.officer)


def states(selfcheck) -> dict[str, str]:
    return {one.item.code: one.state for one in sent_remarks(load_sheets(selfcheck))}


def answer(world, selfcheck, code, field, value):
    sheet = load_sheets(selfcheck)[0]
    item = sheet.definition.item(code)
    row = Answer.objects.filter(sheet=sheet.row, item=code, field=field).first()
    version = row.version if row else 0
    actions.save_answer(
        sheet.row, item, item.field(field), value, seen_version=version, by=world.filler
    )


def remark(code: str) -> ReviewRemark:
    return ReviewRemark.objects.get(item=code, closed_at=None)


def test_unchanged_it_cannot_go_in_again(world, returned):
    assert states(returned) == {"U-202": "undealt", "U-106": "undealt"}
    with pytest.raises(actions.Refused, match="还有 2 条退回意见未处理"):
        actions.submit(returned, by=world.filler)
    page = as_(world.filler).get(reverse("assessments:summary", args=[returned.pk]))
    assert "退回意见（2，未处理 2）" in page.content.decode()
    assert "处理 2 条退回意见" in page.content.decode()


def test_an_answer_that_was_put_back_is_no_change(world, returned):
    answer(world, returned, "U-202", "answer", "partial")
    assert states(returned)["U-202"] == "changed"
    answer(world, returned, "U-202", "answer", "yes")
    # The history of directly filled rows begins with the change: what was there is not known.
    Answer.objects.get(item="U-202", field="answer").history.create(
        value="yes", version=0, by=world.filler, at=returned.created_at
    )
    assert states(returned)["U-202"] == "undealt"


def test_a_file_more_or_less_is_a_change(world, returned):
    sheet = load_sheets(returned)[0]
    file = add_file(sheet.row, "U-106", world.filler)
    assert states(returned) == {"U-202": "undealt", "U-106": "changed"}
    actions.remove_evidence(file, by=world.filler)
    assert states(returned)["U-106"] == "undealt"


def test_a_fact_of_the_inventory_is_a_change(world, returned):
    world.unit_a.address = "甲市政务大道2号"
    world.unit_a.save()
    returned = SelfCheck.objects.get(pk=returned.pk)
    assert states(returned) == {"U-202": "undealt", "U-106": "changed"}


def test_a_word_to_the_remark_is_enough_and_the_reviewer_reads_it(world, returned):
    client = as_(world.filler)
    for code in ("U-202", "U-106"):
        url = reverse("assessments:remark_reply", args=[remark(code).pk])
        assert client.post(url, {"text": f"{code}经核对无误"}).status_code == 302
    assert set(states(returned).values()) == {"explained"}
    hand_in(world, returned)
    page = as_(world.officer).get(reverse("assessments:review", args=[returned.pk]))
    assert "单位说明：U-202经核对无误" in page.content.decode()
    assert "已说明" in page.content.decode()


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "请写明对这条意见的说明。"), ("长" * 501, "最多填写500字，现为501字")],
)
def test_a_word_that_is_refused_stays_in_its_field(world, returned, text, says):
    url = reverse("assessments:remark_reply", args=[remark("U-202").pk])
    response = as_(world.filler).post(url, {"text": text})
    assert response.status_code == 422
    page = response.content.decode()
    assert says in page
    assert f"{text}</textarea>" in page
    assert remark("U-202").reply == ""


def test_only_the_filler_answers_and_only_what_was_sent(world, returned):
    row = remark("U-202")
    with pytest.raises(PermissionDenied):
        actions.reply_to_remark(row, "好", by=world.signer)
    row.sent_at = None
    with pytest.raises(actions.Refused):
        actions.reply_to_remark(row, "好", by=world.filler)


def test_the_next_return_closes_what_it_does_not_repeat(world, returned):
    answer(world, returned, "U-202", "answer", "partial")
    answer(world, returned, "U-202", "note", "已补充发文号")
    actions.reply_to_remark(remark("U-106"), "地址无误", by=world.filler)
    hand_in(world, returned)
    send_back(world, returned, "U-106")
    assert states(returned) == {"U-106": "undealt"}
    closed = ReviewRemark.objects.exclude(closed_at=None)
    assert sorted(closed.values_list("item", flat=True)) == ["U-106", "U-202"]
    assert closed.get(item="U-106").reply == "地址无误"


def test_acceptance_closes_them_and_the_review_shows_them_as_history(world, returned):
    for code in ("U-202", "U-106"):
        actions.reply_to_remark(remark(code), "经核对无误", by=world.filler)
    hand_in(world, returned)
    actions.accept(returned, by=world.officer)
    assert not ReviewRemark.objects.filter(closed_at=None).exists()
    page = as_(world.officer).get(reverse("assessments:review", args=[returned.pk]))
    assert "以往意见 1 条" in page.content.decode()


@pytest.mark.parametrize("text", ["", "长" * 501])
def test_a_remark_that_is_refused_stays_in_its_field(world, returned, text):
    for code in ("U-202", "U-106"):
        actions.reply_to_remark(remark(code), "经核对无误", by=world.filler)
    hand_in(world, returned)
    sheet = load_sheets(returned)[0].row
    url = reverse("assessments:remark", args=[sheet.pk, "U-203"])
    response = as_(world.officer).post(url, {"text": text})
    assert response.status_code == 422
    page = response.content.decode()
    assert f'id="remark-{sheet.pk}-U-203-error"' in page
    assert f'value="{text}" aria-invalid="true"' in page
    assert not ReviewRemark.objects.filter(item="U-203").exists()
    back = reverse("assessments:return", args=[returned.pk])
    response = as_(world.officer).post(back, {"reason": text})
    assert response.status_code == 422
    assert f"{text}</textarea>" in response.content.decode()


def test_the_remarks_cost_the_same_however_many(world, returned, django_assert_num_queries):
    sheets = load_sheets(returned)
    with django_assert_num_queries(2):
        assert len(sent_remarks(sheets)) == 2


def test_a_return_with_a_reason_alone_is_told_at_the_top(world, returned):
    for code in ("U-202", "U-106"):
        actions.reply_to_remark(remark(code), "经核对无误", by=world.filler)
    hand_in(world, returned)
    actions.return_to_unit(returned, reason="请整体重新核对", by=world.officer)
    page = as_(world.filler).get(reverse("assessments:selfcheck_detail", args=[returned.pk]))
    note = page.content.decode().split('aria-label="退回意见"')[1].split("</section>")[0]
    assert "请整体重新核对" in note
    assert states(returned) == {}


@pytest.mark.parametrize("text", ["", "长" * 501])
def test_the_signers_reason_that_is_refused_stays_in_its_field(world, returned, text):
    for code in ("U-202", "U-106"):
        actions.reply_to_remark(remark(code), "经核对无误", by=world.filler)
    actions.submit(returned, by=world.filler)
    url = reverse("assessments:refuse", args=[returned.pk])
    response = as_(world.signer).post(url, {"reason": text})
    assert response.status_code == 422
    assert f"{text}</textarea>" in response.content.decode()
    returned.refresh_from_db()
    assert returned.status == "to_sign"


def pages_of(world, selfcheck) -> list[str]:
    client = as_(world.filler)
    return [
        client.get(url).content.decode()
        for url in (
            reverse("dashboards:home"),
            reverse("assessments:selfcheck_detail", args=[selfcheck.pk]),
            reverse("assessments:summary", args=[selfcheck.pk]),
        )
    ]


def test_every_page_says_with_one_word_that_the_office_returned_it(world, returned):
    for page in pages_of(world, returned):
        assert "被退回" in page
        assert "填报中</span>" not in page.split("<h2")[0]
        assert "请按 2 条逐项意见修改。" in page
        assert world.officer.name in page


def test_the_signers_refusal_stands_on_every_page_until_the_next_submission(world):
    complete_inventory(world.unit_a)
    selfcheck = open_selfcheck(world.unit_a, world.city_a)
    fill(selfcheck, world.filler)
    actions.submit(selfcheck, by=world.filler)
    actions.refuse_signature(selfcheck, reason="第三题请再核对", by=world.signer)
    for page in pages_of(world, selfcheck):
        assert "审签人退回" in page
        assert "第三题请再核对" in page
        assert world.signer.name in page
        assert "还没有填完" not in page
    actions.submit(selfcheck, by=world.filler)
    home, _, summary = pages_of(world, selfcheck)
    assert "第三题请再核对" not in home + summary
    actions.withdraw(selfcheck, by=world.filler)
    assert SelfCheck.objects.get(pk=selfcheck.pk).state_label == "填报中"


def test_what_the_office_returned_stays_returned_after_a_withdrawn_submission(world, returned):
    for code in ("U-202", "U-106"):
        actions.reply_to_remark(remark(code), "经核对无误", by=world.filler)
    actions.submit(returned, by=world.filler)
    actions.withdraw(returned, by=world.filler)
    assert SelfCheck.objects.get(pk=returned.pk).state_label == "被退回"
