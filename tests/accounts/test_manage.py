"""Accounts of others: the system administrator's pages, and the command for the 三员."""

import logging
import re

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse

from accounts.invitation_codes import digest_of
from accounts.models import Invitation, Membership, User
from audit.models import AuditEvent
from tests.world import PASSWORD, make_unit, make_user

pytestmark = pytest.mark.django_db
LIST = "accounts:list"


def data(**changes):
    fields = {
        "username": "wang.xm",
        "name": "王小明",
        "phone": "",
        "role": "filler",
        "office": "",
        "unit_code": "11370100004188888K",
    }
    return fields | changes


@pytest.fixture
def admin(client, world):
    client.force_login(world.system_admin)
    return client


@pytest.mark.parametrize(
    "who",
    ["filler", "signer", "officer", "approver", "security_admin", "audit_admin", "nobody"],
)
def test_nobody_else_manages_accounts(client, world, who):
    client.force_login(getattr(world, who))
    target = world.filler_b.pk
    assert client.get(reverse(LIST)).status_code == 403
    assert client.get(reverse("accounts:create")).status_code == 403
    assert client.post(reverse("accounts:create"), data()).status_code == 403
    assert client.post(reverse("accounts:password_reset", args=[target])).status_code == 403
    form = {"active": "no"}
    assert client.post(reverse("accounts:set_active", args=[target]), form).status_code == 403
    world.filler_b.refresh_from_db()
    assert world.filler_b.is_active
    assert world.filler_b.check_password(PASSWORD)


def test_the_administrator_reaches_no_business_data(admin, world):
    for url in (
        reverse("inventory:unit_detail", args=[world.unit_a.pk]),
        reverse("inventory:system_detail", args=[world.system_a.pk]),
    ):
        assert admin.get(url).status_code == 404
    page = admin.get(reverse(LIST)).content.decode()
    assert "jia.gov.test" not in page
    assert "13900000001" not in page  # no contact's telephone either


def test_the_list_filters_and_asks_a_fixed_number_of_times(
    admin, world, django_assert_num_queries, django_assert_max_num_queries
):
    with django_assert_max_num_queries(15) as few:
        admin.get(reverse(LIST))
    for n in range(30):
        unit = make_unit(f"单位{n}", f"{n:018d}", world.city_a.region, None)
        make_user(f"more{n}", "reader", unit)
    with django_assert_num_queries(len(few)):
        admin.get(reverse(LIST))
    for query, found in (
        ({"q": "officer_b"}, {"officer_b"}),
        ({"role": "approver"}, {"approver"}),
        ({"state": "off"}, set()),
        ({"state": "invited"}, set()),
    ):
        page = admin.get(reverse(LIST), query).context["page"]
        assert {u.username for u in page} == found


def told(response) -> tuple[User, str]:
    """Whom an answer invites, and the code that stands in it."""
    issued = response.context["issued"]
    assert issued.code in response.content.decode()
    return issued.user, issued.code


def test_a_new_account_gets_a_one_time_link_that_is_shown_once(admin, world, caplog):
    with caplog.at_level(logging.DEBUG):
        response = admin.post(reverse("accounts:create"), data())
    user, code = told(response)
    page = response.content.decode()
    assert f"http://127.0.0.1:8000/accounts/join/#{code}" in page
    assert "<svg" in page
    assert "no-store" in response["Cache-Control"]
    assert not user.has_usable_password()
    assert user.unit is None  # until the 安全管理员 confirms it
    assert user.memberships.get().unit == world.unit_a
    invitation = user.invitations.get()
    assert invitation.digest == digest_of(code)
    assert invitation.inviter == "平台 系统管理员 system_admin"
    kept = f"{caplog.text}{list(AuditEvent.objects.values())}{list(Invitation.objects.values())}"
    assert code not in kept + str(dict(admin.session.items()))
    shown = admin.get(reverse(LIST)).content.decode()
    assert code not in shown
    assert "未设口令" in shown
    assert [u.username for u in admin.get(reverse(LIST), {"state": "invited"}).context["page"]] == [
        "wang.xm"
    ]


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"username": "FILLER"}, "username", "已被使用"),
        ({"username": "王小明"}, "username", "3至40位"),
        ({"username": "ab"}, "username", "3至40位"),
        ({"name": ""}, "name", "必填"),
        ({"phone": "abc"}, "phone", "只能含数字"),
        ({"role": "system_admin"}, "role", "system_admin"),
        ({"unit_code": ""}, "unit_code", "须填写单位"),
        ({"unit_code": "12345"}, "unit_code", "应为18位"),
        ({"unit_code": "91110000600037341L"}, "unit_code", "没有登记过"),
        ({"role": "approver"}, "office", "须选择监管机关"),
        ({"role": "approver"}, "unit_code", "不填单位"),
        ({"office": "city_a"}, "office", "不选监管机关"),
        ({"role": "approver", "office": "99999", "unit_code": ""}, "office", "选"),
    ],
)
def test_role_and_place_must_fit(admin, world, changes, field, says):
    if changes.get("office") == "city_a":
        changes = changes | {"office": str(world.city_a.pk)}
    response = admin.post(reverse("accounts:create"), data(**changes))
    assert says in " ".join(response.context["form"].errors[field])
    assert not User.objects.filter(username="wang.xm").exists()


def test_an_account_in_an_office(admin, world):
    form = data(role="approver", office=str(world.city_b.pk), unit_code="")
    admin.post(reverse("accounts:create"), form)
    seat = Membership.objects.get(user__username="wang.xm")
    assert (seat.role, seat.office, seat.unit) == ("approver", world.city_b, None)


def test_a_reset_stops_password_and_sessions_and_invites_anew(admin, world):
    elsewhere = Client()
    elsewhere.force_login(world.filler)
    url = reverse("accounts:password_reset", args=[world.filler.pk])
    _, first = told(admin.post(url))
    world.filler.refresh_from_db()
    assert not world.filler.has_usable_password()
    assert elsewhere.get(reverse("inbox:list")).url.startswith(reverse("accounts:login"))
    event = AuditEvent.objects.get(action="account.reset_password")
    assert event.object_id == str(world.filler.pk)
    _, second = told(admin.post(url))
    assert Invitation.objects.open().get().digest == digest_of(second) != digest_of(first)


def test_an_invitation_can_be_taken_back(admin, world):
    told(admin.post(reverse("accounts:password_reset", args=[world.filler.pk])))
    url = reverse("accounts:invitation_withdraw", args=[world.filler.pk])
    assert url in admin.get(reverse(LIST)).content.decode()
    assert "已收回" in admin.post(url, follow=True).content.decode()
    assert not Invitation.objects.open().exists()
    assert "没有可收回的邀请" in admin.post(url, follow=True).content.decode()
    assert url not in admin.get(reverse(LIST)).content.decode()
    assert AuditEvent.objects.filter(action="account.withdraw_invitation").count() == 1


def test_deactivating_and_activating(admin, world):
    url = reverse("accounts:set_active", args=[world.filler.pk])
    assert admin.get(url).status_code == 405
    assert "已停用" in admin.post(url, {"active": "no"}, follow=True).content.decode()
    world.filler.refresh_from_db()
    assert not world.filler.is_active
    assert "已启用" in admin.post(url, {"active": "yes"}, follow=True).content.decode()
    assert list(
        AuditEvent.objects.filter(object_id=str(world.filler.pk))
        .order_by("id")
        .values_list("action", flat=True)
    ) == ["account.deactivate", "account.activate"]


@pytest.mark.parametrize("target", ["audit_admin", "security_admin", "system_admin"])
def test_the_three_are_beyond_the_administrators_reach(admin, world, target):
    user = getattr(world, target)
    reset = admin.post(reverse("accounts:password_reset", args=[user.pk]), follow=True)
    off = admin.post(reverse("accounts:set_active", args=[user.pk]), {"active": "no"}, follow=True)
    for page in (reset, off):
        assert "三员账号不在平台内管理" in page.content.decode() or "自己的账号" in (
            page.content.decode()
        )
    user.refresh_from_db()
    assert user.is_active
    assert user.check_password(PASSWORD)


def test_an_unknown_account_is_not_found(admin):
    assert admin.post(reverse("accounts:password_reset", args=[999999])).status_code == 404


def test_the_command_creates_and_renews_the_three_only(world, capsys):
    def printed() -> str:
        out = capsys.readouterr().out
        code = re.search(r"邀请码 (\S+)", out)[1]
        assert f"/accounts/join/#{code}" in out
        return code

    call_command("portal_account", "ops.admin", role="system_admin", name="运维")
    first = printed()
    user = User.objects.get(username="ops.admin")
    assert not user.has_usable_password()
    assert user.roles == {"system_admin"}
    assert user.invitations.get().digest == digest_of(first)
    user.set_password(PASSWORD)
    user.save()
    call_command("portal_account", "ops.admin")
    second = printed()
    user.refresh_from_db()
    assert not user.check_password(PASSWORD)
    assert Invitation.objects.open().get().digest == digest_of(second)
    with pytest.raises(CommandError, match="不是三员账号"):
        call_command("portal_account", "filler")
    with pytest.raises(CommandError, match="--role"):
        call_command("portal_account", "new.one")
    assert first not in str(list(AuditEvent.objects.values()))
