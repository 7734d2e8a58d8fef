"""What a clerk typed survives a colleague, a cut network and an ended session."""

import pytest
from django.contrib.sessions.models import Session
from django.db import transaction
from django.urls import reverse
from playwright.sync_api import Browser, expect

from assessments.models import Answer
from rectification.models import Finding, Reply
from tests.e2e.people import Person, Steps
from tests.files import PDF
from tests.filled import complete_inventory, open_selfcheck
from tests.rectification.case import drafted, plain_finding, signed
from tests.world import PASSWORD, build_world, make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def desk(transactional_db, live_server, browser: Browser):
    """Two clerks of 甲单位 before the same section."""
    world = build_world()
    make_user("filler_2", "filler", world.unit_a)
    complete_inventory(world.unit_a)
    selfcheck = open_selfcheck(world.unit_a, world.city_a)
    sheet = selfcheck.sheets.get(kind="unit")
    path = reverse("assessments:section", args=[selfcheck.pk, sheet.pk, "U2"])
    clerks = [Person(browser, live_server.url, n, Steps()) for n in ("filler", "filler_2")]
    for clerk in clerks:
        clerk.log_in()
        clerk.go(path)
    yield clerks
    for clerk in clerks:
        clerk.context.close()


def place(clerk: Person, item: str, field: str = "answer"):
    return clerk.page.locator(f'[data-item="{item}"][data-field="{field}"]')


def choose(clerk: Person, item: str, code: str) -> None:
    place(clerk, item).locator(f'input[value="{code}"]').evaluate("input => input.click()")


def saved(clerk: Person) -> None:
    expect(clerk.page.locator("[data-save-indicator]").first).to_contain_text("已保存")


def value(item: str) -> str:
    return Answer.objects.get(item=item, field="answer").value


def test_the_second_of_two_editors_is_told_and_chooses(desk):
    first, second = desk
    choose(first, "U-201", "no")
    saved(first)
    choose(second, "U-201", "yes")
    conflict = place(second, "U-201").locator(".conflict")
    expect(conflict).to_contain_text("filler")
    expect(conflict).to_contain_text("您填写的")
    assert value("U-201") == "no"
    conflict.get_by_role("button", name="保留我的").click()
    saved(second)
    assert value("U-201") == "yes"
    history = Answer.objects.get(item="U-201", field="answer").history
    assert list(history.order_by("version").values_list("value", flat=True)) == ["no", "yes"]


def test_a_cut_network_keeps_the_answers_and_sends_them_later(desk):
    clerk = desk[0]
    clerk.context.set_offline(True)
    choose(clerk, "U-202", "partial")
    note = place(clerk, "U-202", "note").locator("textarea")
    expect(clerk.page.locator("[data-save-indicator]").first).to_contain_text("等待网络")
    clerk.context.set_offline(False)
    saved(clerk)
    note.fill("制度已起草，尚未正式发布。")
    saved(clerk)
    assert value("U-202") == "partial"
    assert Answer.objects.get(item="U-202", field="note").value == "制度已起草，尚未正式发布。"


def test_an_ended_session_keeps_the_answer_until_the_next_log_in(desk):
    clerk = desk[0]
    Session.objects.all().delete()
    choose(clerk, "U-203", "yes")
    expect(clerk.page.locator("[data-save-login]")).to_contain_text("登录已过期")
    assert not Answer.objects.filter(item="U-203").exists()
    again = clerk.context.new_page()
    again.goto("/accounts/login/")
    again.locator("[name=username]").fill("filler")

    again.locator("[name=password]").fill(PASSWORD)
    again.get_by_role("button", name="登录").click()
    expect(again).not_to_have_url("/accounts/login/")
    clerk.page.get_by_role("button", name="已登录，继续保存").click()
    saved(clerk)
    assert value("U-203") == "yes"


@pytest.fixture
def reply_desk(transactional_db, live_server, browser: Browser):
    """The 填报人 of 甲单位 before a notice with two findings."""
    world = build_world()
    with transaction.atomic():
        notice = signed(
            world, drafted(world, [plain_finding(world, "a"), plain_finding(world, "b")])
        )
    clerk = Person(browser, live_server.url, "filler", Steps())
    clerk.log_in()
    clerk.go(reverse("rectification:reply", args=[notice.pk]))
    yield clerk
    clerk.context.close()


@pytest.mark.parametrize("accepted", [True, False])
def test_submitting_one_reply_keeps_what_is_typed_into_the_other(reply_desk, accepted):
    clerk = reply_desk
    first, second = Finding.objects.order_by("cause")
    box = place(clerk, str(second.pk), "analysis").locator("textarea")
    box.fill("第二项的原因，还没写完")
    for field in ("analysis", "measures"):
        place(clerk, str(first.pk), field).locator("textarea").fill(f"第一项的{field}。")
    form = clerk.page.locator(f"#f-{first.pk} form")
    if accepted:
        file = {"name": "制度.pdf", "mimeType": "application/pdf", "buffer": PDF}
        form.locator("input[type=file]").set_input_files(file)
    form.get_by_role("button", name="提交这一项").click()  # at once: before the pause of autosave
    clerk.sees("整改反馈已提交" if accepted else "没有提交，请改正标出的地方")
    expect(box).to_have_value("第二项的原因，还没写完")
    assert Reply.objects.exists() is accepted
    clerk.context.clear_cookies()  # logged out, another day
    clerk.log_in()
    clerk.go(reverse("rectification:reply", args=[second.notice_items.get().notice_id]))
    expect(box).to_have_value("第二项的原因，还没写完")
    assert not clerk.errors
