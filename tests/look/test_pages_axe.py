"""The main pages of every side with one case in them, in real Chromium.

Each page is looked at once: axe finds nothing, nothing scrolls sideways at 390 px, the browser says
nothing (a broken security policy would show there), one h1, no heading without words, and no
page leaves a reader without a path back.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page

from accounts.models import User
from assessments.models import SelfCheck
from tests.filled import open_selfcheck
from tests.rectification import case
from tests.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

EMPTY_HEADINGS = """() => [...document.querySelectorAll('h1, h2, h3, h4, th, dt, legend')]
  .filter((e) => !e.textContent.trim()).map((e) => e.outerHTML)"""
WIDTH = "document.documentElement.scrollWidth"
PHONE = 390


@pytest.fixture
def axe(settings) -> str:
    file = settings.BASE_DIR / "static_build" / "vendor" / "axe.min.js"
    if not file.exists():
        pytest.skip("static_build/vendor/axe.min.js is collected by `make run` or `make test`")
    return file.read_text()


@pytest.fixture
def said(page: Page) -> list[str]:
    lines: list[str] = []
    page.on("console", lambda m: lines.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: lines.append(str(error)))
    return lines


def sign_in(context: BrowserContext, host: str, user: User) -> None:
    client = Client()
    client.force_login(user)
    cookie = client.cookies[django_settings.SESSION_COOKIE_NAME]
    context.clear_cookies()
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": host}])


def pages_of_a_case(world: World) -> Iterator[tuple[User, str, list[Any]]]:
    """(who, name of the URL, its arguments) over one case that stands before its re-check."""
    selfcheck = case.accepted(world)
    findings = case.confirmed(world, selfcheck)
    letter = case.file_letter(world.system_a)
    notice = case.signed(world, case.drafted(world, findings))
    new_check: SelfCheck = open_selfcheck(world.unit_b, world.city_b)
    sheet = new_check.sheets.get(system=None)
    system_sheet = new_check.sheets.get(system=world.system_b)

    clerk, colleague = world.filler, world.filler_b
    yield clerk, "dashboards:home", []
    yield clerk, "inventory:unit_detail", [world.unit_a.pk]
    yield clerk, "inventory:unit_edit", [world.unit_a.pk]
    yield clerk, "inventory:system_edit", [world.system_a.pk]
    yield clerk, "scans:system_view", [world.system_a.pk]
    yield clerk, "scans:authorization_detail", [letter.pk]
    yield clerk, "rectification:reply", [notice.pk]
    yield colleague, "assessments:selfcheck_detail", [new_check.pk]
    yield colleague, "assessments:section", [new_check.pk, sheet.pk, "U2"]
    yield colleague, "assessments:section", [new_check.pk, system_sheet.pk, "M6"]
    yield colleague, "assessments:summary", [new_check.pk]
    officer = world.officer
    yield officer, "dashboards:home", []
    yield officer, "inventory:unit_list", []
    yield officer, "assessments:campaign_detail", [selfcheck.campaign_id]
    yield officer, "assessments:review", [selfcheck.pk]
    yield officer, "rectification:confirm", [selfcheck.pk]
    yield officer, "rectification:finding_list", []
    yield officer, "rectification:finding_detail", [findings[0].pk]
    yield officer, "rectification:notice_detail", [notice.pk]
    yield officer, "reports:register", []
    yield world.officer_b, "assessments:urge_list", []
    yield world.approver, "inbox:list", []
    yield world.system_admin, "accounts:list", []
    yield world.security_admin, "accounts:powers", []
    yield world.audit_admin, "audit:list", []


def test_the_main_pages_are_accessible_and_fit(world, live_server, page, context, axe, said):
    problems: list[str] = []
    signed_in: User | None = None
    for user, name, arguments in pages_of_a_case(world):
        if user != signed_in:
            sign_in(context, live_server.url, user)
            signed_in = user
        path = reverse(name, args=arguments)
        page.set_viewport_size({"width": 1440, "height": 900})
        response = page.goto(f"{live_server.url}{path}")
        assert response is not None
        found = [f"answers {response.status}"] if response.status != 200 else []
        page.evaluate(axe)
        for violation in page.evaluate("axe.run().then(r => r.violations)"):
            found += [f"axe {violation['id']}: {node['html']}" for node in violation["nodes"]]
        found += [f"empty heading: {html}" for html in page.evaluate(EMPTY_HEADINGS)]
        if page.locator("h1").count() != 1:
            found.append("not one h1")
        at_home = name == "dashboards:home"
        if not at_home and not page.locator(".crumbs a").count():
            found.append("no path back")
        page.set_viewport_size({"width": PHONE, "height": 800})
        if (width := page.evaluate(WIDTH)) > PHONE:
            found.append(f"scrolls sideways: {width} px")
        found += [f"the browser says: {line}" for line in said]
        said.clear()
        problems += [f"{name} as {user.username}: {text}" for text in found]
    assert problems == []
