"""Acts of weight ask for the second factor again, and lose nothing that was typed."""

import time

import pytest
from django.urls import reverse

from accounts.factors import PASSED_AT
from accounts.fresh import ACTS
from accounts.models import User
from audit.models import AuditEvent
from tests.access.walk import routes
from tests.accounts.factors import Phone, forgive, log_in

pytestmark = pytest.mark.django_db
CREATE = reverse("accounts:create")
FORM = {"username": "wang.xm", "name": "王小明", "phone": "", "role": "reader", "office": ""}


def grow_old(client, seconds=601):
    session = client.session
    session[PASSED_AT] = int(time.time()) - seconds
    session.save()


@pytest.fixture
def admin(client, world):
    """The 系统管理员 some minutes after the log-in."""
    phone = Phone(world.system_admin)
    log_in(client, world.system_admin)
    client.post(reverse("accounts:second_factor"), {"code": phone.code()})
    grow_old(client)
    client.phone = phone
    return client


def new_account(world, **more):
    return FORM | {"unit_code": world.unit_a.uscc} | more


def test_the_table_names_routes():
    assert set(ACTS) <= {name for name, _ in routes()}
    assert {page for page in ACTS.values() if page} <= {name for name, _ in routes()}


def test_a_form_waits_on_the_page_that_asks_and_then_goes_on(admin, world):
    sent = new_account(world, name='<b>"王"&小明')
    asked = admin.post(CREATE, sent)
    assert asked.status_code == 200
    page = asked.content.decode()
    assert "已填写的内容不会丢失" in page
    assert not User.objects.filter(username="wang.xm").exists()
    kept = dict(asked.context["kept"])
    assert kept == sent
    assert "csrfmiddlewaretoken" not in kept
    assert "&lt;b&gt;" in page
    wrong = admin.post(CREATE, kept | {"second_factor-code": "000000"})
    assert wrong.status_code == 422
    assert "不正确" in " ".join(wrong.context["form"].errors["code"])
    assert dict(wrong.context["kept"]) == sent
    forgive(world.system_admin)
    done = admin.post(CREATE, kept | {"second_factor-code": admin.phone.code(1)})
    assert done.status_code == 200
    assert User.objects.get(username="wang.xm").name == sent["name"]


def test_within_the_minutes_nothing_is_asked(admin, world):
    grow_old(admin, seconds=590)
    admin.post(CREATE, new_account(world))
    assert User.objects.filter(username="wang.xm").exists()


def test_a_page_is_read_without_being_asked(admin):
    assert admin.get(CREATE).status_code == 200


def test_a_new_authenticator_is_asked_about_before_its_secret_is_shown(admin):
    url = reverse("accounts:authenticator")
    response = admin.get(url)
    assert response.url == f"{reverse('accounts:second_factor')}?next={url}"
    assert "请再次确认是您本人" in admin.get(response.url).content.decode()
    assert admin.post(response.url, {"code": admin.phone.code(1)}).url == url
    assert admin.get(url).status_code == 200


def test_a_script_is_told_in_words(admin):
    url = reverse("accounts:key_options")
    response = admin.post(url, headers={"Accept": "application/json"})
    assert response.status_code == 403
    assert "重新通过二次验证" in response.json()["error"]


def test_the_audit_trail_leaves_by_its_button_pressed_again(client, world):
    phone = Phone(world.audit_admin)
    log_in(client, world.audit_admin)
    client.post(reverse("accounts:second_factor"), {"code": phone.code()})
    grow_old(client)
    response = client.get(reverse("audit:export"), {"q": "officer"})
    assert not AuditEvent.objects.filter(action="list.export").exists()
    page = client.get(response.url)
    assert "请再次点击按钮" in page.content.decode()
    back = client.post(response.url, {"code": phone.code(1), "next": page.context["next"]})
    assert back.url == f"{reverse('audit:list')}?q=officer"
    assert client.get(reverse("audit:export")).status_code == 200


def test_whoever_has_no_factor_passes_outside_production(client, world):
    client.force_login(world.system_admin)
    client.post(CREATE, new_account(world))
    assert User.objects.filter(username="wang.xm").exists()
