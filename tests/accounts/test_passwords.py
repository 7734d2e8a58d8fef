"""One's own password: its rules, its age, and those that must not come back."""

import datetime as dt

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import actions, habits
from accounts.models import UsedPassword
from accounts.policy import policy
from audit.models import AuditEvent
from tests.world import PASSWORD

pytestmark = pytest.mark.django_db
CHANGE = "accounts:password_change"
RULES = policy().password


def log_in(client, username, password=PASSWORD):
    return client.post(reverse("accounts:login"), {"username": username, "password": password})


def change(client, old=PASSWORD, new="Neues-Wort-77", again=None, **more):
    fields = {"old_password": old, "new_password1": new, "new_password2": again or new, **more}
    return client.post(reverse(CHANGE), fields)


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"old": "falsch"}, "old_password", "原口令不正确"),
        ({"again": "Anderes-77x"}, "new_password2", "不一致"),
        ({"new": PASSWORD}, "new_password1", "不能与现在的口令"),
        ({"new": "Kurz-1"}, "new_password1", "口令至少10位"),
        ({"new": "onlylowercase"}, "new_password1", "至少三类"),
        ({"new": "1234567890"}, "new_password1", "过于常见"),
        ({"new": "filler-001"}, "new_password1", "过于相似"),
        ({"new": "Password123!"}, "new_password1", "一个词加数字"),
        ({"new": "Admin@2026!"}, "new_password1", "一个词加数字"),
        ({"new": "Zhang@1234"}, "new_password1", "一个词加数字"),
        ({"new": "Beijing#2026"}, "new_password1", "一个词加数字"),
        ({"new": "Admin-admin-2026"}, "new_password1", "一个词加数字"),
        ({"new": "P@ssw0rd2026"}, "new_password1", "容易被猜到"),
        ({"new": "1qaz@WSX3edc"}, "new_password1", "容易被猜到"),
        ({"new": "Aa1!bAa1!bAa1!b"}, "new_password1", "容易被猜到"),
        ({"new": "Woaini-5201314-Beijing"}, "new_password1", "所剩无几"),
        ({"new": "Gongan.Shandong.2026"}, "new_password1", "所剩无几"),
        ({"new": "Zhang@Xiaoming#19850312"}, "new_password1", "所剩无几"),
        ({"new": "Laopo13812345678Aini"}, "new_password1", "所剩无几"),
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


STONES = ("eins", "zwei", "drei", "vier", "fuenf", "sechs", "sieben")
WORDS = [f"Kiesel-{stone}-77-Moos" for stone in STONES]


def test_former_passwords_do_not_come_back(client, world):
    client.force_login(world.filler)
    old = PASSWORD
    for new in WORDS[: RULES.history + 1]:
        assert change(client, old=old, new=new).status_code == 302
        old = new
    for barred in WORDS[: RULES.history]:
        page = change(client, old=old, new=barred)
        assert "最近用过的 5 个口令" in str(page.context["form"].errors["new_password1"])
    # The one before those five is free again, and its hash is gone.
    assert change(client, old=old, new=WORDS[6]).status_code == 302
    assert change(client, old=WORDS[6], new=WORDS[0]).status_code == 302


def test_only_hashes_are_kept_and_no_more_than_needed(client, world):
    client.force_login(world.filler)
    old = PASSWORD
    for new in WORDS:
        change(client, old=old, new=new)
        old = new
    kept = [row.password for row in UsedPassword.objects.filter(user=world.filler)]
    assert len(kept) == RULES.history + 1
    assert not any(word in text for word in WORDS for text in kept)
    assert check_password(WORDS[-1], kept[0])


def test_a_reset_does_not_bring_the_old_password_back(client, world):
    client.force_login(world.filler)
    change(client, new=WORDS[0])
    issued = actions.reset_access(user=world.filler, by=world.system_admin)
    body = {"code": issued.code, "name": "王小明", "new_password1": WORDS[0]}
    page = Client().post(reverse("accounts:join"), body | {"new_password2": WORDS[0]})
    assert page.status_code == 422
    assert "最近用过" in page.content.decode()


def aged(user, days):
    moment = timezone.now() - dt.timedelta(days=days, minutes=1)
    type(user).objects.filter(pk=user.pk).update(password_set_at=moment)


def test_a_password_that_reached_its_age_opens_nothing_but_its_change(client, world):
    aged(world.filler, RULES.max_age_days)
    log_in(client, "filler")
    unit = reverse("inventory:unit_detail", args=[world.unit_a.pk])
    assert client.get(unit).url == reverse(CHANGE)
    page = client.get(reverse(CHANGE))
    assert "已使用 90 天" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert change(client).status_code == 302
    assert client.get(unit).status_code == 200


def test_people_are_warned_before(client, world):
    inbox = reverse("inbox:list")
    client.force_login(world.filler)
    aged(world.filler, RULES.max_age_days - RULES.warn_days - 1)
    assert "到期后须先修改" not in client.get(inbox).content.decode()
    aged(world.filler, RULES.max_age_days - 9)
    assert "您的口令还有 9 天到期" in client.get(inbox).content.decode()


def test_who_has_no_password_is_not_asked_to_change_it(client, world):
    """The account of somebody who comes by the unified log-in alone."""
    aged(world.filler, RULES.max_age_days + 30)
    world.filler.refresh_from_db()
    world.filler.set_unusable_password()
    world.filler.save()
    client.force_login(world.filler)
    assert client.get(reverse("inbox:list")).status_code == 200


def test_a_renewed_hash_is_no_new_password(client, world, settings):
    """Django renews a hash at the log-in when its parameters have changed."""
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    world.filler.password = make_password(PASSWORD, hasher="md5")
    world.filler.save()
    aged(world.filler, RULES.max_age_days)
    log_in(client, "filler")
    world.filler.refresh_from_db()
    assert world.filler.password.startswith("pbkdf2_sha256$")
    assert world.filler.must_change_password
    assert not UsedPassword.objects.exists()


@pytest.mark.parametrize(
    ("password", "habit"),
    [
        ("Woaini1314520!", True),
        ("1qaz2wsx3edc4rfv", True),
        ("P@ssw0rd-Adm1n", True),
        ("Hangzhou_Jiaoyuju_2026", True),
        ("Zhongguomeng888", True),
        ("Kiesel-Moos-2026-Torf", False),
        ("beijing-kaoya-hutong-lamei", False),
        ("xK9#mQ2vL7@pR", False),
        ("筷子珊瑚湖水-2026", False),
    ],
)
def test_what_is_a_habit(password, habit):
    assert habits.is_habit(password) is habit


def test_the_data_of_the_habits_has_its_shape():
    words = [word for kind in habits._KINDS for word in habits._habits()[kind]]
    assert len(words) > 400
