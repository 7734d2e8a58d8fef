"""Taking an account into use: the link, the typed code, and whoever tries to abuse them."""

import datetime as dt
import logging
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from django.db import connections, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import actions
from accounts.invitation_codes import digest_of, new_code
from accounts.models import Invitation, User
from accounts.policy import policy
from accounts.roles import Role
from audit.models import AuditEvent
from audit.trail import SYSTEM
from tests.accounts.factors import Phone

pytestmark = pytest.mark.django_db
URL = "/accounts/join/"
OWN = "Nj7-kite-moss-41"


@pytest.fixture
def invited(world) -> actions.Invited:
    return actions.open_account(
        username="lin.sr", name="填报人", role=Role.FILLER, unit=world.unit_a, by=world.system_admin
    )


def answers(**changes):
    fields = {"name": "林森", "phone": "", "new_password1": OWN, "new_password2": OWN}
    return fields | changes


def take_up(client, code, **changes):
    return client.post(URL, {"code": code, **answers(**changes)})


def test_the_code_opens_a_form_that_says_who_invites_whom_to_what(client, world, invited):
    assert "邀请码" in client.get(URL).content.decode()
    response = client.post(URL, {"code": invited.code})
    page = response.content.decode()
    for said in (
        "平台 系统管理员 system_admin",
        world.unit_a.name,
        "安全管理员确认后生效",
        "lin.sr",
    ):
        assert said in page
    assert response.context["form"]["name"].value() == ""
    assert "no-store" in response["Cache-Control"]
    assert Invitation.objects.open().count() == 1  # opening is not using


def test_whoever_bears_the_name_of_its_role_is_told_once(client, world):
    world.system_admin.name = "系统管理员"
    world.system_admin.save()
    issued = actions.open_account(
        username="lin.s2", name="填报人", role=Role.FILLER, unit=world.unit_a, by=world.system_admin
    )
    page = client.post(URL, {"code": issued.code}).content.decode()
    assert "平台 系统管理员" in page
    assert "系统管理员 系统管理员" not in page


def test_who_takes_it_up_is_in_by_name_with_a_password_of_their_own(client, world, invited):
    response = take_up(client, invited.code, phone="139-0000-0001")
    assert response.url == reverse("dashboards:home")
    user = User.objects.get(username="lin.sr")
    assert (user.name, user.phone) == ("林森", "139-0000-0001")
    assert user.check_password(OWN)
    assert client.session["_auth_user_id"] == str(user.pk)
    assert "lin.sr" in client.get(reverse("inbox:list")).content.decode()
    actions_of = AuditEvent.objects.filter(object_id=str(user.pk)).order_by("id")
    assert list(actions_of.values_list("action", "actor_id")) == [
        ("account.create", world.system_admin.pk),
        ("account.join", user.pk),
        ("account.login", user.pk),
    ]


@pytest.mark.parametrize("typed", ["lower", "spaces", "full"])
def test_a_code_may_be_typed_as_people_type(client, invited, typed):
    code = {
        "lower": invited.code.lower(),
        "spaces": f" {invited.code.replace('-', ' ')} ",
        "full": invited.code.translate({c: c + 0xFEE0 for c in range(0x21, 0x7F)}),
    }[typed]
    assert "lin.sr" in client.post(URL, {"code": code}).content.decode()


def test_codes_are_long_and_differ():
    made = {new_code() for _ in range(200)}
    assert len(made) == 200
    for code in made:
        assert len(code.replace("-", "")) == 25
        assert not set(code) & set("0O1IL2Z5SUV")
    assert len(digest_of("x")) == 64


def spoil(invited, how):
    rows = Invitation.objects.filter(user=invited.user)
    if how == "used":
        assert take_up(Client(), invited.code).status_code == 302
    elif how == "expired":
        rows.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    elif how == "withdrawn":
        actions.withdraw_invitation(user=invited.user, by=SYSTEM)
    elif how == "renewed":
        actions.stop_and_invite(user=invited.user, by=SYSTEM)
    elif how == "deactivated":
        User.objects.filter(pk=invited.user.pk).update(is_active=False)


@pytest.mark.parametrize("how", ["used", "expired", "withdrawn", "renewed", "deactivated"])
def test_a_dead_code_reads_like_one_that_never_was_and_does_nothing(client, invited, how):
    spoil(invited, how)
    before = User.objects.get(pk=invited.user.pk).password
    never = client.post(URL, {"code": new_code()})
    for response in (
        client.post(URL, {"code": invited.code}),
        take_up(client, invited.code, new_password1="Other-7-lamp", new_password2="Other-7-lamp"),
    ):
        assert response.status_code == never.status_code == 422
        assert response.context["form"].errors == never.context["form"].errors
        assert "lin.sr" not in response.content.decode()
    assert User.objects.get(pk=invited.user.pk).password == before
    assert "_auth_user_id" not in client.session


def test_of_two_windows_the_first_wins(client, invited):
    other = Client()
    for window in (client, other):
        assert "lin.sr" in window.post(URL, {"code": invited.code}).content.decode()
    assert take_up(client, invited.code).status_code == 302
    late = take_up(
        other, invited.code, name="他人", new_password1="Other-7-lamp", new_password2="Other-7-lamp"
    )
    assert late.status_code == 422
    user = User.objects.get(username="lin.sr")
    assert user.name == "林森"
    assert user.check_password(OWN)


def test_a_race_lost_at_the_last_moment_is_told_as_a_dead_code(invited, monkeypatch):
    from accounts.forms import JoinForm

    form = JoinForm(invited.user, answers())
    assert form.is_valid()
    invitation = Invitation.objects.get(user=invited.user)
    Invitation.objects.update(used_at=timezone.now())
    with pytest.raises(actions.Refused, match="邀请码无效"):
        actions.join(form, invitation=invitation)
    assert not User.objects.get(pk=invited.user.pk).has_usable_password()


def test_fields_that_the_form_does_not_have_change_nothing(client, world, invited):
    response = client.post(
        URL,
        {
            "code": invited.code,
            **answers(),
            "username": "root",
            "user": world.approver.pk,
            "role": "approver",
            "is_active": "0",
            "unit": world.unit_b.pk,
        },
    )
    assert response.status_code == 302
    user = User.objects.get(username="lin.sr")
    seat = user.memberships.get()
    assert (seat.role, seat.unit, seat.active) == ("filler", world.unit_a, False)
    assert user.is_active
    assert not world.approver.check_password(OWN)


def test_a_swapped_code_takes_up_its_own_account_and_no_other(client, world, invited):
    other = actions.open_account(
        username="gu.sr", name="审签人", role=Role.SIGNER, unit=world.unit_b, by=SYSTEM
    )
    client.post(URL, {"code": invited.code})
    take_up(client, other.code, name="顾某")
    assert not User.objects.get(username="lin.sr").has_usable_password()
    assert User.objects.get(username="gu.sr").name == "顾某"


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"name": ""}, "name", "必填"),
        ({"name": "<script>alert(1)</script>"}, "name", "不能含有"),
        ({"name": "=HYPERLINK(1)"}, "name", "公式"),
        ({"phone": "abc"}, "phone", "只能含数字"),
        ({"new_password2": "x"}, "new_password2", "不一致"),
        ({"new_password1": "kurz", "new_password2": "kurz"}, "new_password1", "至少10位"),
        (
            {
                "name": "Linsen Kite",
                "new_password1": "Linsen Kite-9",
                "new_password2": "Linsen Kite-9",
            },
            "new_password1",
            "相似",
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_the_invitation_lives(
    client, invited, changes, field, says
):
    response = take_up(client, invited.code, **changes)
    assert response.status_code == 422
    assert says in " ".join(response.context["form"].errors[field])
    assert f'value="{invited.code}"' in response.content.decode()
    assert Invitation.objects.open().count() == 1
    assert take_up(client, invited.code).status_code == 302


def test_another_person_s_session_ends_when_one_takes_up_an_account(client, world, invited):
    client.force_login(world.signer)
    key = client.session.session_key
    assert "现以“signer”登录" in client.post(URL, {"code": invited.code}).content.decode()
    take_up(client, invited.code)
    assert client.session["_auth_user_id"] == str(invited.user.pk)
    assert client.session.session_key != key


def test_guessing_is_slowed_by_address_and_on_record(client, invited):
    most = policy().invitation.misses
    for _ in range(most):
        assert client.post(URL, {"code": new_code()}).status_code == 422
    for response in (client.post(URL, {"code": invited.code}), client.get(URL)):
        assert response.status_code == 429
        assert "错误邀请码过多" in response.content.decode()
    elsewhere = {"REMOTE_ADDR": "192.0.2.9"}
    assert client.post(URL, {"code": invited.code}, **elsewhere).status_code == 200
    missed = AuditEvent.objects.filter(action="account.join_failed", result="failed")
    assert missed.count() == most


def test_in_the_new_internet_the_whole_neighbourhood_counts(client, invited):
    for n in range(policy().invitation.misses):
        client.post(URL, {"code": new_code()}, REMOTE_ADDR=f"2001:db8::{n}")
    assert client.get(URL, REMOTE_ADDR="2001:db8::ffff").status_code == 429
    assert client.get(URL, REMOTE_ADDR="2001:db8:0:1::1").status_code == 200


def test_code_and_password_are_kept_nowhere(client, invited, caplog):
    with caplog.at_level(logging.DEBUG):
        client.post(URL, {"code": new_code()})
        client.post(URL, {"code": invited.code})
        take_up(client, invited.code, name="")
        take_up(client, invited.code)
        Client(enforce_csrf_checks=True).post(URL, {"code": invited.code})
    kept = f"{caplog.text}{list(AuditEvent.objects.values())}{list(Invitation.objects.values())}"
    for secret in (invited.code, invited.code.replace("-", ""), OWN):
        assert secret not in kept


def test_a_stranger_s_page_cannot_take_an_invitation_up(invited):
    outside = Client(enforce_csrf_checks=True)
    assert take_up(outside, invited.code).status_code == 403
    assert Invitation.objects.open().count() == 1


def test_who_must_have_a_second_factor_reaches_nothing_before_it(client, world, settings):
    settings.SECOND_FACTOR_REQUIRED = True
    invited = actions.open_account(
        username="fang.sr", name="批准人", role=Role.APPROVER, office=world.city_a, by=SYSTEM
    )
    assert take_up(client, invited.code, name="方某").status_code == 302
    assert client.get(reverse("dashboards:home")).url == reverse("accounts:security")
    assert client.get(reverse("rectification:notice_list")).status_code == 302


def test_a_second_factor_is_asked_of_who_sets_a_password_anew(client, world):
    Phone(world.approver)
    invited = actions.stop_and_invite(user=world.approver, by=SYSTEM)
    assert take_up(client, invited.code).status_code == 302
    came = client.get(reverse("dashboards:home"))
    assert came.url.startswith(reverse("accounts:second_factor"))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_come_at_once_with_one_code_only_one_comes_in(world, invited):
    def come(number):
        try:
            return take_up(Client(), invited.code, name=f"来人{number}").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor() as pool:
        with transaction.atomic():
            User.objects.select_for_update().get(pk=invited.user.pk)
            waiting = [pool.submit(come, number) for number in (1, 2)]
            wait(waiting, timeout=3)  # both have read the code and stand before writing
        assert sorted(each.result() for each in waiting) == [302, 422]
    assert AuditEvent.objects.filter(action="account.join").count() == 1
