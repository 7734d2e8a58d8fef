"""What a unit's person sees first, and where the 三员 are led."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from assessments.models import SelfCheck
from dashboards import unit_home
from emailsec.lib.workdays import today
from inventory.models import MailSystem
from rectification.models import Notice
from tests.dashboards import figures
from tests.reports.case import BEFORE, letter_for, look
from tests.world import PASSWORD, make_system

pytestmark = pytest.mark.django_db


def home(client, user):
    assert client.login(username=user.username, password=PASSWORD)
    return client.get(reverse("dashboards:home"))


def next_of(client, user):
    step = home(client, user).context["next"]
    return step.label if step else None


def ask(world, status="not_started", **more):
    asked = figures.campaign(world)
    return SelfCheck.objects.create(
        campaign=asked, unit=world.unit_a, questionnaire=asked.questionnaire, status=status, **more
    )


def notice(world, status, number="甲公网安限字〔2026〕第1号"):
    return Notice.objects.create(
        office=world.city_a,
        unit=world.unit_a,
        status=status,
        number=number,
        deadline=today() + dt.timedelta(days=5),
        drafted_by=world.officer,
    )


def test_the_filler_is_led_from_registering_to_authorising(world, client):
    MailSystem.objects.filter(unit=world.unit_a).delete()
    assert next_of(client, world.filler) == "登记邮件系统"
    system = make_system(world.unit_a, "neu.test")
    assert next_of(client, world.filler) == "填写探测授权书"
    check = ask(world)
    assert next_of(client, world.filler) == "开始自查"
    SelfCheck.objects.filter(pk=check.pk).update(status="filling")
    assert next_of(client, world.filler) == "继续自查"
    SelfCheck.objects.filter(pk=check.pk).update(returned=True)
    check.changes.create(
        action="return", source="to_review", target="filling", at=check.created_at, reason="请改"
    )
    assert next_of(client, world.filler) == "按意见修改"
    SelfCheck.objects.filter(pk=check.pk).update(status="to_review", returned=False)
    letter_for(system)
    response = home(client, world.filler)
    assert response.context["next"] is None
    assert "目前没有需要您办理的事项" in response.text


def test_the_signer_signs_what_waits_for_a_signature(world, client):
    check = ask(world, status="to_sign")
    letter_for(world.system_a)
    assert next_of(client, world.signer) == "核对并审签"
    served = notice(world, "served")
    response = home(client, world.signer)
    assert response.context["next"].label == "签收整改通知"
    assert served.number in response.text
    assert check.campaign.title in response.text


def test_the_unit_never_sees_a_draft_or_anothers_case(world, client):
    notice(world, "drafted", number="")
    figures.finding(world, world.unit_b, 1, title="别家的问题")
    figures.finding(world, world.unit_a, 2, title="自家的问题")
    response = home(client, world.filler)
    assert "拟稿" not in response.text
    assert "别家的问题" not in response.text
    assert "自家的问题" in response.text
    assert response.context["counts"]["unclosed"] == 1


def test_what_was_seen_stands_beside_each_system(world, client):
    look(world.system_a, BEFORE, letter_for(world.system_a))
    response = home(client, world.filler)
    [system] = response.context["systems"]
    assert system.permitted
    assert system.seen["bad"] == 2
    assert "不符合 2" in response.text


def test_an_empty_unit_reads_what_will_appear(world, client):
    MailSystem.objects.filter(unit=world.unit_a).delete()
    text = home(client, world.filler).text
    for words in ("现在还没有", "没有待办的整改通知", "没有未销号的问题", "还没有登记邮件系统"):
        assert words in text


def test_the_home_costs_the_same_with_3_and_with_30_rows(world, client):
    def add(start, count):
        for n in range(start, start + count):
            make_system(world.unit_a, f"n{n}.test", name=f"系统{n}")
            figures.finding(world, world.unit_a, n)
            ask(world, status="accepted")

    add(1, 3)
    home(client, world.filler)
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("dashboards:home"))
    add(4, 27)
    with CaptureQueriesContext(connection) as many:
        response = client.get(reverse("dashboards:home"))
    assert len(many) == len(few)
    assert len(response.context["findings"]) == unit_home._SHOWN
    assert response.context["more_findings"]


def test_the_three_officers_are_led_to_their_work(world, client):
    for who, page in (
        ("system_admin", "accounts:list"),
        ("security_admin", "accounts:powers"),
        ("audit_admin", "audit:list"),
    ):
        response = home(client, getattr(world, who))
        assert (response.status_code, response.url) == (302, reverse(page))
        entries = client.get(response.url).context["nav"]
        assert [entry.url for entry in entries if entry.active] == [response.url]
    response = home(client, world.nobody)
    assert "还没有分配到单位或监管机关" in response.text
    client.logout()
    assert client.get(reverse("dashboards:home")).status_code == 302


def labels(client, user):
    return [entry.label for entry in home(client, user).context["nav"]]


def test_the_navigation_shows_each_side_its_own(world, client):
    office = labels(client, world.officer)
    for label in ("总览", "单位", "专项行动", "催报", "文书"):
        assert label in office
    assert not {"首页", "本单位", "自查", "账号"} & set(office)
    assert "催报" not in labels(client, world.approver)
    unit = labels(client, world.filler)
    assert unit[:3] == ["首页", "本单位", "自查"]
    assert not {"总览", "单位", "专项行动", "催报"} & set(unit)
    assert labels(client, world.nobody) == []
