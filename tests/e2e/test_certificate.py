"""A USB Key at the office's proxy: bound, logged in by, worth nothing without it, taken away."""

import re

import pytest
import trustme
from playwright.sync_api import Browser, expect

from accounts.models import ClientCertificate
from tests.e2e.front import standing_before
from tests.e2e.people import Person, Steps
from tests.world import PASSWORD, build_world

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
SECRET = "what-only-the-proxy-knows-" + "x" * 30


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def front(live_server, settings, authority):
    settings.BEHIND_PROXY = True
    settings.CLIENT_CERT_PROXY_SECRET = SECRET
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    with standing_before(live_server.url, authority=authority, secret=SECRET) as address:
        yield address


def key_of(authority, holder, front):
    """A USB Key of that person, as a browser has it at hand for the portal."""
    made = authority.issue_cert(common_name=holder)
    return {
        "client_certificates": [
            {
                "origin": front,
                "cert": made.cert_chain_pems[0].bytes(),
                "key": made.private_key_pem.bytes(),
            }
        ]
    }


def test_a_key_is_bound_used_and_taken_away(
    transactional_db, browser: Browser, front: str, authority
):
    world = build_world()
    steps = Steps()

    def seat(username, holder="", **more):
        key = key_of(authority, holder, front) if holder else {}
        return Person(browser, front, username, steps, ignore_https_errors=True, **key, **more)

    officer = seat("officer", "李警官")
    page = officer.page
    officer.log_in()
    officer.go("/accounts/ways/")
    officer.sees("浏览器现在出示的证书：CN=李警官")
    page.locator("[name=certificate-password]").fill(PASSWORD)
    officer.step("shown")
    officer.press("绑定这张证书")
    officer.sees("已绑定“证书 李警官”")
    officer.step("bound")

    # From now on password and key open the portal, and the key proves itself for a list as well.
    officer.log_out()
    officer.log_in()
    expect(page.get_by_role("navigation", name="主导航")).to_be_visible()
    officer.go("/inventory/units/")
    assert officer.download_by("导出表格", role="link").startswith(b"PK")
    officer.step("in-by-key")

    # Whoever has the cookie, or the password, but not the key gets no further.
    thief = seat("officer", storage_state=officer.context.storage_state())
    thief.go("/inventory/units/")
    expect(thief.page).to_have_url(re.compile("/accounts/second-factor/"))
    thief.sees("浏览器没有出示证书")
    thief.step("without-the-key")
    other = seat("officer", "王警官")
    other.log_in()
    expect(other.page).to_have_url(re.compile("/accounts/second-factor/"))
    other.sees("不是您的账号绑定的")
    other.step("key-of-another")

    # The key is lost: one certificate goes, and with it what it opened.
    admin = seat("system_admin")
    admin.log_in()
    admin.go(f"/accounts/{world.officer.pk}/")
    admin.step("certificates-of-an-account")
    admin.page.get_by_role("row", name="李警官").get_by_role("button", name="移除").click()
    admin.page.locator("dialog.ask [data-yes]").click()
    admin.sees("已移除“officer”的“证书 李警官”")
    admin.step("removed")
    assert not ClientCertificate.objects.exists()
    officer.go("/inventory/units/")
    expect(page).to_have_url(re.compile("/accounts/login/"))
    officer.sees("统一身份认证或证书已解除绑定")
    officer.step("out")
    for who in (officer, thief, other, admin):
        who.context.close()
