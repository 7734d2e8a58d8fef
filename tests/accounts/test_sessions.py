"""Log-ins: their limits, who ends them, and what an ended one is told."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import actions
from accounts.browsers import in_words
from accounts.models import EndOfLogin, LoginSession
from accounts.models.sessions import SAYS
from accounts.policy import policy
from audit.models import AuditEvent
from tests.world import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN, PAGE, OWN = "accounts:login", "inbox:list", "accounts:sessions"


def browser(username, agent="Mozilla/5.0 (Windows NT 10.0) Chrome/126 Edg/126", **more):
    """A logged-in browser of its own, by the real log-in page."""
    client = Client(headers={"User-Agent": agent})
    body = {"username": username, "password": PASSWORD, **more}
    assert client.post(reverse(LOGIN), body).status_code == 302
    return client


def sent_away(client, why, page=PAGE):
    """The client asks for a page, is sent to the log-in page, and reads there why."""
    answer = client.get(reverse(page))
    assert answer.status_code == 302
    assert answer.url.startswith(reverse(LOGIN) + "?next=" + reverse(page))
    assert SAYS[why] in client.get(answer.url).content.decode()
    # It is over for good, not only for one request.
    assert client.get(reverse(page)).status_code == 302


def age(**columns):
    LoginSession.objects.update(**columns)


def test_the_page_lists_ones_own_live_log_ins_and_names_this_one(world):
    phone = browser("filler", "Mozilla/5.0 (iPhone) Version/17 Safari/604")
    desk = browser("filler")
    browser("signer")
    page = desk.get(reverse(OWN))
    assert [login.browser for login in page.context["logins"]] == [
        "Edge 浏览器（Windows）",
        "Safari 浏览器（iPhone）",
    ]
    text = page.content.decode()
    assert text.count("本次") == 1
    assert "127.0.0.1" in text
    phone.post(reverse("accounts:logout"))
    assert len(desk.get(reverse(OWN)).context["logins"]) == 1


def test_ending_one_and_ending_all_others(world):
    here, second, third = (browser("filler") for _ in range(3))
    rows = {pk: client for client in (second, third) for pk in [client.session["login"]]}
    first = min(rows)
    here.post(reverse("accounts:session_end", args=[first]))
    sent_away(rows[first], EndOfLogin.OWN)
    assert here.post(reverse("accounts:session_end_others")).status_code == 302
    sent_away(rows[max(rows)], EndOfLogin.OWN)
    assert here.get(reverse(PAGE)).status_code == 200
    events = AuditEvent.objects.filter(action="account.sessions_end")
    assert [event.details["count"] for event in events] == [1, 1]


def test_ending_this_one_is_logging_out(world):
    client = browser("filler")
    answer = client.post(reverse("accounts:session_end", args=[client.session["login"]]))
    assert answer.url == reverse(LOGIN)
    assert client.get(reverse(PAGE)).status_code == 302
    assert LoginSession.objects.get().ended_why == EndOfLogin.LOGOUT


def test_nobody_ends_the_log_in_of_another(world):
    theirs = browser("signer")
    url = reverse("accounts:session_end", args=[theirs.session["login"]])
    assert browser("filler").post(url).status_code == 404
    assert theirs.get(reverse(PAGE)).status_code == 200


def test_who_does_nothing_is_out_after_the_idle_limit(world):
    client = browser("filler")
    limit = dt.timedelta(minutes=policy().session.idle_minutes)
    age(seen_at=timezone.now() - limit + dt.timedelta(seconds=30))
    assert client.get(reverse(PAGE)).status_code == 200
    assert LoginSession.objects.get().seen_at > timezone.now() - dt.timedelta(seconds=30)
    age(seen_at=timezone.now() - limit)
    sent_away(client, EndOfLogin.IDLE)


def test_a_page_that_asks_by_itself_keeps_no_log_in_alive(world):
    client = browser("filler")
    before = timezone.now() - dt.timedelta(minutes=30)
    age(seen_at=before)
    client.get(reverse(PAGE), headers={"HX-Request": "true"})
    assert LoginSession.objects.get().seen_at == before
    client.post(reverse("inbox:list"), headers={"HX-Request": "true"})
    assert LoginSession.objects.get().seen_at > before


def test_the_absolute_limit_ends_the_busiest_log_in(world):
    client = browser("filler")
    age(started_at=timezone.now() - dt.timedelta(hours=policy().session.absolute_hours))
    sent_away(client, EndOfLogin.ABSOLUTE)


def test_people_come_back_to_where_they_were(world):
    client = browser("filler")
    unit = reverse("inventory:unit_detail", args=[world.unit_a.pk]) + "?x=1"
    age(seen_at=timezone.now() - dt.timedelta(days=1))
    away = client.get(unit)
    page = client.get(away.url)
    assert page.context["next"] == unit
    body = {"username": "filler", "password": PASSWORD, "next": page.context["next"]}
    assert client.post(reverse(LOGIN), body).url == unit


def test_a_form_leads_back_to_its_page_and_never_to_a_foreign_one(world):
    def way_back(referer):
        client = browser("filler")
        age(seen_at=timezone.now() - dt.timedelta(days=1))
        form = reverse("accounts:session_end_others")
        return client.post(form, headers={"Referer": referer}).url

    assert f"next={reverse(OWN)}" in way_back("http://testserver" + reverse(OWN))
    assert "next=/&" in way_back("https://evil.test/accounts/logins/")
    assert "next=/&" in way_back("")


def test_a_fragment_turns_the_whole_page_to_the_log_in(world):
    client = browser("filler")
    age(seen_at=timezone.now() - dt.timedelta(days=1))
    shown = {"HX-Request": "true", "HX-Current-URL": "http://testserver" + reverse(OWN)}
    answer = client.get(reverse(PAGE), headers=shown)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["HX-Redirect"] == f"{reverse(LOGIN)}?next={reverse(OWN)}&over=idle"


def test_a_copied_cookie_is_dead_after_log_out(world):
    client, thief = browser("filler"), Client()
    thief.cookies["sessionid"] = client.cookies["sessionid"].value
    copied = client.session
    client.post(reverse("accounts:logout"))
    assert thief.get(reverse(PAGE)).status_code == 302
    copied.save(must_create=True)  # even if the session itself came back
    thief.cookies["sessionid"] = copied.session_key
    assert thief.get(reverse(PAGE)).status_code == 302


def test_a_session_without_a_row_lets_nobody_in(world):
    client = browser("filler")
    LoginSession.objects.all().delete()
    sent_away(client, EndOfLogin.IDLE)


def test_the_session_key_of_before_the_log_in_is_worthless(world):
    """Session fixation: an attacker who plants a key finds it changed by the log-in."""
    victim = Client()
    victim.get(reverse(LOGIN))
    planted = victim.session
    planted["mark"] = "planted"
    planted.save()
    key = planted.session_key
    victim.cookies["sessionid"] = key
    victim.post(reverse(LOGIN), {"username": "filler", "password": PASSWORD})
    assert victim.cookies["sessionid"].value != key
    attacker = Client()
    attacker.cookies["sessionid"] = key
    assert attacker.get(reverse(PAGE)).status_code == 302


def test_a_changed_password_changes_the_key_and_ends_the_others(world):
    here, other = browser("filler"), browser("filler")
    key = here.cookies["sessionid"].value
    new = {"old_password": PASSWORD, "new_password1": "Neues-Wort-77"}
    here.post(reverse("accounts:password_change"), new | {"new_password2": "Neues-Wort-77"})
    assert here.cookies["sessionid"].value != key
    assert here.get(reverse(PAGE)).status_code == 200
    sent_away(other, EndOfLogin.PASSWORD)


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (lambda w: actions.reset_access(user=w.filler, by=w.system_admin), EndOfLogin.PASSWORD),
        (
            lambda w: actions.set_active(user=w.filler, active=False, by=w.system_admin),
            EndOfLogin.STOPPED,
        ),
        (
            lambda w: actions.end_sessions(user=w.filler, why=EndOfLogin.ROLE, by=w.security_admin),
            EndOfLogin.ROLE,
        ),
    ],
    ids=["reset", "stopped", "role"],
)
def test_every_log_in_of_the_person_dies_at_once_and_no_other(world, act, why):
    theirs, other = [browser("filler"), browser("filler")], browser("signer")
    act(world)
    for client in theirs:
        sent_away(client, why)
    assert other.get(reverse(PAGE)).status_code == 200
    event = AuditEvent.objects.get(action="account.sessions_end")
    assert event.details == {"count": 2, "reason": why.label}


def test_a_stop_that_told_nobody_ends_the_log_in_all_the_same(world):
    client = browser("filler")
    type(world.filler).objects.filter(pk=world.filler.pk).update(is_active=False)
    sent_away(client, EndOfLogin.STOPPED)
    assert LoginSession.objects.get().ended_why == EndOfLogin.STOPPED


def test_powers_are_those_of_the_moment(world):
    """Two browsers of one person: a role taken away or given counts at the next request of both."""
    one, two = browser("officer"), browser("officer")
    page = reverse("inventory:unit_detail", args=[world.unit_a.pk])
    assert {one.get(page).status_code, two.get(page).status_code} == {200}
    world.officer.memberships.update(active=False)
    assert {one.get(page).status_code, two.get(page).status_code} == {404}
    world.officer.memberships.update(active=True)
    assert {one.get(page).status_code, two.get(page).status_code} == {200}


def test_what_ran_out_is_marked_and_what_is_long_over_forgotten(world):
    late, old, live = browser("filler"), browser("signer"), browser("officer")
    now = timezone.now()
    LoginSession.objects.filter(pk=late.session["login"]).update(seen_at=now - dt.timedelta(days=1))
    LoginSession.objects.filter(pk=old.session["login"]).update(
        ended_at=now - dt.timedelta(days=91), ended_why=EndOfLogin.LOGOUT
    )
    actions.tidy_sessions()
    found = dict(LoginSession.objects.values_list("user__username", "ended_why"))
    assert found == {"filler": EndOfLogin.IDLE, "officer": ""}
    assert live.get(reverse(PAGE)).status_code == 200


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; UOS) Chrome/108", "Chrome 浏览器（统信 UOS）"),
        ("Mozilla/5.0 (Windows NT 6.1; Trident/7.0)", "IE 浏览器（Windows 7）"),
        ("<script>alert(1)</script>", "其他浏览器"),
        ("", "其他浏览器"),
    ],
)
def test_browsers_in_plain_words(agent, words):
    assert in_words(agent) == words
