"""The unified log-in against a real OpenID provider on a loopback port."""

import time
from urllib.parse import parse_qs, urlsplit

import oidc_provider_mock
import pytest
import requests
from django.test import Client
from django.urls import reverse

from accounts.models import UnifiedIdentity
from audit.models import AuditEvent
from tests.accounts.provider import configure, consent, person, running
from tests.world import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
BEGIN = "accounts:unified_login"


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


def through(client, subject="zhang", **query):
    """The whole way: our button, the provider, and back. Returns the last answer, followed."""
    begun = client.get(reverse(BEGIN, query=query))
    return client.get(consent(begun.url, subject), follow=True)


def logged_in(client):
    return "_auth_user_id" in client.session


def failure():
    event = AuditEvent.objects.get(action="account.unified_failed")
    assert event.result == "failed"
    return event.details


def refused(client, response, reason):
    assert not logged_in(client)
    assert "统一身份认证登录没有成功" in response.content.decode()
    assert failure()["reason"] == reason


def test_a_bound_person_comes_in_and_goes_where_they_wanted(client, linked, provider):
    page = client.get(reverse("accounts:login"), {"next": "/inbox/"}).content.decode()
    assert "统一身份认证登录" in page
    assert f"{reverse(BEGIN)}?next=%2Finbox%2F" in page
    person(provider)
    response = through(client, next="/inbox/")
    assert response.redirect_chain[-1][0] == "/inbox/"
    assert client.session["_auth_user_id"] == str(linked.user_id)
    assert AuditEvent.objects.get(action="account.login").details == {"way": "统一身份认证"}
    linked.refresh_from_db()
    assert linked.last_used_at is not None


def test_what_is_asked_of_the_provider(client, linked):
    asked = parse_qs(urlsplit(client.get(reverse(BEGIN)).url).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["state"] != asked["nonce"]
    assert asked["redirect_uri"] == [f"http://testserver{reverse('accounts:unified_callback')}"]


def test_nobody_is_sent_on_to_a_foreign_site(client, linked, provider):
    person(provider)
    response = through(client, next="https://evil.test/")
    assert all("evil" not in address for address, _ in response.redirect_chain)
    assert logged_in(client)


def test_the_session_changes_at_the_log_in(client, linked, provider):
    person(provider)
    begun = client.get(reverse(BEGIN))
    before = client.session.session_key
    client.get(consent(begun.url))
    assert logged_in(client)
    assert client.session.session_key != before


def test_without_a_setting_there_is_no_such_log_in(client, world, settings):
    settings.UNIFIED_LOGIN = False
    assert "统一身份认证" not in client.get(reverse("accounts:login")).content.decode()
    assert client.get(reverse(BEGIN)).status_code == 404
    assert client.get(reverse("accounts:unified_callback")).status_code == 404


def test_an_unknown_person_gets_no_account(client, world, provider):
    person(provider, "li")
    refused(client, through(client, "li"), "没有绑定账号")
    assert failure()["subject"] == "li"
    assert not UnifiedIdentity.objects.exists()


def test_who_is_stopped_stays_out(client, linked, provider):
    linked.user.is_active = False
    linked.user.save()
    person(provider)
    refused(client, through(client), "账号已停用")


def test_an_answer_counts_once(client, linked, provider):
    person(provider)
    back = consent(client.get(reverse(BEGIN)).url)
    client.get(back)
    client.post(reverse("accounts:logout"))
    refused(client, client.get(back, follow=True), "不是由本会话发起，或者已经用过")


def test_an_answer_does_not_count_in_another_browser(client, linked, provider):
    person(provider)
    back = consent(client.get(reverse(BEGIN)).url)
    other = Client()
    refused(other, other.get(back, follow=True), "不是由本会话发起，或者已经用过")


def test_who_denies_at_the_provider_is_told(client, linked):
    back = consent(client.get(reverse(BEGIN)).url, action="deny")
    state = parse_qs(urlsplit(client.get(reverse(BEGIN)).url).query)["state"][0]
    refused(client, client.get(f"{back}&state={state}", follow=True), "认证方没有放行")


BAD = {
    "another audience": {"aud": "another-portal"},
    "several audiences, issued to another": {"aud": ["portal", "other"], "azp": "other"},
    "several audiences, issued to nobody named": {"aud": ["portal", "other"]},
    "another issuer": {"iss": "https://evil.test"},
    "another nonce": {"nonce": "replayed"},
    "expired": {"exp": 1_700_000_000},
    "not yet valid": {"nbf": 4_000_000_000},
}


@pytest.mark.parametrize("claims", BAD.values(), ids=BAD)
def test_a_token_that_says_something_else_opens_nothing(client, linked, provider, claims):
    person(provider, "forger", **claims)
    UnifiedIdentity.objects.filter(pk=linked.pk).update(subject="forger")
    refused(client, through(client, "forger"), "认证方的令牌未通过核验")


def test_a_key_of_somebody_else_opens_nothing(client, linked, provider, settings):
    person(provider)
    with oidc_provider_mock.run_server_in_thread() as other:
        settings.OIDC_OP_JWKS_ENDPOINT = f"http://localhost:{other.server_port}/jwks"
        refused(client, through(client), "认证方的令牌未通过核验")


def test_a_shared_secret_is_no_signature(client, linked, provider, settings):
    settings.OIDC_RP_SIGN_ALGO = "ES256"  # the provider signs with RS256
    person(provider)
    refused(client, through(client), "认证方的令牌未通过核验")


def test_a_provider_that_is_down_is_told_plainly(client, linked, provider, settings):
    person(provider)
    settings.OIDC_OP_TOKEN_ENDPOINT = "http://127.0.0.1:9/token"  # the discard port
    refused(client, through(client), "无法从认证方取得令牌")


def test_a_person_binds_their_own_identity_with_the_password(client, world, provider):
    person(provider, name="王五")
    client.force_login(world.officer)
    assert "去绑定" in client.get(reverse("accounts:ways")).content.decode()
    wrong = client.post(reverse("accounts:unified_link"), {"unified-password": "Falsch-2026"})
    assert wrong.status_code == 422
    assert "口令不正确" in wrong.content.decode()
    begun = client.post(reverse("accounts:unified_link"), {"unified-password": PASSWORD})
    begun = client.get(begun.url)
    page = client.get(consent(begun.url), follow=True).content.decode()
    assert "已绑定“王五”" in page
    way = UnifiedIdentity.objects.get()
    assert (way.user, way.issuer, way.subject) == (world.officer, provider, "zhang")
    event = AuditEvent.objects.get(action="account.unified_link")
    assert event.details == {"issuer": provider, "subject": "zhang"}
    client.post(reverse("accounts:unified_unlink", args=[way.pk]))
    assert not UnifiedIdentity.objects.exists()
    assert AuditEvent.objects.filter(action="account.unified_unlink").exists()


def test_nothing_is_bound_that_the_person_did_not_ask_for(client, world, provider):
    """Else an attacker's answer, sent to a logged-in victim, would open the victim's account."""
    person(provider)
    answer = consent(client.get(reverse(BEGIN)).url)
    client.force_login(world.officer)
    client.get(answer)
    assert not UnifiedIdentity.objects.exists()
    # Nor long after having asked.
    session = client.session
    session["unified_link_until"] = time.time() - 1
    session.save()
    assert client.get(reverse(BEGIN)).url == reverse("dashboards:home")


def test_an_identity_opens_one_account(client, world, linked, provider):
    person(provider)
    client.force_login(world.officer_b)
    begun = client.post(reverse("accounts:unified_link"), {"unified-password": PASSWORD})
    page = client.get(consent(client.get(begun.url).url), follow=True).content.decode()
    assert "已绑定其他账号" in page
    assert UnifiedIdentity.objects.get().user == world.officer
    assert AuditEvent.objects.get(action="account.unified_link").result == "failed"


def test_the_manager_of_accounts_unbinds_others_but_none_of_the_three(client, world, linked):
    client.force_login(world.system_admin)
    assert "解除绑定" in client.get(reverse("accounts:list")).content.decode()
    client.post(reverse("accounts:ways_end", args=[world.officer.pk]))
    assert not UnifiedIdentity.objects.exists()
    own = UnifiedIdentity.objects.create(user=world.audit_admin, issuer="x", subject="y")
    page = client.post(reverse("accounts:ways_end", args=[own.user_id]), follow=True)
    assert "三员账号不在平台内管理" in page.content.decode()
    assert UnifiedIdentity.objects.exists()


@pytest.mark.parametrize(
    ("claims", "counts"),
    [
        ({"amr": ["pwd", "hwk"]}, True),
        ({"acr": "hwk"}, True),
        ({"amr": ["pwd"]}, False),
        ({"amr": "hwk-not"}, False),
        ({}, False),
    ],
)
def test_the_providers_second_factor_counts_where_the_settings_say_so(
    client, linked, provider, settings, claims, counts
):
    settings.OIDC_SECOND_FACTOR = ["hwk"]
    person(provider, **claims)
    through(client)
    assert logged_in(client)
    assert ("otp_device_id" in client.session) is counts


def test_logging_out_ends_the_session_at_the_provider_too(client, linked, provider, settings):
    settings.OIDC_OP_LOGOUT_ENDPOINT = f"{provider}/oauth2/end_session"
    settings.PUBLIC_URL = "https://portal.example.test"
    person(provider)
    through(client)
    out = client.post(reverse("accounts:logout"))
    assert not logged_in(client)
    asked = parse_qs(urlsplit(out.url).query)
    assert asked["post_logout_redirect_uri"] == ["https://portal.example.test/accounts/login/"]
    assert requests.get(out.url, timeout=5).status_code == 200
    # Who came in by password is not sent there.
    client.force_login(linked.user)
    assert client.post(reverse("accounts:logout")).url == reverse("accounts:login")


def test_neither_code_nor_token_nor_secret_is_logged(client, linked, provider, caplog):
    caplog.set_level("DEBUG")
    person(provider)
    back = consent(client.get(reverse(BEGIN)).url)
    client.get(back)
    code = parse_qs(urlsplit(back).query)["code"][0]
    # The provider runs in this process and has loggers of its own.
    provider_logs = {"werkzeug", "authlib", "oidc_provider_mock"}
    ours = [r.getMessage() for r in caplog.records if r.name.split(".")[0] not in provider_logs]
    text = "\n".join(ours) + str(list(AuditEvent.objects.values()))
    assert code not in text
    assert "client-secret-of-the-tests" not in text
    assert "eyJ" not in text  # how every JSON web token begins
