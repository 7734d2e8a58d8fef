"""Take full-page screenshots of the portal, to look at one's own pages.

    tools/shot.py URL OUT.png [--width 390] [--login USER:PASSWORD] [--grey] [--print] [--window]

Prints the size of the page, whether it scrolls sideways, and what the browser's console said
(CSP violations appear there); exits 1 if the page scrolls sideways or the console has errors.
"""

import argparse
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def log_in(page: Page, url: str, account: str, path: str) -> None:
    """Log in through the login page of the portal that `url` lies on.

    Args:
        page: a fresh page.
        url: any address of the portal.
        account: USER:PASSWORD.
        path: the path of the login page.

    Raises:
        SystemExit: the login page is shown again.
    """
    parts = urlsplit(url)
    user, _, password = account.partition(":")
    page.goto(f"{parts.scheme}://{parts.netloc}{path}")
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", password)
    page.click("main button[type=submit]")
    page.wait_for_load_state()
    if page.locator("input[name=password]").count() and page.url.split("?")[0].endswith(path):
        raise SystemExit(f"login failed for {user}: {page.inner_text('main')}")


def main(argv: list[str] | None = None) -> int:
    """Run the tool; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("url")
    parser.add_argument("out", type=Path)
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--login", metavar="USER:PASSWORD")
    parser.add_argument("--login-path", default="/accounts/login/")
    parser.add_argument("--grey", action="store_true", help="as a black-and-white printer shows it")
    parser.add_argument("--print", action="store_true", dest="paper", help="with the print rules")
    parser.add_argument("--window", action="store_true", help="what fits the window, not the page")
    parser.add_argument("--click", metavar="SELECTOR", help="click this first")
    parser.add_argument("--only", metavar="SELECTOR", help="only this element")
    options = parser.parse_args(argv)

    said: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(
            viewport={"width": options.width, "height": options.height}, locale="zh-CN"
        )
        page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        if options.login:
            log_in(page, options.url, options.login, options.login_path)
        try:
            response = page.goto(options.url, wait_until="load")
        except BrowserError as error:
            raise SystemExit(error.message.splitlines()[0]) from None
        if options.grey:
            page.evaluate("document.documentElement.style.filter = 'grayscale(1)'")
        if options.paper:
            page.emulate_media(media="print")
        if options.click:
            page.click(options.click)
            page.wait_for_timeout(300)
        width, height, inner = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight,"
            " document.documentElement.clientWidth]"
        )
        if options.only:
            page.locator(options.only).first.screenshot(path=options.out)
        else:
            page.screenshot(path=options.out, full_page=not options.window)
        browser.close()
    status = response.status if response else "?"
    sideways = width > inner
    sys.stdout.write(
        f"{status} {width}×{height}{' SCROLLS SIDEWAYS' if sideways else ''} → {options.out}\n"
    )
    for line in said:
        sys.stdout.write(f"console: {line}\n")
    return 1 if sideways or said else 0


if __name__ == "__main__":
    sys.exit(main())
