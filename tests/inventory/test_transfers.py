"""A unit passes from one office to another: proposed, answered, ordered from above."""

import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from audit.models import AuditEvent
from emailsec.lib.workdays import today
from inbox.models import Message
from inbox.tasks import tell_transfers
from inventory import actions
from inventory.models import SupervisionTransfer, Unit
from tests.inventory.test_units import GOOD
from tests.world import make_unit

pytestmark = pytest.mark.django_db


def url(name: str, key: int) -> str:
    return reverse(f"inventory:{name}", args=[key])


@pytest.fixture
def propose(client, world):
    """甲市 offers 甲单位, which moves to 乙市."""
    client.force_login(world.officer)
    form = {"office": world.city_b.pk, "reason": "迁址", "region": "３７０２００"}
    page = client.post(url("unit_transfer", world.unit_a.pk), form, follow=True)
    assert "对方接收之前，监管关系不变" in page.content.decode()
    return SupervisionTransfer.objects.get()


def supervisor(world):
    return Unit.objects.get(pk=world.unit_a.pk).police_office()


def test_a_proposal_changes_nothing_until_it_is_accepted(client, world, propose):
    assert supervisor(world) == world.city_a
    assert not AuditEvent.objects.filter(action="unit.transfer").exists()
    client.force_login(world.officer_b)
    assert client.get(url("unit_detail", world.unit_a.pk)).status_code == 404
    page = client.get(url("transfer_detail", propose.pk)).content.decode()
    assert "甲市数据管理局" in page
    assert url("unit_detail", world.unit_a.pk) not in page
    assert "1 项待接收" in client.get(reverse("inventory:unit_list")).content.decode()
    client.post(url("transfer_accept", propose.pk))
    assert supervisor(world) == world.city_b
    assert Unit.objects.get(pk=world.unit_a.pk).region == world.city_b.region
    assert AuditEvent.objects.get(action="unit.transfer").details == {
        "from": world.city_a.name,
        "to": world.city_b.name,
        "reason": "迁址",
        "decision": "已接收",
        "region": ["丙省甲市", "丙省乙市"],
    }
    page = client.get(url("unit_detail", world.unit_a.pk)).content.decode()
    assert "迁址；行政区划由“丙省甲市”改为“丙省乙市”" in page
    # once more changes nothing, and says so
    again = client.post(url("transfer_accept", propose.pk), follow=True)
    assert "此项移交“已接收”，不能再办理" in again.content.decode()
    client.force_login(world.officer)
    assert client.get(url("unit_detail", world.unit_a.pk)).status_code == 404
    assert "已接收" in client.get(url("transfer_detail", propose.pk)).content.decode()


def test_declining_wants_a_reason_and_leaves_the_unit(client, world, propose):
    client.force_login(world.officer_b)
    bare = client.post(url("transfer_decline", propose.pk), {"reason": ""})
    assert bare.status_code == 422
    client.post(url("transfer_decline", propose.pk), {"reason": "仍在甲市"})
    propose.refresh_from_db()
    assert (propose.status, propose.answer) == ("declined", "仍在甲市")
    assert supervisor(world) == world.city_a
    assert AuditEvent.objects.get(action="unit.transfer_decline").details["reason"] == "仍在甲市"
    client.force_login(world.officer)
    assert "仍在甲市" in client.get(url("transfer_detail", propose.pk)).content.decode()


def test_only_one_proposal_is_open_and_the_giver_may_take_it_back(client, world, propose):
    form = {"office": world.province.pk, "reason": "升格"}
    page = client.post(url("unit_transfer", world.unit_a.pk), form).content.decode()
    assert "已有一项移交待接收" in page
    client.post(url("transfer_withdraw", propose.pk))
    propose.refresh_from_db()
    assert propose.status == "withdrawn"
    assert client.post(url("unit_transfer", world.unit_a.pk), form).status_code == 302


def test_the_form_wants_a_reason_and_another_office(client, world):
    client.force_login(world.officer)
    address = url("unit_transfer", world.unit_a.pk)
    bare = client.post(address, {"office": world.city_b.pk, "reason": ""})
    assert bare.context["form"].errors["reason"] == ["必填，请填写。"]
    same = client.post(address, {"office": world.city_a.pk, "reason": "x"})
    assert "无需变更" in same.content.decode()


def test_the_office_above_both_orders_at_once(client, world):
    client.force_login(world.officer_province)
    form = {"office": world.city_b.pk, "reason": "区划调整", "region": "370200"}
    client.post(url("unit_transfer", world.unit_a.pk), form)
    assert supervisor(world) == world.city_b
    row = SupervisionTransfer.objects.get()
    assert row.status == "ordered"
    assert AuditEvent.objects.get(action="unit.transfer").details["decision"] == "上级决定"


@pytest.mark.parametrize(
    "who", ["officer", "checker", "officer_industry", "filler", "system_admin"]
)
def test_nobody_but_the_taking_office_answers(world, propose, who):
    by = getattr(world, who)
    with pytest.raises(PermissionDenied):
        actions.accept_transfer(transfer=propose, by=by)
    with pytest.raises(PermissionDenied):
        actions.decline_transfer(transfer=propose, reason="x", by=by)
    assert supervisor(world) == world.city_a


def test_an_order_from_above_closes_the_open_proposal(world, propose):
    actions.transfer_unit(
        unit=world.unit_a, office=world.province, reason="升格", by=world.officer_province
    )
    with pytest.raises(actions.Refused, match="已撤回"):
        actions.accept_transfer(transfer=propose, by=world.officer_b)
    assert supervisor(world) == world.province


def told():
    tell_transfers()
    tell_transfers()
    return {m.recipient.username: m for m in Message.objects.select_related("recipient")}


def test_each_step_is_told_once_to_whom_it_concerns(client, world, propose):
    asked = told()
    assert set(asked) == {"officer_b"}
    assert asked["officer_b"].title == "请接收移交：甲市数据管理局"
    client.force_login(world.officer_b)
    assert client.get(asked["officer_b"].url).status_code == 200
    Message.objects.all().delete()
    actions.accept_transfer(transfer=propose, by=world.officer_b)
    done = told()
    assert set(done) == {"officer", "officer_b", "filler", "signer"}
    assert Message.objects.count() == 4
    assert done["officer_b"].title == "收到移交：甲市数据管理局"
    assert "理由：迁址" in done["officer"].body
    assert "变更为乙市公安局网安支队" in done["filler"].body
    assert "迁址" not in done["filler"].body
    assert client.get(done["officer_b"].url).status_code == 200


def test_a_declined_proposal_is_told_to_the_giver(world, propose):
    actions.decline_transfer(transfer=propose, reason="仍在甲市", by=world.officer_b)
    messages = told()
    assert set(messages) == {"officer"}
    assert "仍在甲市" in messages["officer"].body


# --- Who else may read ------------------------------------------------------------------------


def test_a_delegation_opens_the_unit_until_it_is_ended(client, world):
    client.force_login(world.officer)
    page = url("delegation_create", world.unit_a.pk)
    form = {"office": world.city_b.pk, "until": "2020-01-01", "reason": "联合检查"}
    assert "截止日期须在今天至一年以内" in client.post(page, form).content.decode()
    form["until"] = (today() + dt.timedelta(days=9)).isoformat()
    above = client.post(page, form | {"office": world.province.pk})
    assert "本来就能查阅" in above.content.decode()
    assert client.post(page, form).status_code == 302
    assert "已授权" in client.post(page, form).content.decode()
    row = world.unit_a.delegations.get()
    assert world.officer.username in row.given_by
    client.force_login(world.officer_b)
    shown = client.get(url("unit_detail", world.unit_a.pk)).content.decode()
    assert "乙市公安局网安支队，至" in shown
    assert client.post(url("delegation_end", row.pk)).status_code == 403
    client.force_login(world.officer)
    client.post(url("delegation_end", row.pk))
    client.force_login(world.officer_b)
    assert client.get(url("unit_detail", world.unit_a.pk)).status_code == 404
    acts = AuditEvent.objects.filter(action__startswith="unit.delegate").order_by("id")
    assert [e.action for e in acts] == ["unit.delegate", "unit.delegate_end"]


def test_the_superior_unit_is_named_by_its_code_and_may_read(client, world):
    client.force_login(world.officer)
    page = url("unit_superior", world.unit_a.pk)
    unknown = client.post(page, {"uscc": GOOD, "may_read": "on"})
    assert "没有登记此代码的单位" in unknown.content.decode()
    parent = make_unit(
        "丙省大数据中心", "123700000041555551", world.province.region, world.province
    )
    assert client.post(page, {"uscc": parent.uscc, "may_read": "on"}).status_code == 302
    world.unit_a.refresh_from_db()
    assert (world.unit_a.superior, world.unit_a.superior_may_read) == (parent, True)
    details = AuditEvent.objects.get(action="unit.superior").details
    assert details == {"superior": ["", parent.name], "may_read": [False, True]}
    client.force_login(world.filler)
    shown = client.get(url("unit_detail", world.unit_a.pk)).content.decode()
    assert "丙省大数据中心，可查阅" in shown
    assert client.post(page, {"uscc": ""}).status_code == 403
    with pytest.raises(actions.Refused, match="不能是本单位或其下级"):
        actions.set_superior(
            unit=parent, uscc=world.unit_a.uscc, may_read=True, by=world.officer_province
        )
    actions.set_superior(unit=world.unit_a, uscc="", may_read=True, by=world.officer)
    world.unit_a.refresh_from_db()
    assert (world.unit_a.superior, world.unit_a.superior_may_read) == (None, False)
