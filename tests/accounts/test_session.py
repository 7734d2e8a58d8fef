"""Getting in, staying out, and one's own password."""

import logging

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from tests.world import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN = "accounts:login"
CHANGE = "accounts:password_change"


def log_in(client, username, password=PASSWORD, **more):
    return client.post(reverse(LOGIN), {"username": username, "password": password, **more})


def test_in_and_out_leave_their_events(client, world):
    response = log_in(client, "filler", next=reverse("inbox:list"))
    assert response.url == reverse("inbox:list")
    assert client.get(reverse("accounts:logout")).status_code == 405
    assert client.post(reverse("accounts:logout")).url == reverse(LOGIN)
    assert client.get(reverse("inbox:list")).status_code == 302
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {
        "account.login",
        "account.logout",
    }


def test_nobody_is_sent_to_a_foreign_site(client, world):
    response = log_in(client, "filler", next="https://evil.test/")
    assert "evil" not in response.url


def test_a_wrong_name_and_a_wrong_password_read_the_same(client, world):
    world.signer.is_active = False
    world.signer.save()
    pages = [
        log_in(client, "filler", "Falsch-2026"),
        log_in(client, "nobody-here", "Falsch-2026"),
        log_in(client, "signer"),
    ]
    said = [str(page.context["form"].non_field_errors()) for page in pages]
    assert len(set(said)) == 1
    assert "用户名或口令不正确" in said[0]


def test_failures_are_recorded_without_what_was_typed(client, world, caplog):
    with caplog.at_level(logging.DEBUG):
        log_in(client, "filler", "Geheim-Eins-1")
        log_in(client, "My-Password-In-The-Wrong-Box", "x")
    events = AuditEvent.objects.filter(action="account.login_failed").order_by("id")
    assert [e.object_label for e in events] == ["filler", "（无此用户）My…"]
    everything = caplog.text + str(list(AuditEvent.objects.values()))
    assert "Geheim-Eins-1" not in everything
    assert "Wrong-Box" not in everything


def change(client, old=PASSWORD, new="Neues-Wort-77", again=None, **more):
    fields = {"old_password": old, "new_password1": new, "new_password2": again or new, **more}
    return client.post(reverse(CHANGE), fields)


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"old": "falsch"}, "old_password", "原口令不正确"),
        ({"again": "Anderes-77x"}, "new_password2", "不一致"),
        ({"new": PASSWORD}, "new_password1", "不能与原口令相同"),
        ({"new": "Kurz-1"}, "new_password2", "口令至少10位"),
        ({"new": "onlylowercase"}, "new_password2", "至少三类"),
        ({"new": "1234567890"}, "new_password2", "过于常见"),
        ({"new": "filler-001"}, "new_password2", "过于相似"),
        ({"new": "Password123!"}, "new_password2", "一个词加数字"),
        ({"new": "Admin@2026!"}, "new_password2", "一个词加数字"),
        ({"new": "Zhang@1234"}, "new_password2", "一个词加数字"),
        ({"new": "Beijing#2026"}, "new_password2", "一个词加数字"),
        ({"new": "Admin-admin-2026"}, "new_password2", "一个词加数字"),
        ({"new": "P@ssw0rd2026"}, "new_password2", "容易被猜到"),
        ({"new": "1qaz@WSX3edc"}, "new_password2", "容易被猜到"),
        ({"new": "Aa1!bAa1!bAa1!b"}, "new_password2", "容易被猜到"),
    ],
)
def test_rules_for_passwords_are_told_in_chinese_at_the_field(client, world, fields, field, says):
    client.force_login(world.filler)
    response = change(client, **fields)
    text = " ".join(response.context["form"].errors[field])
    assert says in text
    assert "密码" not in response.content.decode()
    world.filler.refresh_from_db()
    assert world.filler.check_password(PASSWORD)


@pytest.mark.parametrize(
    "new",
    [
        "Neues-Wort-77",
        "Kuaizi 42 shanhu lamei",
        "gezi.Luhui.chaye.91",
        "correct-Horse battery staple",
        "筷子Ab-珊瑚cd-湖水77",
        "v7#Qm!2xKe",
        "Long-" + "kite moss 3 " * 12,
    ],
)
def test_several_words_or_chance_are_accepted(client, world, new):
    client.force_login(world.filler)
    assert change(client, new=new).status_code == 302
    world.filler.refresh_from_db()
    assert world.filler.check_password(new)


def test_a_changed_password_keeps_this_session_and_ends_the_others(client, world):
    from django.test import Client

    elsewhere = Client()
    log_in(elsewhere, "filler")
    log_in(client, "filler")
    assert change(client).status_code == 302
    assert client.get(reverse("inbox:list")).status_code == 200
    assert elsewhere.get(reverse("inbox:list")).status_code == 302
    assert AuditEvent.objects.filter(action="account.password_change").count() == 1


def test_who_must_change_the_password_reaches_nothing_else(client, world):
    world.filler.must_change_password = True
    world.filler.save()
    log_in(client, "filler")
    unit = reverse("inventory:unit_detail", args=[world.unit_a.pk])
    assert client.get(unit).url == reverse(CHANGE)
    page = client.get(reverse(CHANGE))
    assert "须先改成只有您知道的口令" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert change(client).status_code == 302
    world.filler.refresh_from_db()
    assert not world.filler.must_change_password
    assert client.get(unit).status_code == 200


def test_deactivated_people_are_out_at_once(client, world):
    log_in(client, "filler")
    world.filler.is_active = False
    world.filler.save()
    assert client.get(reverse("inbox:list")).status_code == 302
