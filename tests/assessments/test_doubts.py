"""疑点: counted by the item everywhere, explained by the unit, decided by the office."""

import datetime as dt

import pytest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from assessments import actions
from assessments.models import Answer, Contradiction, Evidence, SelfCheck
from assessments.pages import item_blocks, section_links
from assessments.sheets import content_digest, load_sheets
from inventory.models import MailSystem
from reports.mapping.selfcheck import selfcheck_paper
from reports.paper.contexts import Verification
from tests.assessments.test_pages import as_
from tests.filled import complete_inventory, fill, open_selfcheck
from tests.reports.case import look

pytestmark = pytest.mark.django_db

# Two rules speak against M-504, one against M-502: three rows, two items in doubt.
SEEN = [
    ("imap.plain_login", "nonconforming", "imap.login", "mx", 143, "AUTH=PLAIN"),
    ("pop3.plain_login", "nonconforming", "pop3.login", "mx", 110, "USER"),
    ("tls.versions", "nonconforming", "tls.versions", "mail", 443, "TLS 1.0"),
]


@pytest.fixture
def selfcheck(world) -> SelfCheck:
    complete_inventory(world.unit_a)
    selfcheck = open_selfcheck(world.unit_a, world.city_a)
    fill(selfcheck, world.filler)
    look(world.system_a, SEEN)
    actions.sync_contradictions(selfcheck)
    return selfcheck


def page_of(user, name, selfcheck) -> str:
    return as_(user).get(reverse(f"assessments:{name}", args=[selfcheck.pk])).content.decode()


def sign(world, selfcheck):
    digest = content_digest(load_sheets(selfcheck))
    actions.sign_online(selfcheck, digest=digest, by=world.signer)


def test_page_paper_and_review_count_the_same(world, selfcheck):
    assert Contradiction.objects.count() == 3
    summary = page_of(world.filler, "summary", selfcheck)
    assert '疑点 <a href="#doubts">2</a>' in summary
    assert "不一致的疑点（2）" in summary
    actions.submit(selfcheck, by=world.filler)
    paper = selfcheck_paper(
        selfcheck,
        serial="1",
        printed_at=timezone.now().astimezone(dt.UTC),
        verification=Verification(code="", url=""),
    )
    assert paper.contradiction_count == 2
    sign(world, selfcheck)
    assert "待裁定疑点 2（未说明 2）" in page_of(world.officer, "review", selfcheck)
    with pytest.raises(actions.Refused, match="还有 2 题有疑点未裁定"):
        actions.accept(selfcheck, by=world.officer)


def test_doubts_without_a_word_are_named_before_submission_and_signature(world, selfcheck):
    for row in Contradiction.objects.filter(item="M-504"):
        actions.explain_contradiction(row, "测试端口，已申请关闭", by=world.filler)
    rest = Contradiction.objects.get(status="open")
    page = page_of(world.filler, "summary", selfcheck)
    assert "1 题的疑点还没有说明" in page
    assert f'href="#doubt-{rest.pk}"' in page
    assert f'id="doubt-{rest.pk}"' in page
    assert ">提交审签</button>" in page  # a hint, no block
    actions.submit(selfcheck, by=world.filler)
    page = page_of(world.signer, "summary", selfcheck)
    assert "1 题的疑点还没有说明" in page
    assert "可以照常审签" in page
    assert "还没有说明" not in page_of(world.officer, "summary", selfcheck)


@pytest.mark.parametrize(
    ("text", "says"), [("", "请写明填报与观测不同的原因。"), ("长" * 501, "现为501字")]
)
def test_an_explanation_that_is_refused_stays_in_its_field(world, selfcheck, text, says):
    row = Contradiction.objects.first()
    response = as_(world.filler).post(reverse("assessments:explain", args=[row.pk]), {"text": text})
    assert response.status_code == 422
    page = response.content.decode()
    assert says in page
    assert f"{text}</textarea>" in page
    assert 'aria-describedby="note-refused-error"' in page
    row.refresh_from_db()
    assert (row.explanation, row.status) == ("", "open")


def test_an_explanation_is_confirmed_and_one_too_late_is_not_lost(world, selfcheck):
    row = Contradiction.objects.first()
    url = reverse("assessments:explain", args=[row.pk])
    client = as_(world.filler)
    page = client.post(url, {"text": "已关闭"}, follow=True).content.decode()
    assert f"{row.item} 的说明已保存" in page
    actions.submit(selfcheck, by=world.filler)
    response = client.post(url, {"text": "另有原因"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "不能修改" in page
    assert "另有原因</textarea>" in page


@pytest.mark.parametrize(
    ("text", "decision", "says"),
    [
        ("", "dismiss", "排除疑点须写明理由。"),
        ("长" * 501, "dismiss", "现为501字"),
        ("长" * 501, "uphold", "现为501字"),
    ],
)
def test_a_decision_that_is_refused_keeps_its_reason(world, selfcheck, text, decision, says):
    actions.submit(selfcheck, by=world.filler)
    sign(world, selfcheck)
    row = Contradiction.objects.first()
    url = reverse("assessments:decide", args=[row.pk])
    response = as_(world.officer).post(url, {"note": text, "decision": decision})
    assert response.status_code == 422
    page = response.content.decode()
    assert says in page
    assert f'value="{text}" aria-invalid="true"' in page
    row.refresh_from_db()
    assert row.status == "open"


UNSEEN = [(rule, "unknown", *rest) for rule, _, *rest in SEEN]


def test_a_look_that_cannot_observe_it_again_clears_no_doubt(world, selfcheck):
    """A host that shuts the scanner out would otherwise wipe its own 疑点 away."""
    row = Contradiction.objects.get(rule="imap.plain_login")
    actions.explain_contradiction(row, "测试端口，已申请关闭", by=world.filler)
    look(world.system_a, UNSEEN)
    actions.sync_contradictions(selfcheck)
    found = Contradiction.objects.order_by("rule").values_list("rule", "status")
    assert list(found) == [
        ("imap.plain_login", "explained"),
        ("pop3.plain_login", "open"),
        ("tls.versions", "open"),
    ]
    # What was seen to be in order clears it; so does an answer that admits it.
    look(world.system_a, [("tls.versions", "conforming", *SEEN[2][2:]), *UNSEEN[:2]])
    Answer.objects.filter(item="M-504", field="answer").update(value="no")
    actions.sync_contradictions(selfcheck)
    assert set(Contradiction.objects.values_list("status", flat=True)) == {"resolved"}


def result_of(selfcheck, code: str) -> str:
    """The words of the judgement of one item."""
    for sheet in load_sheets(selfcheck):
        if code in sheet.outcomes:
            [block] = [b for b in item_blocks(sheet, readonly=True) if b.code == code]
            return render_to_string("assessments/_item_result.html", {"block": block})
    raise LookupError(code)


def test_conforming_by_the_answer_says_what_speaks_against_it(world, selfcheck):
    assert "按填报判定：符合（待核实：与观测不一致）" in result_of(selfcheck, "M-504")
    bare = next(
        code
        for sheet in load_sheets(selfcheck)
        for code in sheet.evidence
        if sheet.outcomes[code].state == "conforming" and not sheet.meetings(item(sheet, code))
    )
    assert "按填报判定：符合<" in result_of(selfcheck, bare)
    Evidence.objects.filter(item=bare).delete()
    assert "按填报判定：符合（缺佐证）" in result_of(selfcheck, bare)


def item(sheet, code):
    return sheet.definition.item(code)


def test_a_section_that_asks_the_unit_nothing_is_not_called_done(world, selfcheck):
    MailSystem.objects.filter(pk=world.system_a.pk).update(build_mode="public_cloud")
    Answer.objects.filter(sheet__system=world.system_a).delete()
    page = page_of(world.filler, "selfcheck_detail", selfcheck)
    assert "由服务商答复" in page
    assert "0/0" not in page
    sheet = next(s for s in load_sheets(selfcheck) if s.row.system_id)
    nothing_asked = [link.label for link in section_links(sheet) if not link.total]
    assert nothing_asked
    assert "已完成" not in nothing_asked
