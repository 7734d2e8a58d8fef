"""The second factor: setting it up, proving it at log-in, losing it; what each refusal says."""

import datetime as dt
import re

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import factors, sealing
from accounts.models import Authenticator, RecoveryCode, RecoveryCodes
from accounts.models.second_factor import MOST_FAILURES
from accounts.policy import policy
from audit.models import AuditEvent
from tests.accounts.factors import Phone, code_of, forgive, log_in, punish, recovery_codes
from tests.world import PASSWORD

pytestmark = pytest.mark.django_db
PROVE = reverse("accounts:second_factor")
SECURITY = reverse("accounts:security")
SET_UP = reverse("accounts:authenticator")
INBOX = reverse("inbox:list")


def prove(client, code, **more):
    return client.post(PROVE, {"code": code, **more})


def acts():
    return list(AuditEvent.objects.order_by("id").values_list("action", "result"))


def error_of(response):
    assert response.status_code == 422
    return " ".join(response.context["form"].errors["code"])


@pytest.fixture
def phone(world):
    return Phone(world.officer)


# --- Log-in -----------------------------------------------------------------------------------


def test_a_password_alone_opens_nothing_where_there_is_a_factor(client, world, phone):
    assert log_in(client, world.officer, next=INBOX).url == INBOX
    response = client.get(INBOX)
    assert response.url == f"{PROVE}?next={INBOX}"
    for name in ("dashboards:home", "accounts:security", "accounts:password_change"):
        assert client.get(reverse(name)).url.startswith(PROVE)
    for name in ("accounts:recovery_codes", "accounts:factor_remove", "accounts:key_add"):
        assert client.post(reverse(name)).url.startswith(PROVE)
    page = client.get(response.url)
    assert "主导航" not in page.content.decode()
    assert prove(client, phone.code(), next=INBOX).url == INBOX
    assert client.get(INBOX).status_code == 200
    assert acts() == [("account.login", "ok"), ("account.second_factor", "ok")]


def test_a_proof_leads_to_no_foreign_site(client, world, phone):
    log_in(client, world.officer)
    assert prove(client, phone.code(), next="https://evil.test/").url == "/"


def test_a_proof_changes_the_key_of_the_session(client, world, phone):
    log_in(client, world.officer)
    before = client.session.session_key
    prove(client, phone.code())
    assert client.session.session_key != before
    client.cookies["sessionid"] = before
    assert client.get(INBOX).status_code == 302


def test_a_code_works_once_also_in_another_browser(client, world, phone):
    other, code = Client(), phone.code()
    log_in(client, world.officer)
    log_in(other, world.officer)
    assert prove(client, code).status_code == 302
    assert "或者已经用过" in error_of(prove(other, code))
    assert other.get(INBOX).url.startswith(PROVE)
    punish(world.officer)
    assert re.search("请等 6[34] 秒后再试", error_of(prove(other, phone.code(1))))
    forgive(world.officer)
    assert prove(other, phone.code(1)).status_code == 302


def test_an_older_code_is_refused_once_a_newer_was_taken(client, world, phone):
    log_in(client, world.officer)
    prove(client, phone.code())
    other = Client()
    log_in(other, world.officer)
    assert "或者已经用过" in error_of(prove(other, phone.code(-1)))


@pytest.mark.parametrize("steps", [-3, 3])
def test_a_code_of_another_time_is_wrong(client, world, phone, steps):
    log_in(client, world.officer)
    assert "不正确" in error_of(prove(client, phone.code(steps)))


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "请填写动态口令或恢复码。"),
        ("12345", "动态口令是6位数字，恢复码是10位字母和数字。"),
        ("abcde-fghi1", "动态口令是6位数字，恢复码是10位字母和数字。"),
        ("１２ ３４５", "动态口令是6位数字，恢复码是10位字母和数字。"),
        ("000000", "动态口令或恢复码不正确，或者已经用过。"),
        ("abcde-fghjk", "动态口令或恢复码不正确，或者已经用过。"),
    ],
)
def test_what_a_wrong_code_says(client, world, phone, typed, says):
    recovery_codes(world.officer)
    log_in(client, world.officer)
    assert error_of(prove(client, typed)) == says


def test_codes_are_taken_as_people_copy_them(client, world, phone):
    log_in(client, world.officer)
    code = phone.code()
    wide = f"{code[:3]} {code[3:]}".translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)})
    assert prove(client, wide).status_code == 302


def test_failures_are_on_the_trail_without_what_was_typed(client, world, phone):
    log_in(client, world.officer)
    prove(client, "000000")
    assert acts()[-1] == ("account.second_factor_failed", "failed")
    assert "000000" not in str(list(AuditEvent.objects.values()))


def test_the_wait_doubles_and_has_an_end(client, world, phone):
    log_in(client, world.officer)
    device = phone.device
    for failures, says in ((7, " 秒"), (9, "5 分钟"), (10, "9 分钟"), (MOST_FAILURES, "69 分钟")):
        punish(world.officer, failures)
        assert says in error_of(prove(client, phone.code()))
    device.refresh_from_db()
    device.throttle_increment()
    assert device.throttling_failure_count == MOST_FAILURES


def test_a_right_code_during_the_wait_is_not_used_up(client, world, phone):
    log_in(client, world.officer)
    punish(world.officer)
    assert "请等" in error_of(prove(client, phone.code()))
    forgive(world.officer)
    assert prove(client, phone.code()).status_code == 302


def test_a_recovery_code_works_once_and_its_wait_is_its_own(client, world, phone):
    code, other = recovery_codes(world.officer)[:2]
    log_in(client, world.officer)
    Authenticator.objects.update(
        throttling_failure_count=9, throttling_failure_timestamp=timezone.now()
    )
    assert prove(client, f" {code[:5].upper()}-{code[5:]}").status_code == 302
    elsewhere = Client()
    log_in(elsewhere, world.officer)
    assert "已经用过" in error_of(prove(elsewhere, code))
    forgive(world.officer)
    assert prove(elsewhere, other).status_code == 302
    assert factors.codes_left(world.officer) == policy().second_factor.recovery_codes - 2


def test_codes_of_others_are_none(client, world, phone):
    theirs = Phone(world.checker)
    codes = recovery_codes(world.checker)
    recovery_codes(world.officer)
    log_in(client, world.officer)
    assert "不正确" in error_of(prove(client, theirs.code()))
    assert "不正确" in error_of(prove(client, codes[0]))


# --- Setting it up ----------------------------------------------------------------------------


def set_up(client):
    """Add an authenticator from the page alone; return its secret and the answer."""
    page = client.get(SET_UP).content.decode()
    key = re.search(r'id="key">([A-Z2-7 ]+)<', page).group(1).replace(" ", "")
    import base64

    secret = base64.b32decode(key)
    return secret, client.post(SET_UP, {"code": code_of(secret)})


def test_anybody_may_set_it_up_and_is_asked_from_then_on(client, world):
    elsewhere = Client()
    elsewhere.force_login(world.filler)
    log_in(client, world.filler)
    assert "尚未启用二次验证" in client.get(SECURITY).content.decode()
    secret, page = set_up(client)
    codes = page.context["codes"]
    assert len(set(codes)) == policy().second_factor.recovery_codes
    assert "no-store" in page["Cache-Control"]
    assert client.get(INBOX).status_code == 200
    assert elsewhere.get(INBOX).url.startswith(PROVE)
    assert prove(elsewhere, codes[0]).status_code == 302
    assert [a for a, _ in acts()] == [
        "account.login",
        "account.login",
        "account.second_factor_add",
        "account.recovery_codes",
        "account.second_factor",
    ]
    assert codes[1] not in client.get(SECURITY).content.decode()  # shown once
    assert secret.hex() not in str(list(AuditEvent.objects.values()))


def test_the_first_code_cannot_be_used_again_to_log_in(client, world):
    log_in(client, world.filler)
    secret, _ = set_up(client)
    other = Client()
    log_in(other, world.filler)
    assert "已经用过" in error_of(prove(other, code_of(secret)))


def test_a_wrong_first_code_keeps_the_secret_that_was_shown(client, world):
    log_in(client, world.filler)
    before = client.get(SET_UP).context["key"]
    answer = client.post(SET_UP, {"code": "000000"})
    assert "请核对手机时间" in error_of(answer)
    assert answer.context["key"] == before
    punish(world.filler)
    assert "请等" in error_of(client.post(SET_UP, {"code": "000000"}))
    assert error_of(client.post(SET_UP, {"code": "abcdefghjk"})) == "动态口令是6位数字。"
    assert not factors.has_factor(world.filler)


def test_a_secret_that_was_shown_long_ago_is_shown_no_more(client, world):
    log_in(client, world.filler)
    before = client.get(SET_UP).context["key"]
    for device in Authenticator.objects.all():
        Authenticator.objects.update(created_at=device.created_at - dt.timedelta(minutes=31))
    assert client.get(SET_UP).context["key"] != before
    assert Authenticator.objects.count() == 1


def test_a_new_phone_takes_the_place_of_the_old_one(client, world, phone):
    recovery_codes(world.officer)
    log_in(client, world.officer)
    prove(client, phone.code())
    _, answer = set_up(client)
    assert answer.url == SECURITY  # the recovery codes stay
    assert Authenticator.objects.filter(user=world.officer).count() == 1
    forgive(world.officer)
    other = Client()
    log_in(other, world.officer)
    assert "不正确" in error_of(prove(other, phone.code(1)))
    event = AuditEvent.objects.get(action="account.second_factor_add")
    assert event.details == {"method": "动态口令", "replaced": True}


def test_new_recovery_codes_end_the_old_ones(client, world, phone):
    old = recovery_codes(world.officer)
    log_in(client, world.officer)
    prove(client, phone.code())
    page = client.post(reverse("accounts:recovery_codes"))
    assert not set(old) & set(page.context["codes"])
    other = Client()
    log_in(other, world.officer)
    assert "不正确" in error_of(prove(other, old[0]))
    assert client.get(reverse("accounts:recovery_codes")).status_code == 405


def test_without_a_factor_there_are_no_recovery_codes(client, world):
    log_in(client, world.filler)
    page = client.post(reverse("accounts:recovery_codes"), follow=True).content.decode()
    assert "请先添加动态口令或安全密钥" in page
    assert not RecoveryCode.objects.exists()


def test_removing_the_last_factor_removes_the_recovery_codes(client, world, phone):
    recovery_codes(world.officer)
    log_in(client, world.officer)
    prove(client, phone.code())
    name = phone.device.persistent_id
    page = client.post(reverse("accounts:factor_remove"), {"factor": name}, follow=True)
    assert "已移除“动态口令”" in page.content.decode()
    assert not factors.has_factor(world.officer)
    assert not RecoveryCodes.objects.exists()
    assert acts()[-1][0] == "account.second_factor_remove"
    again = client.post(reverse("accounts:factor_remove"), {"factor": name}, follow=True)
    assert "已经不在了" in again.content.decode()


def test_nobody_removes_the_factor_of_another(client, world, phone):
    log_in(client, world.filler)
    client.post(reverse("accounts:factor_remove"), {"factor": phone.device.persistent_id})
    assert factors.has_factor(world.officer)


# --- Who must have one ------------------------------------------------------------------------


@pytest.fixture
def required(settings):
    settings.SECOND_FACTOR_REQUIRED = True


@pytest.mark.parametrize("role", sorted(policy().second_factor.required_roles))
def test_required_roles_reach_nothing_before_they_have_one(client, world, required, role):
    person = getattr(world, {"case_officer": "officer"}.get(role, role))
    log_in(client, person)
    for name in ("dashboards:home", "inbox:list", "accounts:password_change"):
        assert client.get(reverse(name)).url == SECURITY
    page = client.get(SECURITY).content.decode()
    assert "登录平台须通过二次验证。请先添加" in page
    assert "主导航" not in page
    set_up(client)
    assert client.get(INBOX).status_code == 200


def test_units_need_none_unless_asked(client, world, required):
    log_in(client, world.filler)
    assert client.get(INBOX).status_code == 200


def test_the_last_one_stays_where_it_is_required(client, world, required, phone):
    log_in(client, world.officer)
    prove(client, phone.code())
    assert "最后一种，不能移除" in client.get(SECURITY).content.decode()
    page = client.post(
        reverse("accounts:factor_remove"), {"factor": phone.device.persistent_id}, follow=True
    )
    assert "这是您最后一种二次验证方式。承办人登录平台须通过二次验证。请先添加另一种" in (
        page.content.decode()
    )
    assert factors.has_factor(world.officer)


def grow_old(user):
    user.password_set_at -= dt.timedelta(days=policy().password.max_age_days, minutes=1)
    user.save()


def test_an_old_password_is_changed_before_a_factor_is_set_up(client, world, required):
    grow_old(world.officer)
    log_in(client, world.officer)
    assert client.get(SECURITY).url == reverse("accounts:password_change")


def test_whoever_has_a_factor_proves_it_before_changing_an_old_password(client, world, phone):
    grow_old(world.officer)
    log_in(client, world.officer)
    assert client.get(reverse("accounts:password_change")).url.startswith(PROVE)


def test_one_may_always_leave(client, world, phone):
    log_in(client, world.officer)
    assert client.post(reverse("accounts:logout")).url == reverse("accounts:login")


def test_the_way_in_costs_few_queries(client, world, phone, django_assert_max_num_queries):
    log_in(client, world.officer)
    prove(client, phone.code())
    client.get(SECURITY)
    with django_assert_max_num_queries(
        7
    ):  # session, log-in, person, device; three save the session
        client.get(reverse("accounts:login"))


# --- What lies in the database ----------------------------------------------------------------


def test_the_database_alone_gives_no_secret_away(world, phone):
    codes = recovery_codes(world.officer)
    secret = phone.device.secret
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_authenticator")
        stored = str(cursor.fetchall())
        cursor.execute("SELECT * FROM accounts_recoverycode")
        stored += str(cursor.fetchall())
    assert secret.hex() not in stored
    assert phone.device.key_text not in stored
    assert not [code for code in codes if code in stored]


def test_a_secret_moved_to_another_person_opens_nothing(world, phone):
    moved = Authenticator(user=world.checker, sealed=phone.device.sealed)
    with pytest.raises(sealing.Unreadable):
        moved.secret  # noqa: B018


def test_a_new_key_seals_and_the_old_one_still_opens(client, world, settings, phone):
    code = recovery_codes(world.officer)[0]
    settings.FACTOR_KEYS = ["another key " * 5, *settings.FACTOR_KEYS]
    log_in(client, world.officer)
    assert prove(client, phone.code()).status_code == 302
    other = Client()
    log_in(other, world.officer)
    assert prove(other, code).status_code == 302
    settings.FACTOR_KEYS = settings.FACTOR_KEYS[:1]
    with pytest.raises(sealing.Unreadable):
        phone.device.secret  # noqa: B018


@pytest.mark.parametrize("text", ["", "!!", "AAAA", "A" * 64])
def test_what_was_not_sealed_here_is_not_opened(text):
    with pytest.raises(sealing.Unreadable):
        sealing.unseal(text, "totp:1")


def test_the_demonstration_asks_nobody():
    assert not django_settings.SECOND_FACTOR_REQUIRED
    assert PASSWORD
