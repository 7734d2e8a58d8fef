"""Wrong passwords: how many, for how long, for whom, and what the person is told."""

import datetime as dt
from io import StringIO

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts import lockout
from accounts.models import FailureCount, LoginSession
from accounts.policy import policy
from audit.models import AuditEvent
from tests.world import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN = "accounts:login"
WRONG = "Falsch-2026"
LIMITS = policy().lockout
HOME, ABROAD = "192.0.2.10", "198.51.100.7"


def attempt(username, password=WRONG, address=ABROAD):
    """One log-in from a browser of its own; its answer."""
    body = {"username": username, "password": password}
    return Client(REMOTE_ADDR=address).post(reverse(LOGIN), body)


def fail(username, times=LIMITS.account_failures, address=ABROAD):
    return [attempt(username, address=address).status_code for _ in range(times)]


def pass_time(**by):
    """Let time pass for the counters and the log-ins."""
    shift = dt.timedelta(**by)
    for row in FailureCount.objects.all():
        row.since -= shift
        row.locked_at = row.locked_at and row.locked_at - shift
        row.locked_until = row.locked_until and row.locked_until - shift
        row.save()


def names_tried(times, address=ABROAD):
    """As if so many names had been tried from one address, all of them in vain."""
    attempt("person-0", address=address)
    FailureCount.objects.update(failures=times)  # of the address, and of a name not tried again


@pytest.mark.parametrize("username", ["filler", "FILLER", "no-such-person"])
def test_known_and_unknown_names_are_locked_alike(world, username):
    assert fail(username, 4) == [200] * 4
    page = attempt(username)
    assert page.status_code == 429
    assert page["Retry-After"] == "900"
    text = page.content.decode()
    assert "登录已暂时锁定" in text
    assert "15 分钟内不再核对" in text
    assert "系统管理员" in text
    assert username not in text
    assert attempt(username, PASSWORD).status_code == 429  # the right one is not looked at
    assert attempt(username, PASSWORD, "203.0.113.5").status_code == 429  # nor from elsewhere
    assert attempt("signer", PASSWORD).status_code == 302  # others are let in


def test_a_locked_page_is_the_same_for_known_and_unknown_names(world):
    fail("filler"), fail("no-such-person")
    known, unknown = attempt("filler"), attempt("no-such-person")
    assert known.content.decode().split("<main")[1] == unknown.content.decode().split("<main")[1]


def test_the_password_costs_the_same_work_for_every_name(world, settings):
    """The time of a log-in is that of its one hash: counted here, not measured."""
    work = []

    class Counting(MD5PasswordHasher):
        def encode(self, *args, **kwargs):
            work.append(1)
            return super().encode(*args, **kwargs)

    import tests.accounts.test_lockout as here

    here.Counting = Counting
    settings.PASSWORD_HASHERS = ["tests.accounts.test_lockout.Counting"]
    world.signer.is_active = False
    world.signer.save()
    world.officer.set_unusable_password()
    world.officer.save()
    costs = {}
    for name in ("filler", "no-such-person", "signer", "officer"):
        work.clear()
        attempt(name)
        costs[name] = len(work)
    assert set(costs.values()) == {1}, costs


def test_each_further_lock_within_a_day_is_longer(world):
    for minutes in (*LIMITS.account_minutes, LIMITS.account_minutes[-1]):
        assert fail("filler")[-1] == 429
        pass_time(minutes=minutes - 1)
        assert attempt("filler", PASSWORD).status_code == 429
        pass_time(minutes=1, seconds=1)
    assert attempt("filler", PASSWORD).status_code == 302


def test_after_a_day_it_begins_anew(world):
    fail("filler")
    pass_time(days=1, seconds=1)
    fail("filler")
    assert attempt("filler")["Retry-After"] == "900"


def test_the_right_password_sets_the_account_back_and_not_the_address(world):
    for _ in range(3):
        assert fail("filler", 4) == [200] * 4
        assert attempt("filler", PASSWORD, HOME).status_code == 302
        LoginSession.objects.all().delete()  # HOME stays a stranger's place
        FailureCount.objects.filter(user=world.filler).update(failures=0)
    place = FailureCount.objects.get(user=None)
    assert place.failures == 12


def test_a_right_fifth_password_leaves_no_lock_behind(world):
    fail("filler", 4)
    assert attempt("filler", PASSWORD).status_code == 302
    row = FailureCount.objects.get(user=world.filler)
    assert (row.failures, row.locked_until, row.locks) == (0, None, 0)
    assert not AuditEvent.objects.filter(action="account.lock").exists()


def test_an_address_that_tries_many_names_is_locked_for_all(world):
    names_tried(LIMITS.address_failures - 2)
    assert [attempt("person-x").status_code, attempt("person-y").status_code] == [200, 429]
    assert attempt("filler", PASSWORD).status_code == 429
    assert attempt("filler", PASSWORD, HOME).status_code == 302
    pass_time(minutes=LIMITS.address_minutes, seconds=1)
    assert attempt("signer", PASSWORD).status_code == 302


def test_failures_of_an_address_are_forgotten_after_an_hour(world):
    names_tried(LIMITS.address_failures - 1)
    pass_time(hours=1)
    assert attempt("person-x").status_code == 200


def test_an_ipv6_caller_cannot_change_addresses_within_the_network(world):
    names_tried(LIMITS.address_failures - 1, "2001:db8::1")
    assert attempt("person-x", address="2001:db8::2").status_code == 429
    assert attempt("filler", PASSWORD, "2001:db8::ffff").status_code == 429
    assert attempt("filler", PASSWORD, "2001:db8:0:1::1").status_code == 302


def test_strangers_cannot_shut_an_administrator_out(world):
    assert attempt("system_admin", PASSWORD, HOME).status_code == 302
    assert fail("system_admin")[-1] == 429
    assert attempt("system_admin", PASSWORD).status_code == 429
    assert attempt("system_admin", PASSWORD, HOME).status_code == 302
    # Whoever guesses at that very desk is counted there.
    assert fail("system_admin", address=HOME)[-1] == 429
    assert attempt("system_admin", PASSWORD, HOME).status_code == 429


def test_what_is_counted_tells_no_name_and_no_password(world):
    attempt("Mein-Wort-im-falschen-Feld")
    attempt("filler")
    kept = str(list(FailureCount.objects.values_list("subject", "failures"))) + str(
        list(AuditEvent.objects.values())
    )
    assert "falschen" not in kept
    assert WRONG not in kept
    assert ABROAD not in str(list(FailureCount.objects.values()))


def test_a_lock_is_on_the_trail_once(world):
    fail("filler", 7)
    fail("Geheim-im-Namen", 7)
    events = AuditEvent.objects.filter(action="account.lock").order_by("id")
    assert [(e.object_label, e.result) for e in events] == [
        ("filler", "denied"),
        ("（无此用户）Ge…", "denied"),
    ]
    assert events[0].details["kind"] == "账号"


def test_attempts_at_the_same_time_are_all_counted(world):
    """A password is looked at only by an attempt that is counted already."""
    for _ in range(LIMITS.account_failures):
        lockout.begin("filler")  # none has been answered yet
    with pytest.raises(lockout.Locked):
        lockout.begin("filler")


def test_the_administrator_sees_a_lock_and_lifts_it(client, world):
    fail("filler")
    client.force_login(world.system_admin)
    page = client.get(reverse("accounts:list")).content.decode()
    assert page.count("登录锁定") == 1
    said = client.post(reverse("accounts:unlock", args=[world.filler.pk]), follow=True)
    assert "已解除账号“filler”的登录锁定" in said.content.decode()
    assert "解除锁定</button>" not in said.content.decode()
    assert attempt("filler", PASSWORD).status_code == 302
    assert AuditEvent.objects.filter(action="account.unlock").count() == 1
    again = client.post(reverse("accounts:unlock", args=[world.filler.pk]), follow=True)
    assert "没有被锁定" in again.content.decode()


def test_lifting_a_lock_leads_back_to_the_list_as_it_was_filtered(client, world):
    fail("filler")
    client.force_login(world.system_admin)
    here = f"{reverse('accounts:list')}?q=fill&page=1"
    page = client.get(here).content.decode()
    assert f'name="back" value="{here.replace("&", "&amp;")}"' in page
    url = reverse("accounts:unlock", args=[world.filler.pk])
    assert client.post(url, {"back": here}).url == here
    for foreign in ("https://example.com/", "//example.com", ""):
        assert client.post(url, {"back": foreign}).url == reverse("accounts:list")


def test_administrators_are_unlocked_on_the_server(client, world):
    fail("audit_admin")
    client.force_login(world.system_admin)
    url = reverse("accounts:unlock", args=[world.audit_admin.pk])
    assert "在服务器上办理" in client.post(url, follow=True).content.decode()
    call_command("unlock", "audit_admin", stdout=StringIO())
    assert attempt("audit_admin", PASSWORD).status_code == 302
    for name in ("audit_admin", "no-such-person"):
        with pytest.raises(CommandError):
            call_command("unlock", name)


def test_guessing_the_old_password_ends_the_log_in(client, world):
    """An unattended page of somebody else's is no place to guess at their password."""
    client.post(reverse(LOGIN), {"username": "filler", "password": PASSWORD})
    new = {"new_password1": "Neues-Wort-77", "new_password2": "Neues-Wort-77"}
    change = reverse("accounts:password_change")
    for _ in range(LIMITS.account_failures - 1):
        assert client.post(change, {"old_password": WRONG, **new}).status_code == 200
    out = client.post(change, {"old_password": WRONG, **new})
    assert "口令连续输错" in client.get(out.url).content.decode()
    assert client.get(change).status_code == 302
    again = client.post(reverse(LOGIN), {"username": "filler", "password": PASSWORD})
    assert again.status_code == 429
    failed = AuditEvent.objects.filter(action="account.password_wrong")
    assert failed.count() == LIMITS.account_failures


def test_old_counters_are_forgotten(world):
    fail("filler", 2)
    fail("signer")
    pass_time(hours=23)
    lockout.forget()
    assert FailureCount.objects.count() == 3
    pass_time(days=1)
    lockout.forget()
    assert not FailureCount.objects.exists()
