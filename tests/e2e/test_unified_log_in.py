"""An officer who comes in by the unified log-in alone: in, confirmed again for a list and for a
form that waits, and out at both places."""

import re
import time
from importlib import import_module

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Browser, Page, expect

from accounts.factors import PASSED_AT
from accounts.models import UnifiedIdentity, User
from tests.accounts.provider import configure, person, running
from tests.e2e.people import Person, Steps
from tests.world import build_world

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
BOTH = ["pwd", "hwk"]


@pytest.fixture
def provider(settings, live_server):
    with running() as issuer:
        configure(settings, issuer)
        settings.OIDC_SECOND_FACTOR = ["hwk"]
        settings.SECOND_FACTOR_REQUIRED = True
        settings.OIDC_OP_LOGOUT_ENDPOINT = f"{issuer}/oauth2/end_session"
        settings.PUBLIC_URL = live_server.url
        # As emailsec/settings.py does where the environment names a provider.
        policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
        forms = {"form-action": [*policy["form-action"], issuer]}
        settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": policy | forms}
        yield issuer


def at_provider(page: Page, provider: str) -> None:
    """Say who one is on the provider's own page."""
    expect(page).to_have_url(re.compile(re.escape(f"{provider}/oauth2/authorize")))
    page.get_by_role("textbox").fill("zhang")
    page.get_by_role("button", name="Authorize", exact=True).click()


def grow_old(officer: Person) -> None:
    """As if the last proof were an hour old."""
    cookies = {cookie["name"]: cookie["value"] for cookie in officer.context.cookies()}
    engine = import_module(django_settings.SESSION_ENGINE)
    session = engine.SessionStore(cookies[django_settings.SESSION_COOKIE_NAME])
    session[PASSED_AT] = int(time.time()) - 3600
    session.save()


def test_in_confirmed_again_and_out(transactional_db, live_server, browser: Browser, provider):
    world = build_world()
    UnifiedIdentity.objects.create(user=world.officer, issuer=provider, subject="zhang")
    officer = Person(browser, live_server.url, "officer", Steps())
    page = officer.page

    # In, by a session that the provider opened in the morning.
    person(provider, auth_time=int(time.time()) - 7200, amr=BOTH)
    officer.go("/accounts/login/")
    page.get_by_role("link", name="统一身份认证登录").click()
    at_provider(page, provider)
    expect(page.get_by_role("navigation", name="主导航")).to_be_visible()
    officer.step("in")

    # A list leaves only after the provider has asked again; its session of the morning is no proof.
    officer.go("/inventory/units/?q=甲单位")
    page.get_by_role("link", name="导出表格").click()
    officer.sees("到统一身份认证重新登录一次")
    officer.sees("请再次点击按钮")
    officer.step("asked")
    page.get_by_role("link", name="去确认").click()
    at_provider(page, provider)
    officer.sees("请先在认证方退出登录")
    officer.step("stale")
    person(provider, auth_time=int(time.time()), amr=BOTH)
    page.get_by_role("link", name="去确认").click()
    at_provider(page, provider)
    expect(page).to_have_url(re.compile(r"/inventory/units/\?q="))
    expect(page.locator("[name=q]")).to_have_value("甲单位")
    assert officer.download_by("导出表格", role="link").startswith(b"PK")
    officer.step("exported")

    # A form waits in its window while another goes to the provider.
    grow_old(officer)
    officer.go(f"/people/{world.filler.pk}/leave/")
    page.get_by_label("接替人").select_option(label="邀请新的填报人")
    page.get_by_label("理由").fill("调离")
    officer.press("停用并交接")
    page.get_by_role("dialog").get_by_role("button", name="停用并交接").click()
    officer.sees("已填写的内容不会丢失")
    officer.press("已确认，继续办理")
    officer.sees("还没有确认是您本人，没有办理")
    officer.step("waits")
    assert User.objects.get(pk=world.filler.pk).is_active
    with officer.context.expect_page() as opened:
        page.get_by_role("link", name="去确认").click()
    at_provider(opened.value, provider)
    expect(opened.value.locator("body")).to_contain_text("已确认是您本人")
    officer.steps.done(opened.value, "the-other-window")
    opened.value.close()
    officer.press("已确认，继续办理")
    officer.sees("工作已交接")
    assert not User.objects.get(pk=world.filler.pk).is_active
    officer.step("done")

    # Out, here and at the provider.
    officer.log_out()
    expect(page).to_have_url(re.compile(re.escape(f"{provider}/oauth2/end_session")))
    page.get_by_role("button", name="End session").click()
    expect(page).to_have_url(f"{live_server.url}/accounts/login/")
    officer.go("/inventory/units/")
    expect(page).to_have_url(re.compile("/accounts/login/"))
    officer.step("out")
    officer.context.close()
