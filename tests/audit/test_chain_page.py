"""What the 审计管理员 sees of one event and of the whole chain, and how a verification is asked."""

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from audit import anchors, guards, sealing
from audit.actions import run_verification, verification_asked, watch
from audit.models import AuditEvent
from audit.trail import SYSTEM, origin_address, record
from audit.views import Row

pytestmark = pytest.mark.django_db
CHAIN = "/audit/chain/"


@pytest.fixture
def auditor(world) -> Client:
    client = Client()
    client.force_login(world.audit_admin)
    return client


def text_of(client: Client, url: str, **query) -> str:
    answer = client.get(url, query)
    assert answer.status_code == 200
    return answer.content.decode()


def page_of(event: AuditEvent) -> str:
    return reverse("audit:detail", args=[event.pk])


def falsify(event: AuditEvent) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER USER")
        cursor.execute("UPDATE audit_auditevent SET object_label = '别' WHERE id = %s", [event.pk])


def test_one_event_is_shown_whole(world, auditor):
    token = origin_address.set("192.0.2.7")
    details = {"单位地址": ["旧址", "新址"], "import": 3}
    event = record("unit.update", world.unit_a, by=world.officer, details=details)
    origin_address.reset(token)
    text = text_of(auditor, page_of(event))
    for word in ("前后对照", "旧址", "新址", event.digest, str(event.uid), "正待封存", "192.0.2.7"):
        assert word in text
    sealing.seal()
    text = text_of(auditor, page_of(event))
    assert "序号 " in text
    assert "正待封存" not in text


def test_a_move_tells_its_states_in_words(world, auditor):
    event = record("unit.transfer", world.unit_a, by=SYSTEM, details={"from": "甲队", "to": "乙队"})
    assert "甲队" in text_of(auditor, page_of(event))
    move = AuditEvent(object_type="assessments.selfcheck", action="selfcheck.start")
    move.details = {"from": "not_started", "to": "filling"}
    assert Row(move).changes == [("自查", "待填报", "填报中")]


def test_everything_about_an_object_and_from_an_address(world, auditor):
    record("unit.update", world.unit_a, by=world.officer)
    record("unit.read", world.unit_a, by=world.officer)
    record("unit.update", world.unit_b, by=world.officer_b)
    token = origin_address.set("192.0.2.7")
    record("account.login", world.officer, by=world.officer)
    origin_address.reset(token)
    url = reverse("audit:list")
    answer = auditor.get(url, {"kind": "inventory.unit", "key": world.unit_a.pk})
    assert {e.action for e in answer.context["page"]} == {"unit.update", "unit.read"}
    assert [e.action for e in auditor.get(url, {"address": "192.0.2."}).context["page"]] == [
        "account.login"
    ]
    kinds = dict(answer.context["filter"].form.fields["kind"].choices)
    assert {"inventory.unit", "accounts.user"} <= kinds.keys()


def test_a_falsified_event_says_so_on_its_page(world, auditor):
    event = record("unit.update", world.unit_a, by=world.officer)
    sealing.seal()
    falsify(event)
    assert "已被改动" in text_of(auditor, page_of(event))


def test_the_chain_page_tells_how_the_trail_stands(world, auditor):
    assert "还没有核验过" in text_of(auditor, CHAIN)
    record("unit.update", world.unit_a, by=world.officer)
    sealing.seal()
    anchors.write()
    run_verification()
    record("unit.update", world.unit_b, by=world.officer)
    text = text_of(auditor, CHAIN)
    for word in ("没有发现改动、缺失或调换", anchors.latest().sha256, "待封存 <b>2</b> 条"):
        assert word in text
    if connection.vendor == "postgresql":
        assert "只能追加，不能改动和删除" in text
        guards.remove(connection)
        assert "audit_auditevent_append_only 不在" in text_of(auditor, CHAIN)


def test_a_verification_is_asked_by_a_button_and_done_by_the_worker(world, auditor):
    event = record("unit.update", world.unit_a, by=world.officer)
    watch()
    falsify(event)
    assert auditor.post("/audit/chain/verify/", follow=True).redirect_chain == [(CHAIN, 302)]
    asked = AuditEvent.objects.get(action="audit.ask")
    assert asked.actor_id == world.audit_admin.pk
    assert "正在等待结果" in text_of(auditor, CHAIN)
    watch()
    assert not verification_asked()
    text = text_of(auditor, CHAIN)
    assert "发现 1 处异常" in text
    assert f"日志 {event.pk}（封存序号" in text
    count = AuditEvent.objects.filter(action="audit.verify").count()
    watch()
    assert AuditEvent.objects.filter(action="audit.verify").count() == count


@pytest.mark.parametrize("who", ["system_admin", "security_admin", "officer", "filler", "nobody"])
def test_nobody_else_sees_or_asks(world, who):
    event = record("unit.update", world.unit_a, by=world.officer)
    client = Client()
    client.force_login(getattr(world, who))
    for url in (page_of(event), CHAIN):
        assert client.get(url).status_code == 403
    assert client.post("/audit/chain/verify/").status_code == 403
    assert not AuditEvent.objects.filter(action="audit.ask").exists()


def test_an_event_that_is_not_there_is_404(world, auditor):
    assert auditor.get("/audit/999999999/").status_code == 404
