"""Acts of weight ask for the second factor again, and lose nothing that was typed."""

import time

import pytest
from django.urls import reverse

from accounts.factors import PASSED_AT
from accounts.fresh import ACTS
from accounts.models import User
from assessments.models import SelfCheck
from audit.models import AuditEvent
from tests.access.walk import routes
from tests.accounts.factors import Phone, forgive, log_in
from tests.dashboards import figures
from tests.world import PASSWORD

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
    assert "重新确认是您本人" in response.json()["error"]
    asks = f"{reverse('accounts:second_factor')}?next={reverse('accounts:security')}"
    assert response.json()["confirm"] == asks


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


# Every list that leaves, with the page where its button is and filters that this page knows.
LISTS = {
    "dashboards:units_export": ("inventory:unit_list", "q=%E7%94%B2&sector=02"),
    "dashboards:systems_export": ("inventory:system_list", "q=mail"),
    "dashboards:findings_export": ("rectification:finding_list", "severity=high&severity=low"),
    "dashboards:notices_export": ("rectification:notice_list", "q=1"),
    "dashboards:summary_export": ("dashboards:home", "campaign=7"),
    "reports:register_export": ("reports:register", "q=1"),
    "reports:urge_export": ("assessments:urge_list", "kind=returned"),
}


def test_every_list_that_leaves_is_named():
    lists = {name for name, _ in routes() if name.endswith("export")}
    assert lists == {*LISTS, "dashboards:selfchecks_export", "audit:export", "audit:taken_export"}
    assert lists <= set(ACTS)


@pytest.fixture
def officer(client, world):
    """A 承办人 some minutes after the log-in."""
    client.phone = Phone(world.officer)
    log_in(client, world.officer)
    client.post(reverse("accounts:second_factor"), {"code": client.phone.code()})
    grow_old(client)
    return client


def confirmed(client, asked):
    """Prove the factor where one is asked; returns where it leads."""
    there = client.get(asked.url).context["next"]
    return client.post(asked.url, {"code": client.phone.code(1), "next": there}).url


@pytest.mark.parametrize(("name", "page", "query"), [(n, *v) for n, v in LISTS.items()])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_list_leaves_from_its_page_as_it_was_narrowed(officer, name, page, query, method):
    url = f"{reverse(name)}?{query}"
    asked = getattr(officer, method)(url)
    assert asked.url.startswith(reverse("accounts:second_factor"))
    assert not AuditEvent.objects.filter(action="list.export").exists()
    assert confirmed(officer, asked) == f"{reverse(page)}?{query}"
    shown = officer.get(f"{reverse(page)}?{query}")
    assert shown.status_code == 200
    assert officer.get(url)["Content-Disposition"].startswith("attachment")


def test_the_list_of_a_campaign_leaves_from_its_own_page(officer, world):
    campaign = figures.campaign(world)
    SelfCheck.objects.create(
        campaign=campaign, unit=world.unit_a, questionnaire=campaign.questionnaire
    )
    url = f"{reverse('dashboards:selfchecks_export', args=[campaign.pk])}?status=filling"
    back = confirmed(officer, officer.get(url))
    assert back == f"{reverse('assessments:campaign_detail', args=[campaign.pk])}?status=filling"
    assert f"{reverse('dashboards:selfchecks_export', args=[campaign.pk])}?status=filling" in (
        officer.get(back).content.decode()
    )
    assert officer.get(url).status_code == 200


def test_the_export_log_leaves_by_its_button_pressed_again(client, world):
    client.phone = Phone(world.audit_admin)
    log_in(client, world.audit_admin)
    client.post(reverse("accounts:second_factor"), {"code": client.phone.code()})
    grow_old(client)
    url = f"{reverse('audit:taken_export')}?unit=x"
    assert confirmed(client, client.get(url)) == f"{reverse('audit:taken')}?unit=x"
    assert client.get(url).status_code == 200


def test_who_has_just_proven_the_factor_exports_at_once(officer):
    grow_old(officer, seconds=590)
    assert officer.get(reverse("dashboards:units_export")).status_code == 200


def test_a_password_is_written_into_no_page(officer, settings):
    settings.CLIENT_CERT_PROXY_SECRET = "known to the proxy alone"
    for name, field in (("certificate_add", "certificate"), ("unified_link", "unified")):
        sent = {f"{field}-password": PASSWORD}
        asked = officer.post(reverse(f"accounts:{name}"), sent)
        assert asked.url.endswith(f"next={reverse('accounts:ways')}")
        assert PASSWORD not in officer.get(asked.url).content.decode()


def test_whoever_has_no_factor_passes_outside_production(client, world):
    client.force_login(world.system_admin)
    client.post(CREATE, new_account(world))
    assert User.objects.filter(username="wang.xm").exists()
