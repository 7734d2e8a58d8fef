"""A campaign from its draft to the archive, who is asked, and the calls that urge."""

import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from assessments import actions, urging
from assessments.models import CallRecord, Campaign, SelfCheck
from assessments.sheets import content_digest, load_sheets
from assessments.tasks import enrol_newcomers
from audit.lifecycle import IllegalMove
from audit.models import AuditEvent
from emailsec.lib.workdays import today
from inventory.models import Region
from tests.assessments.test_pages import as_
from tests.files import PDF
from tests.filled import complete_inventory, fill, open_selfcheck
from tests.world import make_unit

pytestmark = pytest.mark.django_db


@pytest.fixture
def selfcheck(world) -> SelfCheck:
    complete_inventory(world.unit_a)
    return open_selfcheck(world.unit_a, world.city_a)


def let_pass(campaign: Campaign) -> None:
    """Let the campaign's deadline be yesterday."""
    campaign.deadline = today() - dt.timedelta(days=1)
    campaign.save()


def archived(world, selfcheck) -> SelfCheck:
    let_pass(selfcheck.campaign)
    actions.close_campaign(selfcheck.campaign, by=world.officer)
    actions.archive_campaign(selfcheck.campaign, by=world.officer)
    return SelfCheck.objects.select_related("campaign__office", "unit").get(pk=selfcheck.pk)


def page(client, name, *args, **query) -> str:
    return client.get(reverse(name, args=args), query).content.decode()


# --- Who is asked -----------------------------------------------------------------------------


def test_a_unit_registered_after_publication_is_asked_until_the_campaign_is_closed(
    world, selfcheck
):
    region = Region.objects.get(code="370100")
    late = make_unit("后来登记的单位", "11370100000000901X", region, world.city_a)
    other = make_unit("乙市后来登记的单位", "11370200000000902X", region, world.city_b)
    assert enrol_newcomers() == 1
    assert late.selfchecks.get().campaign == selfcheck.campaign
    assert not other.selfchecks.exists()
    assert enrol_newcomers() == 0
    let_pass(selfcheck.campaign)
    actions.close_campaign(selfcheck.campaign, by=world.officer)
    latest = make_unit("截止后登记的单位", "11370100000000903X", region, world.city_a)
    assert enrol_newcomers() == 0
    assert not latest.selfchecks.exists()


# --- 截止 and 归档 -----------------------------------------------------------------------------


def test_units_have_the_time_they_were_given(world, selfcheck):
    with pytest.raises(actions.Refused, match="截止日期未到，还有 1 家未报送"):
        actions.close_campaign(selfcheck.campaign, by=world.officer)
    SelfCheck.objects.update(status="accepted")
    assert actions.close_campaign(selfcheck.campaign, by=world.officer) == 0


def test_after_the_end_a_unit_is_overdue_and_can_still_hand_in(world, selfcheck):
    fill(selfcheck, world.filler)
    let_pass(selfcheck.campaign)
    client = as_(world.officer)
    shown = page(client, "assessments:campaign_detail", selfcheck.campaign_id)
    assert "逾期未报送" in shown
    assert "截止“" in shown
    client.post(reverse("assessments:campaign_close", args=[selfcheck.campaign_id]))
    selfcheck = SelfCheck.objects.get(pk=selfcheck.pk)
    assert selfcheck.campaign.status == "closed"
    assert selfcheck.overdue
    assert world.unit_a.name in page(client, "assessments:urge_list")
    actions.submit(selfcheck, by=world.filler)
    digest = content_digest(load_sheets(selfcheck))
    actions.sign_online(selfcheck, digest=digest, by=world.signer)
    assert not selfcheck.overdue
    assert world.unit_a.name not in page(client, "assessments:urge_list")
    with pytest.raises(actions.Refused, match="还有 1 家已报送、待复核"):
        actions.archive_campaign(selfcheck.campaign, by=world.officer)


def test_only_the_office_that_runs_a_campaign_moves_it(world, selfcheck):
    let_pass(selfcheck.campaign)
    for act in (actions.close_campaign, actions.archive_campaign, actions.publish_campaign):
        for who in (world.officer_province, world.officer_b, world.approver, world.filler):
            with pytest.raises(PermissionDenied):
                act(selfcheck.campaign, by=who)
    assert Campaign.objects.get().status == "published"


def test_what_is_archived_can_only_be_read(world, selfcheck):
    fill(selfcheck, world.filler)
    row = archived(world, selfcheck)
    sheet = row.sheets.get(kind="unit")
    sheet.selfcheck = row
    loaded = next(s for s in load_sheets(row) if s.row.pk == sheet.pk)
    item = loaded.definition.item("U-201")
    acts = [
        lambda: actions.save_answer(
            sheet, item, item.field("answer"), "no", seen_version=1, by=world.filler
        ),
        lambda: actions.add_evidence(
            sheet, item, SimpleUploadedFile("a.pdf", PDF), by=world.filler
        ),
        lambda: actions.submit(row, by=world.filler),
        lambda: actions.record_call(row, spoke_with="王某", note="请报送", by=world.officer),
    ]
    for act in acts:
        with pytest.raises(actions.Refused, match="已归档，自查表只供查阅"):
            act()


@pytest.mark.parametrize(
    ("status", "who", "act"),
    [
        ("to_sign", "filler", lambda s, by: actions.withdraw(s, by=by)),
        ("to_sign", "signer", lambda s, by: actions.refuse_signature(s, reason="有误", by=by)),
        (
            "to_sign",
            "signer",
            lambda s, by: actions.sign_online(s, digest=content_digest(load_sheets(s)), by=by),
        ),
        ("to_review", "officer", lambda s, by: actions.accept(s, by=by)),
        ("to_review", "officer", lambda s, by: actions.return_to_unit(s, reason="有误", by=by)),
    ],
)
def test_no_move_is_left_in_the_archive(world, selfcheck, status, who, act):
    row = archived(world, selfcheck)
    SelfCheck.objects.update(status=status)
    row.refresh_from_db()
    with pytest.raises((actions.Refused, IllegalMove), match="已归档"):
        act(row, getattr(world, who))
    row.refresh_from_db()
    assert row.status == status


def test_the_unit_reads_why_it_cannot_fill_in(world, selfcheck):
    archived(world, selfcheck)
    client = as_(world.filler)
    sheet = selfcheck.sheets.get(kind="unit")
    for shown in (
        page(client, "assessments:selfcheck_detail", selfcheck.pk),
        page(client, "assessments:section", selfcheck.pk, sheet.pk, "U2"),
        page(client, "assessments:summary", selfcheck.pk),
    ):
        assert "已归档，自查表只供查阅" in shown
        assert "data-autosave-url" not in shown
        assert "提交审签</button>" not in shown
    url = reverse("assessments:answer_save", args=[sheet.pk])
    data = {"item": "U-201", "field": "answer", "value": "no", "version": "0"}
    assert "已归档" in client.post(url, data).json()["error"]


# --- 调整截止日期, 提前截止 ----------------------------------------------------------------------


def days(number: int) -> str:
    return (today() + dt.timedelta(days=number)).isoformat()


def move(world, campaign, deadline: str, reason: str = "节假日顺延"):
    url = reverse("assessments:campaign_deadline", args=[campaign.pk])
    data = {"move-deadline": deadline, "move-reason": reason}
    return as_(world.officer).post(url, data, follow=True)


def test_a_deadline_is_moved_with_its_reason_and_the_units_are_told(world, selfcheck):
    campaign = selfcheck.campaign
    assert "并通知未报送单位的" in move(world, campaign, days(60)).content.decode()
    campaign.refresh_from_db()
    assert campaign.deadline == today() + dt.timedelta(days=60)
    told = world.filler.inbox_messages.get()
    assert "节假日顺延" in told.body
    assert not world.filler_b.inbox_messages.exists()
    event = AuditEvent.objects.get(action="campaign.set_deadline")
    assert "节假日顺延" in event.details["reason"]
    # Nobody has handed in: also an earlier day, then only a later one, and only waiting units hear.
    move(world, campaign, days(5))
    SelfCheck.objects.update(status="accepted")
    answer = move(world, campaign, days(4))
    assert "只能延后" in answer.context["form"].errors["deadline"][0]
    move(world, campaign, days(6))
    campaign.refresh_from_db()
    assert campaign.deadline == today() + dt.timedelta(days=6)
    assert world.filler.inbox_messages.count() == 2


@pytest.mark.parametrize(
    ("field", "deadline", "reason", "says"),
    [
        ("deadline", days(-1), "x", "不能早于今天"),
        ("deadline", days(800), "x", "不能晚于两年以后"),
        ("deadline", "明天", "x", "请填写日期"),
        ("reason", days(60), " ", "必填，请填写。"),
        ("reason", days(60), "长" * 301, "最多300个字"),
    ],
)
def test_a_bad_deadline_is_told_at_its_field(world, selfcheck, field, deadline, reason, says):
    answer = move(world, selfcheck.campaign, deadline, reason)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert says in answer.context["form"].errors[field][0]
    assert not AuditEvent.objects.filter(action="campaign.set_deadline").exists()


def test_reporting_ends_early_only_with_a_reason(world, selfcheck):
    client = as_(world.officer)
    url = reverse("assessments:campaign_close", args=[selfcheck.campaign_id])
    answer = client.post(url, {"close-reason": " "})
    assert answer.status_code == 422
    assert "必填，请填写。" in answer.content.decode()
    client.post(url)
    assert Campaign.objects.get().status == "published"
    client.post(url, {"close-reason": "行动取消"})
    assert Campaign.objects.get().status == "closed"
    assert "提前截止：行动取消" in page(
        client, "assessments:campaign_detail", selfcheck.campaign_id
    )
    assert "只有已发布" in move(world, selfcheck.campaign, days(60)).content.decode()


# --- The form ---------------------------------------------------------------------------------


def draft(selfcheck, **more) -> dict[str, str]:
    return {
        "title": "2027年专项检查",
        "document_number": "",
        "questionnaire": str(selfcheck.questionnaire_id),
        "deadline": (today() + dt.timedelta(days=30)).isoformat(),
    } | more


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("title", "", "必填，请填写。"),
        ("title", "检" * 121, "最多120个字，现为121个字"),
        ("title", "2026年电子邮件系统安全专项检查", "本机关已有同名的专项行动"),
        ("title", "=1+1", "不能以 = + - @ 开头"),
        ("title", "@检查", "不能以 = + - @ 开头"),
        ("title", "检查\x07", "看不见的控制字符"),
        ("document_number", "号" * 61, "最多60个字，现为61个字"),
        ("questionnaire", "999999", "不在可选范围内"),
        ("deadline", "2020-01-01", "不能早于今天"),
        ("deadline", "9999-12-31", "不能晚于两年以后"),
        ("deadline", "明天", "请填写日期"),
    ],
)
def test_a_bad_campaign_is_told_at_its_field_and_nothing_is_lost(
    world, selfcheck, field, value, says
):
    client = as_(world.officer)
    answer = client.post(
        reverse("assessments:campaign_create"),
        draft(selfcheck, document_number="甲公网安〔2027〕第1号") | {field: value},
    )
    assert answer.status_code == 422
    form = answer.context["form"]
    assert says in "".join(form.errors[field])
    assert list(form.errors) == [field]
    shown = answer.content.decode()
    assert says in shown
    assert field == "document_number" or "甲公网安〔2027〕第1号" in shown
    assert field == "questionnaire" or value in shown
    assert Campaign.objects.count() == 1


def test_a_title_has_no_angle_brackets(world, selfcheck):
    answer = as_(world.officer).post(
        reverse("assessments:campaign_create"), draft(selfcheck, title="<b>检查</b>")
    )
    assert "不能含有 < 或 >" in answer.context["form"].errors["title"][0]
    assert "<b>检查" not in answer.content.decode()
    assert Campaign.objects.count() == 1


def test_forty_campaigns_are_counted_and_paged(world, selfcheck):
    client = as_(world.officer)
    for n in range(59):
        Campaign.objects.create(
            office=world.city_a,
            title=f"第{n}次检查",
            questionnaire=selfcheck.questionnaire,
            deadline=today(),
        )
    shown = client.get(reverse("assessments:campaign_list"))
    assert len(shown.context["page"]) == 50
    assert "共 60 项" in shown.content.decode()
    none = as_(world.officer_b).get(reverse("assessments:campaign_list"))
    assert "这里会列出专项行动" in none.content.decode()


def test_a_draft_is_changed_until_it_is_published(world, selfcheck):
    client = as_(world.officer)
    client.post(reverse("assessments:campaign_create"), draft(selfcheck))
    campaign = Campaign.objects.get(status="draft")
    edit = reverse("assessments:campaign_edit", args=[campaign.pk])
    assert f'value="{campaign.deadline.isoformat()}"' in client.get(edit).content.decode()
    client.post(edit, draft(selfcheck, title="改名的检查"))
    let_pass(campaign := Campaign.objects.get(pk=campaign.pk, title="改名的检查"))
    publish = reverse("assessments:campaign_publish", args=[campaign.pk])
    assert "报送截止日期已过" in client.post(publish, follow=True).content.decode()
    client.post(edit, draft(selfcheck, title="改名的检查"))
    assert "任务下达 1 个单位" in client.post(publish, follow=True).content.decode()
    answer = client.post(edit, draft(selfcheck, title="再改名"), follow=True)
    assert "不能再修改" in answer.content.decode()
    assert Campaign.objects.get(pk=campaign.pk).title == "改名的检查"
    acts = AuditEvent.objects.filter(object_type="assessments.campaign").order_by("id")
    assert list(acts.values_list("action", flat=True)) == [
        "campaign.create",
        "campaign.update",
        "campaign.update",
        "campaign.publish",
    ]


# --- 催报 -------------------------------------------------------------------------------------


def test_every_unit_to_be_urged_is_of_exactly_one_kind(world, selfcheck):
    region = Region.objects.get(code="370100")
    for n, (status, returned) in enumerate(
        [("filling", False), ("to_sign", False), ("filling", True), ("not_started", False)]
    ):
        unit = make_unit(f"单位{n}", f"11370100000000{n}11X", region, world.city_a)
        SelfCheck.objects.create(
            campaign=selfcheck.campaign,
            unit=unit,
            questionnaire=selfcheck.questionnaire,
            status=status,
            returned=returned,
        )
    as_(world.filler).get("/")
    world.filler.last_login = world.filler.created_at
    world.filler.save()
    counts = urging.counts(world.officer)
    assert counts == {"never": 3, "not_started": 1, "filling": 0, "returned": 1}
    assert sum(counts.values()) == SelfCheck.objects.to_be_urged().count()
    for kind, n in counts.items():
        assert urging.urged(world.officer, kind=kind).count() == n


def test_the_list_is_narrowed_to_a_campaign_and_names_it(world, selfcheck):
    second = open_selfcheck(world.unit_a, world.city_a)
    Campaign.objects.filter(pk=second.campaign_id).update(title="第二次检查")
    client = as_(world.officer)
    whole = page(client, "assessments:urge_list")
    assert "第二次检查" in whole
    assert selfcheck.campaign.title in whole
    narrowed = client.get(reverse("assessments:urge_list"), {"campaign": second.campaign_id})
    assert [s.pk for s in narrowed.context["page"]] == [second.pk]
    for nonsense in ("", "0", "x", "９", "9" * 40):
        answer = client.get(reverse("assessments:urge_list"), {"campaign": nonsense})
        assert len(answer.context["page"]) == 2


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("spoke_with", "", "必填，请填写。"),
        ("note", "", "必填，请填写。"),
        ("spoke_with", "王" * 61, "最多60个字，现为61个字"),
        ("note", "报" * 201, "最多200个字，现为201个字"),
    ],
)
def test_a_bad_call_is_told_at_its_field_and_nothing_is_lost(world, selfcheck, field, value, says):
    client = as_(world.officer)
    url = reverse("assessments:call", args=[selfcheck.pk])
    data = {"spoke_with": "王科长", "note": "下周三前报"} | {field: value}
    answer = client.post(f"{url}?kind=never", data)
    assert answer.status_code == 422
    shown = answer.content.decode()
    assert says in shown
    assert all(text in shown for text in data.values())
    assert world.unit_a.name in shown
    assert not CallRecord.objects.exists()
    # What is mended there is kept, and leads back to the list as it was narrowed.
    again = client.post(f"{url}?kind=never", {"spoke_with": "王科长", "note": "下周三前报"})
    assert again.url == f"{reverse('assessments:urge_list')}?kind=never"
    listed = page(client, "assessments:urge_list")
    assert "下周三前报" in listed
    assert "13900000001" in listed


def test_calls_are_recorded_by_those_who_supervise(world, selfcheck):
    url = reverse("assessments:call", args=[selfcheck.pk])
    data = {"spoke_with": "a", "note": "b"}
    assert as_(world.officer_b).post(url, data).status_code == 404
    assert as_(world.filler).post(url, data).status_code == 403
    assert as_(world.approver).post(url, data).status_code == 403
