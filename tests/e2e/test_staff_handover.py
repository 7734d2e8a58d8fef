"""Somebody leaves a unit: out at once, and the successor finds what waited."""

import re

import pytest
from playwright.sync_api import Browser, expect

from inbox.actions import tell_person
from tests.e2e.people import Person, Steps
from tests.world import build_world

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

OWN = "Nj7-kite-moss-41"


def test_a_clerk_leaves_and_a_successor_takes_over(transactional_db, live_server, browser: Browser):
    world = build_world()
    tell_person(world.filler, title="请补正第三题", url="/")
    steps = Steps()
    make = lambda name: Person(browser, live_server.url, name, steps)  # noqa: E731
    leader, clerk, newcomer = map(make, ("signer", "filler", "newcomer"))
    clerk.log_in()
    leader.log_in()
    page = leader.page
    page.get_by_role("link", name="本单位人员").click()
    page.get_by_role("link", name=re.compile("停用、交接.*filler")).click()
    leader.sees("未读消息 1 条")
    page.get_by_label("接替人").select_option(label="邀请新的填报人")
    page.get_by_label("理由").fill("调离")
    leader.step("leaving")
    leader.press("停用并交接")
    page.get_by_role("dialog").get_by_role("button", name="停用并交接").click()
    leader.sees("工作已交接")
    link = page.locator("#one-time-link").inner_text()
    leader.step("invited")
    # The clerk's open page is the last one.
    clerk.go("/inbox/")
    expect(clerk.page).to_have_url(re.compile("/accounts/login/"))
    clerk.sees("这个账号已停用")
    clerk.step("out")
    newcomer.go(link[link.index("/accounts/join/") :])
    newcomer.page.get_by_label("您的姓名").fill("程大")
    newcomer.page.locator("[name=new_password1]").fill(OWN)
    newcomer.page.locator("[name=new_password2]").fill(OWN)
    newcomer.press("启用并登录")
    newcomer.sees("账号已启用")
    newcomer.go("/inbox/")
    newcomer.sees("请补正第三题")
    newcomer.press("去办理：工作交接：filler的工作由您接替")
    newcomer.sees("移交人")
    newcomer.sees("请补正第三题")
    newcomer.step("taken-over")
    for person in (leader, clerk, newcomer):
        person.context.close()
