"""People at their browsers."""

import os
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import Error as BrowserError

from tests.world import PASSWORD

SHOTS = os.environ.get("E2E_SHOTS", "")


class Steps:
    """Counts the steps of a journey; with E2E_SHOTS=DIR keeps a picture of each."""

    def __init__(self) -> None:
        self.count = 0

    def done(self, page: Page, name: str) -> None:
        self.count += 1
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=f"{SHOTS}/{self.count:02d}-{name}.png", full_page=True)


class Person:
    """One person in a browser of their own.

    `more` goes to the context of the browser, e.g. a certificate.
    """

    def __init__(
        self, browser: Browser, base_url: str, username: str, steps: Steps, **more: Any
    ) -> None:
        self.context = browser.new_context(
            base_url=base_url,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            accept_downloads=True,
            **more,
        )
        self.context.set_default_timeout(15000)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console",
            lambda m: (
                self.errors.append(m.text)
                if m.type == "error" and "Failed to load resource" not in m.text
                else None
            ),
        )
        self.username = username
        self.steps = steps

    def log_in(self) -> None:
        self.page.goto("/accounts/login/")
        self.page.locator("[name=username]").fill(self.username)
        self.page.locator("[name=password]").fill(PASSWORD)
        self.page.get_by_role("button", name="登录").click()
        expect(self.page).not_to_have_url("/accounts/login/")

    def go(self, path: str) -> int:
        """Open a page; return its status. A page that was just reloading itself is let finish."""
        try:
            response = self.page.goto(path)
        except BrowserError as error:
            if "ERR_ABORTED" not in str(error):
                raise
            self.page.wait_for_load_state()
            response = self.page.goto(path)
        assert response is not None
        return response.status

    def sees(self, text: str) -> None:
        expect(self.page.locator("body")).to_contain_text(text)

    def press(self, name: str, **kwargs: Any) -> None:
        """Press a button; where a dialog asks first, confirm it."""
        self.page.get_by_role("button", name=name, **kwargs).first.click()

    def press_and_land(self, button: Locator) -> None:
        """Press a button that saves first or asks the server, and wait for the page behind it."""
        with self.page.expect_navigation():
            button.click()

    def step(self, name: str) -> None:
        assert not self.errors, self.errors
        self.steps.done(self.page, name)

    def download_by(self, button: str, *, role: Any = "button") -> bytes:
        """Press a button, or what looks like one, that answers with a file."""
        with self.page.expect_download() as waiting:
            self.page.get_by_role(role, name=button).first.click()
        return Path(waiting.value.path()).read_bytes()

    def log_out(self) -> None:
        self.page.locator("details.menu summary").click()
        self.press("退出登录")

    def download(self, link: str) -> bytes:
        """Fetch a file that the page links to, as the logged-in person."""
        response = self.context.request.get(link)
        assert response.status == 200, (link, response.status)
        return response.body()
