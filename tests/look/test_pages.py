"""The frame's pages in real Chromium: no sideways scrolling, no CSP violation, no axe finding."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.e2e, pytest.mark.urls("tests.look.urls")]

PAGES = ("look/gallery/", "accounts/login/", "look/lockout/", "look/crash/", "look/nowhere/")


@pytest.fixture
def axe(settings):
    file = settings.BASE_DIR / "static_build" / "vendor" / "axe.min.js"
    if not file.exists():
        pytest.skip("static_build/vendor/axe.min.js is collected by `make run` or `make test`")
    return file.read_text()


@pytest.fixture
def complaints(page: Page) -> list[str]:
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("path", PAGES)
def test_page_fits_keeps_to_the_policy_and_is_accessible(
    live_server, page, complaints, axe, path, width
):
    page.set_viewport_size({"width": width, "height": 900})
    response = page.goto(f"{live_server.url}/{path}")
    assert response.headers["content-security-policy"]
    expect(page.locator(".secrecy-line")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    status = {"look/crash/": 500, "look/nowhere/": 404}.get(path, 200)
    assert response.status == status
    # the browser itself reports the status of an error page as an error
    assert [text for text in complaints if f"status of {status}" not in text] == []
    page.evaluate(axe)
    found = page.evaluate("axe.run().then(r => r.violations)")
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == []


def test_the_keyboard_reaches_the_content_first_and_the_menu_closes(live_server, page):
    page.goto(f"{live_server.url}/look/gallery/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    menu = page.locator("details.menu")
    menu.locator("summary").click()
    expect(menu.get_by_role("button", name="退出登录")).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu.get_by_role("button", name="退出登录")).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()


def test_a_filter_changes_the_address_and_a_chip_takes_it_back(live_server, page):
    page.goto(f"{live_server.url}/look/gallery/?order=unit&page=3")
    page.get_by_role("search").get_by_label("行业").select_option("教育")
    page.wait_for_url("**/?sector=edu&order=unit")
    page.locator(".chip", has_text="行业：教育").click()
    page.wait_for_url("**/?order=unit")
