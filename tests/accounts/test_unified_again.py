"""Who has only the unified log-in proves there again, before an act of weight, who they are."""

import time
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from accounts.factors import PASSED_AT
from accounts.models import EndOfLogin, UnifiedIdentity, User
from accounts.models.sessions import SAYS
from accounts.policy import policy
from audit.models import AuditEvent
from tests.accounts.factors import Phone, log_in
from tests.accounts.provider import configure, consent, person, running

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
UNITS = reverse("dashboards:units_export") + "?q=%E7%94%B2"
LIST = reverse("inventory:unit_list") + "?q=%E7%94%B2"
ASKS = reverse("accounts:second_factor")


@pytest.fixture(scope="module")
def provider():
    with running() as issuer:
        yield issuer


@pytest.fixture(autouse=True)
def configured(provider, settings):
    configure(settings, provider)


@pytest.fixture
def linked(world, provider):
    return UnifiedIdentity.objects.create(
        user=world.officer, issuer=provider, subject="zhang", name="张三"
    )


def ago(seconds):
    return int(time.time()) - seconds


def come_in(client, provider, **claims):
    """Log in by the provider, which says `claims`."""
    person(provider, **claims)
    client.get(consent(client.get(reverse("accounts:unified_login")).url))
    assert "_auth_user_id" in client.session


@pytest.fixture
def old(client, linked, provider):
    """The person came in by a session that the provider had opened an hour before."""
    come_in(client, provider, auth_time=ago(3600))
    return client


def go_and_confirm(client, page, provider, subject="zhang", **claims):
    """Press the button of the page that asks, and prove it at the provider; returns its answer."""
    address = client.get(page).content.decode().split('btn-primary w-100" href="')[1].split('"')[0]
    sent = client.get(address.replace("&amp;", "&")).url
    person(provider, subject, **claims)
    return client.get(consent(sent, subject))


def exported():
    return AuditEvent.objects.filter(action="list.export").exists()


def failure():
    return AuditEvent.objects.get(action="account.second_factor_failed").details["reason"]


# --- A list that leaves --------------------------------------------------------------------------


def test_who_has_just_logged_in_at_the_provider_is_not_asked(client, linked, provider):
    come_in(client, provider, auth_time=ago(30))
    assert client.get(UNITS)["Content-Disposition"].startswith("attachment")


def test_an_older_session_of_the_provider_does_not_do(old):
    asked = old.get(UNITS)
    assert urlsplit(asked.url).path == ASKS
    assert not exported()
    page = old.get(asked.url).content.decode()
    assert "到统一身份认证重新登录一次" in page
    assert "请再次点击按钮" in page


def test_the_provider_is_made_to_ask_and_to_say_when(old):
    asked = old.get(f"{reverse('accounts:unified_confirm')}?next=/inbox/").url
    query = parse_qs(urlsplit(asked).query)
    assert query["prompt"] == ["login"]
    assert query["max_age"] == [str(policy().second_factor.recent_minutes * 60)]
    assert query["code_challenge_method"] == ["S256"]


def test_having_proven_it_again_one_is_back_at_the_list_as_it_was(old, provider):
    key = old.session.session_key
    back = go_and_confirm(old, old.get(UNITS).url, provider, auth_time=ago(2))
    assert back.url == LIST
    assert old.get(back.url).status_code == 200
    assert old.get(UNITS)["Content-Disposition"].startswith("attachment")
    assert old.session.session_key != key
    event = AuditEvent.objects.get(action="account.second_factor")
    assert event.details == {"method": "统一身份认证"}


def test_what_the_provider_said_grows_old_as_well(old, provider):
    limit = policy().second_factor.recent_minutes * 60
    go_and_confirm(old, old.get(UNITS).url, provider, auth_time=ago(limit - 30))
    assert old.get(UNITS).status_code == 200
    session = old.session
    session[PASSED_AT] -= 31
    session.save()
    assert old.get(UNITS).status_code == 302


# What the provider may say instead, what the trail calls it, and what the person is told.
REFUSED = {
    "nothing": ({"auth_time": None}, "令牌没有核对时间", "没有说明是什么时候核对您本人的"),
    "an old time": ({"auth_time": 1_700_000_000}, "认证方没有重新核对本人", "请先在认证方退出登录"),
    "a time to come": ({"auth_time": 4_000_000_000}, "令牌没有核对时间", "请联系平台系统管理员"),
    "no time": ({"auth_time": "now"}, "令牌没有核对时间", "请联系平台系统管理员"),
    "a truth": ({"auth_time": True}, "令牌没有核对时间", "请联系平台系统管理员"),
}


@pytest.mark.parametrize(("claims", "reason", "told"), REFUSED.values(), ids=REFUSED)
def test_without_a_recent_time_it_is_refused_with_what_to_do(old, provider, claims, reason, told):
    back = go_and_confirm(old, old.get(UNITS).url, provider, **claims)
    assert urlsplit(back.url).path == ASKS
    page = old.get(back.url).content.decode()
    assert told in page
    assert "去确认" in page
    assert failure() == reason
    assert old.get(UNITS).status_code == 302
    # The way on is still the list that was wanted.
    assert go_and_confirm(old, back.url, provider, auth_time=ago(1)).url == LIST


def test_somebody_else_at_the_provider_confirms_nothing(old, provider, world):
    UnifiedIdentity.objects.create(user=world.officer_b, issuer=provider, subject="li")
    for subject in ("li", "stranger"):
        back = go_and_confirm(old, old.get(UNITS).url, provider, subject, auth_time=ago(1))
        assert "换回绑定的账号" in old.get(back.url).content.decode()
        assert old.get(UNITS).status_code == 302
    assert old.session["_auth_user_id"] == str(world.officer.pk)
    assert UnifiedIdentity.objects.count() == 2


def test_a_log_in_of_two_factors_is_not_confirmed_by_one(client, linked, provider, settings):
    settings.OIDC_SECOND_FACTOR = ["hwk"]
    settings.SECOND_FACTOR_REQUIRED = True
    come_in(client, provider, auth_time=ago(3600), amr=["pwd", "hwk"])
    back = go_and_confirm(client, client.get(UNITS).url, provider, auth_time=ago(1), amr=["pwd"])
    assert "没有核对第二因素" in client.get(back.url).content.decode()
    assert failure() == "认证方没有核对第二因素"
    both = {"auth_time": ago(1), "amr": ["pwd", "hwk"]}
    assert go_and_confirm(client, back.url, provider, **both).url == LIST
    assert client.get(UNITS).status_code == 200


def test_who_gives_up_at_the_provider_is_told_where_to_go_on(old, provider):
    there = f"{reverse('accounts:unified_confirm')}?next={quote(LIST)}"
    state = parse_qs(urlsplit(old.get(there).url).query)["state"][0]
    denied = f"{reverse('accounts:unified_callback')}?error=access_denied&state={state}"
    back = old.get(denied)
    page = old.get(back.url).content.decode()
    assert "没有确认是您本人" in page
    assert f"next={quote(LIST)}" in page


def test_an_answer_counts_once_and_in_its_own_browser(old, provider, world):
    sent = old.get(f"{reverse('accounts:unified_confirm')}?next=/inbox/").url
    person(provider, auth_time=ago(1))
    answer = consent(sent)
    thief = Client()
    log_in(thief, world.officer)
    thief.get(answer)
    assert thief.get(UNITS).status_code == 302
    assert old.get(answer).url == "/inbox/"
    session = old.session
    session[PASSED_AT] = 0
    session.save()
    old.get(answer)
    assert old.get(UNITS).status_code == 302


def test_nobody_is_led_to_a_foreign_site(old, provider):
    sent = old.get(f"{reverse('accounts:unified_confirm')}?next=https://evil.test/").url
    person(provider, auth_time=ago(1))
    assert old.get(consent(sent)).url == reverse("dashboards:home")


# --- A form that waits ---------------------------------------------------------------------------


def test_a_form_waits_in_its_window_while_another_goes_to_the_provider(client, world, provider):
    UnifiedIdentity.objects.create(user=world.system_admin, issuer=provider, subject="zhang")
    come_in(client, provider, auth_time=ago(3600))
    url = reverse("accounts:create")
    sent = {"username": "wang.xm", "name": "<b>王小明", "phone": "", "role": "reader"}
    sent |= {"office": "", "unit_code": world.unit_a.uscc}
    asked = client.post(url, sent)
    assert dict(asked.context["kept"]) == sent
    page = asked.content.decode()
    assert "&lt;b&gt;" in page
    assert 'target="_blank"' in page
    early = client.post(url, sent | {"second_factor-done": "yes"})
    assert early.status_code == 422
    assert "还没有确认是您本人，没有办理" in early.content.decode()
    assert dict(early.context["kept"]) == sent
    address = f"{reverse('accounts:unified_confirm')}?next={reverse('accounts:unified_confirmed')}"
    assert address in page
    person(provider, auth_time=ago(1))
    back = client.get(consent(client.get(address).url))
    assert "已确认是您本人" in client.get(back.url).content.decode()
    client.post(url, sent | {"second_factor-done": "yes"})
    assert User.objects.get(username="wang.xm").name == sent["name"]


def test_the_page_of_the_other_window_says_nothing_untrue(old):
    assert old.get(reverse("accounts:unified_confirmed")).url == reverse("dashboards:home")


# --- Who is asked where --------------------------------------------------------------------------


def test_the_password_is_no_way_around_the_provider(client, linked):
    log_in(client, linked.user)
    asked = client.get(UNITS)
    assert urlsplit(asked.url).path == ASKS
    assert "去确认" in client.get(asked.url).content.decode()


def test_who_has_a_factor_of_their_own_is_asked_for_that(client, linked, provider):
    phone = Phone(linked.user)
    come_in(client, provider, auth_time=ago(1))
    # Before anything else, and however lately the provider asked.
    assert client.get(UNITS).url.startswith(ASKS)
    page = client.get(ASKS).content.decode()
    assert "动态口令" in page
    assert client.get(f"{reverse('accounts:unified_confirm')}").url.startswith(ASKS)
    client.post(ASKS, {"code": phone.code()})
    assert client.get(UNITS).status_code == 200


def test_an_identity_of_a_former_provider_is_not_asked_for(client, linked, settings):
    settings.OIDC_ISSUER = "https://another.test"
    log_in(client, linked.user)
    assert client.get(UNITS).status_code == 200
    settings.OIDC_ISSUER, settings.UNIFIED_LOGIN = linked.issuer, False
    assert client.get(UNITS).status_code == 200


def test_who_must_set_up_a_factor_first_proves_it_at_the_provider(old, provider, settings):
    """Else a cookie that was taken away, or a password, would be enough to enrol one."""
    settings.SECOND_FACTOR_REQUIRED = True
    security, authenticator = reverse("accounts:security"), reverse("accounts:authenticator")
    assert old.get("/inbox/").url == security
    asked = old.get(authenticator)
    assert asked.url == f"{ASKS}?next={authenticator}"
    key = old.post(reverse("accounts:key_options"), headers={"Accept": "application/json"})
    assert key.status_code == 403
    assert key.json()["confirm"] == f"{ASKS}?next={security}"
    back = go_and_confirm(old, asked.url, provider, auth_time=ago(1))
    assert back.url == authenticator
    assert old.get(authenticator).status_code == 200


# --- Its end -------------------------------------------------------------------------------------


def over(client):
    """What the log-in page says to a client whose log-in has ended; "" if it has not."""
    answer = client.get("/inbox/")
    if answer.status_code == 200:
        return ""
    page = client.get(answer.url).content.decode()
    return next(text for why, text in SAYS.items() if text in page)


def test_unbinding_ends_what_came_in_by_it_and_nothing_else(client, linked, provider, world):
    come_in(client, provider, auth_time=ago(1))
    other, desk = Client(), Client()
    come_in(other, provider)
    log_in(desk, world.officer)
    gone = client.post(reverse("accounts:unified_unlink", args=[linked.pk]), follow=True)
    assert SAYS[EndOfLogin.WAY] in gone.content.decode()
    assert over(other) == SAYS[EndOfLogin.WAY]
    assert over(desk) == ""
    event = AuditEvent.objects.get(action="account.sessions_end")
    assert event.details == {"count": 2, "reason": EndOfLogin.WAY.label}
    assert not UnifiedIdentity.objects.exists()


def test_unbinding_is_an_act_of_weight_itself(old, linked):
    asked = old.post(reverse("accounts:unified_unlink", args=[linked.pk]))
    assert "去确认" in asked.content.decode()
    assert UnifiedIdentity.objects.exists()


def test_the_system_admin_ends_them_too(client, linked, provider, world):
    come_in(client, provider)
    desk, admin = Client(), Client()
    log_in(desk, world.officer)
    log_in(admin, world.system_admin)
    admin.post(reverse("accounts:ways_end", args=[world.officer.pk]))
    assert over(client) == SAYS[EndOfLogin.WAY]
    assert over(desk) == ""


@pytest.mark.parametrize("required", [True, False])
def test_roles_wait_where_the_identity_stood_in_for_the_factor(linked, world, settings, required):
    settings.SECOND_FACTOR_REQUIRED = required
    admin = Client()
    admin.force_login(world.system_admin)
    if required:
        phone = Phone(world.system_admin)
        admin.post(ASKS, {"code": phone.code()})
    page = admin.post(reverse("accounts:ways_end", args=[world.officer.pk]), follow=True)
    assert ("确认前看不到业务" in page.content.decode()) is required
    assert not UnifiedIdentity.objects.exists()
    assert world.officer.memberships.filter(active=True).exists() is not required
