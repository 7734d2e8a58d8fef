"""The form of a mail system in a real browser without any script."""

import pytest
from django.urls import reverse

from inventory.models import MailSystem
from tests.world import PASSWORD, build_world

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(browser, live_server):
    context = browser.new_context(java_script_enabled=False, base_url=live_server.url)
    yield context.new_page()
    context.close()


def test_without_a_script_the_gate_hides_the_form_and_rows_can_be_added(page):
    world = build_world()
    page.goto(reverse("accounts:login"))
    page.get_by_label("用户名").fill("filler")
    page.get_by_label("口令").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.goto(reverse("inventory:system_create", args=[world.unit_a.pk]))
    name = page.get_by_label("系统名称")
    assert not name.is_visible()
    page.get_by_label("本系统不是涉密信息系统").check()
    page.get_by_label("互联网").check()
    assert name.is_visible()
    page.get_by_label("涉密网络").check()
    assert not name.is_visible()
    assert page.get_by_text("请关闭本页，不要继续填写").is_visible()
    page.get_by_label("涉密网络").uncheck()
    name.fill("无脚本登记")
    page.get_by_label("建设方式").select_option("shared")
    page.locator("[name=grade]").select_option("0")
    page.locator("[name=filing_state]").select_option("none")
    page.get_by_label("邮件域名 1").fill("eins.test")
    page.get_by_role("button", name="再加一个域名").click()
    page.get_by_label("邮件域名 2").fill("zwei.test")
    page.get_by_role("button", name="移除域名 1").click()
    assert page.get_by_label("邮件域名 1").input_value() == "zwei.test"
    page.get_by_label("系统名称").press("Enter")  # Enter saves; it never removes a row
    page.get_by_text("“无脚本登记”已保存").wait_for()
    system = MailSystem.objects.get(name="无脚本登记")
    assert [str(d) for d in system.domains.all()] == ["zwei.test"]
