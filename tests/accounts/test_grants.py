"""Grants: one asks, another confirms, and either takes away at once; all of it on the trail."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import localdate

from accounts import actions
from accounts.models import Grant, UnifiedIdentity, User
from accounts.roles import Role
from audit.models import AuditEvent
from audit.trail import SYSTEM
from tests.world import make_user

pytestmark = pytest.mark.django_db
OWN = "Nj7-kite-moss-41"


def as_(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def again(user) -> User:
    """Their powers as the next request reads them."""
    return User.objects.get(pk=user.pk)


@pytest.fixture
def admin(world):
    return as_(world.system_admin)


@pytest.fixture
def security(world):
    return as_(world.security_admin)


@pytest.fixture
def asked(admin, world) -> Grant:
    """A request that the 承办人 also check in 甲市支队."""
    form = {"role": "checker", "office": str(world.city_a.pk), "reason": "接替王某"}
    admin.post(reverse("accounts:role_add", args=[world.officer.pk]), form)
    return Grant.objects.get()


def decide(client, grant, action, reason=""):
    url = reverse("accounts:grant", args=[grant.pk])
    return client.post(url, {"action": action, "reason": reason}, follow=True)


def test_a_role_counts_only_after_another_person_confirmed_it(admin, security, world, asked):
    assert (asked.status, asked.requested_by) == ("requested", world.system_admin)
    assert again(world.officer).roles == {"case_officer"}
    assert decide(admin, asked, "confirm").status_code == 403
    queue = security.get(reverse("accounts:grant_list")).content.decode()
    assert "接替王某" in queue
    assert '授权确认<b class="count">1</b>' in queue
    page = decide(security, asked, "confirm").content.decode()
    assert '授权确认<b class="count">' not in page
    assert again(world.officer).roles == {"case_officer", "checker"}
    asked.refresh_from_db()
    assert (asked.status, asked.decided_by) == ("confirmed", world.security_admin)
    assert asked.since
    event = AuditEvent.objects.get(action="grant.confirm")
    assert event.actor_id == world.security_admin.pk
    place = world.city_a.name
    assert event.details["before"] == f"{place} 承办人"
    assert event.details["after"] == f"{place} 承办人、{place} 审核人"
    assert AuditEvent.objects.get(action="grant.request").details["reason"] == "接替王某"


def take_up(code, name="王小明", password=OWN) -> Client:
    """Somebody uses an invitation; who they are the portal cannot know."""
    client = Client()
    form = {"code": code, "name": name, "new_password1": password}
    answer = client.post(reverse("accounts:join"), form | {"new_password2": password})
    assert answer.status_code == 302
    return client


def reset(admin, user) -> str:
    """The code that the administrator reads."""
    answer = admin.post(reverse("accounts:password_reset", args=[user.pk]))
    assert "任职须由安全管理员确认" in answer.content.decode()
    return answer.context["issued"].code


def sees_nothing(client, world) -> bool:
    """Whether they read that their roles wait, and reach no page of the business."""
    home = client.get(reverse("dashboards:home"))
    assert "您的角色待安全管理员确认" in home.content.decode()
    pages = [
        client.get(reverse("inventory:unit_list")),
        client.get(reverse("inventory:unit_detail", args=[world.unit_a.pk])),
        client.get(reverse("rectification:notice_list")),
        client.get(reverse("assessments:campaign_list")),
    ]
    for page in pages:
        if page.status_code == 403:
            assert "没有生效的角色" in page.content.decode()
            assert "您看得到这项内容" not in page.content.decode()
    return {page.status_code for page in pages} <= {403, 404}


def test_a_new_account_works_nowhere_until_then(admin, security, world):
    form = {
        "username": "wang.xm",
        "name": "王小明",
        "role": "approver",
        "office": str(world.city_a.pk),
    }
    answer = admin.post(reverse("accounts:create"), form)
    assert "任职须由安全管理员确认" in answer.content.decode()
    user = User.objects.get(username="wang.xm")
    assert not user.can("notice.approve")
    theirs = take_up(answer.context["issued"].code)
    assert sees_nothing(theirs, world)
    page = security.get(reverse("accounts:grant", args=[Grant.objects.get().pk])).content.decode()
    assert "确认前请直接向本人核实" in page
    assert "平台 系统管理员 system_admin" in page
    decide(security, Grant.objects.get(), "confirm")
    assert again(user).can("notice.approve")
    assert theirs.get(reverse("inventory:unit_list")).status_code == 200


def test_a_role_is_not_confirmed_to_whoever_comes_next(admin, security, world):
    """While a code is about, whoever holds it would come in with the confirmed role."""
    form = {"username": "wang.xm", "name": "王", "role": "approver", "office": world.city_a.pk}
    code = admin.post(reverse("accounts:create"), form).context["issued"].code
    grant = Grant.objects.get()
    page = security.get(reverse("accounts:grant", args=[grant.pk])).content.decode()
    assert "邀请还没有使用" in page
    assert 'value="confirm"' not in page
    assert 'value="refuse"' in page
    assert "邀请还没有使用" in decide(security, grant, "confirm").content.decode()
    user = grant.user
    admin.post(reverse("accounts:invitation_withdraw", args=[user.pk]))
    assert "还没有由本人启用" in decide(security, grant, "confirm").content.decode()
    assert again(user).roles == set()
    assert Client().post(reverse("accounts:join"), {"code": code}).status_code == 422


def test_an_identity_at_the_unified_log_in_takes_an_account_up(security, world):
    user = make_user("someone", None)
    grant = actions.seat(user=user, role=Role.CHECKER, office=world.city_a, by=world.system_admin)
    user.set_unusable_password()
    user.save()
    assert "还没有由本人启用" in decide(security, grant, "confirm").content.decode()
    UnifiedIdentity.objects.create(user=user, issuer="https://id.test", subject="1")
    decide(security, grant, "confirm")
    assert again(user).roles == {"checker"}


def test_the_administrator_takes_no_account_over_by_its_password(admin, security, world):
    actions.request_grant(
        user=world.officer, role=Role.CHECKER, office=world.city_a, unit=None, reason="", by=SYSTEM
    )
    before = Grant.objects.get()
    code = reset(admin, world.officer)
    attacker = take_up(code, name="officer")
    assert sees_nothing(attacker, world)
    # Nor by what lies beside: a second reset, asking for the role once more, stopping and starting.
    attacker = take_up(reset(admin, world.officer), name="officer", password="Kv8-moon-fern-52")
    url = reverse("accounts:set_active", args=[world.officer.pk])
    form = {"role": "case_officer", "office": str(world.city_a.pk), "reason": "x"}
    admin.post(reverse("accounts:role_add", args=[world.officer.pk]), form)
    assert sees_nothing(attacker, world)
    queue = security.get(reverse("accounts:grant_list")).content.decode()
    assert "重置登录方式后重新确认" in queue
    assert "system_admin" in queue
    before.refresh_from_db()
    assert (before.status, before.until is not None) == ("ended", True)
    for grant in Grant.objects.waiting():
        assert grant.requested_by == world.system_admin
        assert decide(admin, grant, "confirm").status_code == 403
        decide(security, grant, "confirm")
    assert again(world.officer).roles == {"case_officer", "checker"}
    admin.post(url, {"active": "no"})
    admin.post(url, {"active": "yes"})
    assert again(world.officer).roles == set()
    events = list(AuditEvent.objects.values_list("action", flat=True))
    assert events.count("grant.hold") == 1  # the other role came without a grant
    assert events.count("grant.ask_anew") == 2  # both, by the second reset


def test_a_confirmation_that_was_prepared_reaches_nobody_who_came_after_it(
    admin, security, world, asked
):
    """安全管理员 has the page open and the person on the telephone; meanwhile the log-in is reset
    and taken up by another."""
    take_up(reset(admin, world.officer))
    page = decide(security, asked, "confirm").content.decode()
    assert "当前状态为“已撤回”" in page
    assert again(world.officer).roles == set()


def test_an_invitation_sent_again_keeps_the_request_that_waits(admin, world):
    form = {"username": "wang.xm", "name": "王", "role": "approver", "office": world.city_a.pk}
    admin.post(reverse("accounts:create"), form | {"reason": "接替王某"})
    reset(admin, User.objects.get(username="wang.xm"))
    assert Grant.objects.get().reason == "接替王某"


@pytest.mark.parametrize("who", ["filler", "signer"])
def test_people_of_units_wait_as_well(admin, security, world, who):
    """Else the administrator could fill in, and sign, for a unit."""
    person = getattr(world, who)
    theirs = take_up(reset(admin, person))
    assert "您的角色待安全管理员确认" in theirs.get(reverse("dashboards:home")).content.decode()
    unit = reverse("inventory:unit_detail", args=[world.unit_a.pk])
    assert theirs.get(unit).status_code == 404
    decide(security, Grant.objects.waiting().get(), "confirm")
    assert theirs.get(unit).status_code == 200


def test_a_seat_that_waits_is_not_given_twice(admin, world):
    reset(admin, world.signer)
    officer, count = as_(world.officer), User.objects.count()
    url = reverse("reports:invitation", args=[world.unit_a.pk])
    page = officer.get(url).content.decode()
    assert "待平台安全管理员确认" in page
    assert 'value="signer"' not in page
    form = {"role": "signer", "deadline": localdate() + dt.timedelta(days=9)}
    answer = officer.post(url, form, follow=True)
    assert "审签人账号待平台安全管理员确认" in answer.content.decode()
    assert User.objects.count() == count
    people = officer.get(reverse("dashboards:unit_people", args=[world.unit_a.pk]))
    assert "角色待确认" in people.content.decode()
    assert "角色待确认" in admin.get(reverse("accounts:list")).content.decode()


def test_refusing_takes_a_reason_and_gives_nothing(security, world, asked):
    page = decide(security, asked, "refuse")
    assert "“不同意”须填写理由。" in page.content.decode()
    decide(security, asked, "refuse", "已有两名审核人")
    asked.refresh_from_db()
    assert asked.status == "refused"
    assert again(world.officer).roles == {"case_officer"}
    assert AuditEvent.objects.get(action="grant.refuse").details["reason"] == "已有两名审核人"
    # What was refused may be asked for once more.
    form = {"role": "checker", "office": str(world.city_a.pk), "reason": "再次申请"}
    as_(world.system_admin).post(reverse("accounts:role_add", args=[world.officer.pk]), form)
    assert list(Grant.objects.values_list("status", flat=True)) == ["requested", "refused"]


def test_withdrawn_by_whoever_asks_and_by_nobody_else(admin, security, world, asked):
    assert decide(security, asked, "withdraw").status_code == 403
    decide(admin, asked, "withdraw")
    asked.refresh_from_db()
    assert asked.status == "withdrawn"
    page = decide(security, asked, "confirm").content.decode()
    assert "当前状态为“已撤回”" in page
    assert again(world.officer).roles == {"case_officer"}


@pytest.mark.parametrize(("who", "action"), [("security", "revoke"), ("admin", "end")])
def test_power_is_taken_away_by_one_person_at_once(request, world, who, action):
    user = make_user("someone", None)
    grant = actions.seat(user=user, role=Role.APPROVER, office=world.city_a, by=SYSTEM)
    theirs = as_(user)
    assert theirs.get(reverse("inventory:unit_list")).status_code == 200
    client = request.getfixturevalue(who)
    assert "须填写理由" in decide(client, grant, action).content.decode()
    decide(client, grant, action, "调离")
    assert again(user).roles == set()
    ended = theirs.get(reverse("inventory:unit_list"), follow=True)
    assert "您的角色有变动" in ended.content.decode()
    grant.refresh_from_db()
    assert grant.status == "ended"
    assert grant.until
    event = AuditEvent.objects.get(action=f"grant.{action}")
    assert (event.details["before"], event.details["after"]) == (
        f"{world.city_a.name} 批准人",
        "无",
    )


def test_a_stopped_account_comes_back_without_its_roles(admin, security, world):
    user = make_user("someone", None)
    actions.seat(user=user, role=Role.CHECKER, office=world.city_a, by=SYSTEM)
    url = reverse("accounts:set_active", args=[user.pk])
    admin.post(url, {"active": "no"})
    assert Grant.objects.get().status == "ended"
    admin.post(url, {"active": "yes"})
    assert again(user).is_active
    assert again(user).roles == set()
    request = Grant.objects.waiting().get()
    assert request.reason == "账号重新启用"
    decide(security, request, "confirm")
    assert again(user).roles == {"checker"}


def test_a_request_dies_with_the_account(admin, security, world, asked):
    url = reverse("accounts:set_active", args=[world.officer.pk])
    admin.post(url, {"active": "no"})
    asked.refresh_from_db()
    assert asked.status == "withdrawn"
    page = admin.post(
        reverse("accounts:role_add", args=[world.officer.pk]),
        {"role": "checker", "office": str(world.city_a.pk), "reason": "x"},
    )
    assert "账号已停用" in page.content.decode()


@pytest.mark.parametrize(
    ("role", "says"),
    [
        ("approver", "批准人和承办人不得由一人兼任。"),
        ("case_officer", "或正在等待确认"),
        ("reader", "一个账号只在一处任职"),
    ],
)
def test_what_excludes_itself_is_not_even_asked_for(admin, world, role, says):
    place = (
        {"unit_code": world.unit_a.uscc} if role == "reader" else {"office": str(world.city_a.pk)}
    )
    page = admin.post(
        reverse("accounts:role_add", args=[world.officer.pk]),
        {"role": role, "reason": "兼任", **place},
    )
    assert says in " ".join(page.context["form"].errors["role"])
    assert not Grant.objects.exists()


def test_two_requests_that_exclude_each_other_are_not_both_confirmed(security, world):
    """The second was asked for while the first was not in force."""
    user = make_user("someone", None)
    first = actions.seat(user=user, role=Role.CHECKER, office=world.city_a, by=world.system_admin)
    first.membership.grants.update(status="withdrawn")
    second = actions.seat(user=user, role=Role.CHECKER, office=world.city_b, by=world.system_admin)
    Grant.objects.filter(pk=first.pk).update(status="requested")
    decide(security, second, "confirm")
    page = decide(security, first, "confirm").content.decode()
    assert "一个账号只在一处任职" in page
    assert again(user).office == world.city_b


def test_nobody_confirms_their_own_request(world):
    user = make_user("someone", None)
    grant = actions.seat(user=user, role=Role.CHECKER, office=world.city_a, by=world.security_admin)
    with pytest.raises(actions.Refused, match="须由另一人办理"):
        actions.decide_grant(grant, action="confirm", by=world.security_admin)
    with pytest.raises(IntegrityError, match="grant_takes_two_people"), transaction.atomic():
        Grant.objects.filter(pk=grant.pk).update(decided_by=world.security_admin)


def test_the_supervising_office_seats_the_people_of_its_unit_alone(world):
    world.unit_a.memberships.all().delete()
    made = actions.invite_unit(unit=world.unit_a, role=Role.FILLER, by=world.officer)
    assert again(made.user).roles == {"filler"}
    grant = Grant.objects.get()
    assert (grant.status, grant.requested_by) == ("confirmed", world.officer)


def test_the_three_are_granted_nothing(admin, world):
    page = admin.post(
        reverse("accounts:role_add", args=[world.audit_admin.pk]),
        {"role": "checker", "office": str(world.city_a.pk), "reason": "x"},
    )
    assert "三员账号不在平台内管理" in page.content.decode()
    assert not Grant.objects.exists()


def test_the_page_of_an_account_tells_who_confirmed_what(admin, security, world, asked):
    decide(security, asked, "confirm")
    url = reverse("accounts:detail", args=[world.officer.pk])
    for client in (admin, security):
        page = client.get(url).content.decode()
        assert "审核人" in page
        assert world.security_admin.name in page
        assert "<dt>二次验证</dt><dd>未设置</dd>" in page
    assert "申请任职" in admin.get(url).content.decode()
    assert "申请任职" not in security.get(url).content.decode()
    assert as_(world.approver).get(url).status_code == 403


def test_the_queue_costs_the_same_for_many(security, world):
    def count():
        with CaptureQueriesContext(connection) as queries:
            security.get(reverse("accounts:grant_list"))
        return len(queries)

    def ask(n):
        user = make_user(f"user-{n}", None)
        actions.seat(user=user, role=Role.CHECKER, office=world.city_a, by=world.system_admin)

    for n in range(3):
        ask(n)
    few = count()
    for n in range(3, 30):
        ask(n)
    assert count() == few
