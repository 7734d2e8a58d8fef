"""An office's person is made to set up a second factor, and uses it; then a security key."""

import base64
import time

import pytest
from playwright.sync_api import expect

from accounts.models import Authenticator
from tests.accounts.factors import code_of
from tests.e2e.people import Person, Steps

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def code_now(person: Person) -> str:
    """The phone's code; the test does not wait for the next, so the last one is forgotten."""
    step = int(time.time()) // 30 - 2
    Authenticator.objects.filter(user__username=person.username).update(last_step=step)
    device = Authenticator.objects.get(user__username=person.username)
    return code_of(device.secret)


def test_from_the_first_log_in_to_a_security_key(browser, live_server, world, settings):
    settings.SECOND_FACTOR_REQUIRED = True
    # A browser takes no IP address for the name of a portal.
    base = live_server.url.replace("127.0.0.1", "localhost")
    settings.OTP_WEBAUTHN_RP_ID, settings.OTP_WEBAUTHN_ALLOWED_ORIGINS = "localhost", [base]
    steps = Steps()
    person = Person(browser, base, "officer", steps)
    page = person.page

    person.log_in()
    person.sees("请先添加一种验证方式，再继续使用平台")
    person.go("/inbox/")
    expect(page).to_have_url(f"{base}/accounts/security/")
    person.step("made to set one up")

    page.get_by_role("link", name="添加动态口令").click()
    page.get_by_text("不能扫描的").click()
    typed = page.locator("#key").inner_text().replace(" ", "")
    page.locator("[name=code]").fill(code_of(base64.b32decode(typed)))
    person.press("确认")
    recovery = page.locator("#codes li").all_inner_texts()
    assert len(recovery) == 10
    person.step("recovery codes")
    page.get_by_role("link", name="已保存，继续").click()
    expect(page.get_by_role("navigation", name="主导航")).to_be_visible()

    # A second browser: the code that was just used is refused there, a recovery code is not.
    other = Person(browser, base, "officer", steps)
    used = code_now(person)
    page.locator("details.menu summary").click()
    person.press("退出登录")
    person.log_in()
    page.locator("[name=code]").fill(used)
    person.press("验证")
    expect(page.get_by_role("navigation", name="主导航")).to_be_visible()
    other.log_in()
    other.page.locator("[name=code]").fill(used)
    other.press("验证")
    other.sees("动态口令或恢复码不正确，或者已经用过。")
    other.step("replay refused")
    other.page.locator("[name=code]").fill(recovery[0])
    other.press("验证")
    expect(other.page.get_by_role("navigation", name="主导航")).to_be_visible()

    # A security key, registered and used.
    devtools = person.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "usb",
                "hasResidentKey": False,
                "hasUserVerification": False,
                "isUserVerified": False,
                "automaticPresenceSimulation": True,
            }
        },
    )
    person.go("/accounts/security/")
    page.get_by_label("名称").fill("办公室的密钥")
    person.press("添加安全密钥")
    expect(page.get_by_role("row", name="办公室的密钥")).to_be_visible()
    person.step("key added")
    page.locator("details.menu summary").click()
    person.press("退出登录")
    person.log_in()
    person.press("使用安全密钥")
    expect(page.get_by_role("navigation", name="主导航")).to_be_visible()
    person.go("/accounts/security/")
    page.get_by_role("row", name="办公室的密钥").get_by_role("button", name="移除").click()
    page.locator("dialog.ask [data-yes]").click()
    person.sees("已移除“办公室的密钥”")
    person.step("key removed")
