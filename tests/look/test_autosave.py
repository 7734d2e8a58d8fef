"""autosave.js in real Chromium: what is saved looks saved, what is not never does."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.files import pdf
from tests.look.host import Host

pytestmark = pytest.mark.e2e


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.close()


@pytest.fixture
def sheet(host: Host, page: Page) -> Page:
    page.set_default_timeout(8000)
    page.goto(host.url)
    return page


def field_state(page: Page, name: str):
    return page.locator(f"#f-{name} [data-save-state]")


def choose(page: Page, value: str) -> None:
    page.locator(f"#f-key label:has(input[value={value}])").click()


def queue(page: Page) -> list[str]:
    return page.evaluate("Object.keys(localStorage).filter(k => k.startsWith('autosave:'))")


def test_a_choice_is_saved_at_once_and_says_when(host, sheet):
    choose(sheet, "partial")
    expect(field_state(sheet, "key")).to_have_text("已保存 14:32:05")
    expect(sheet.locator("#whole")).to_have_text("已保存 14:32:05")
    expect(sheet.locator("#whole")).to_have_attribute("data-save-state", "saved")
    (save,) = host.saves
    assert (save["item"], save["field"], save["value"], save["version"]) == (
        ["M-601"],
        ["main"],
        ["partial"],
        ["0"],
    )
    assert save["token"] == "from-the-cookie"  # the form's own token dies with a new log-in
    assert queue(sheet) == []


def test_typing_is_saved_once_after_a_pause_with_the_last_text(host, sheet):
    sheet.locator("#text").press_sequentially("主域名已发布", delay=30)
    expect(field_state(sheet, "text")).to_have_text("等待保存")
    expect(field_state(sheet, "text")).to_have_text("已保存 14:32:05")
    assert [save["value"] for save in host.saves] == [["主域名已发布"]]
    assert host.saves[0]["version"] == ["3"]


def test_typing_goes_on_while_a_save_is_under_way(host, sheet):
    host.delay = 0.6
    sheet.locator("#text").press_sequentially("一")
    expect(field_state(sheet, "text")).to_have_text("正在保存…")
    sheet.locator("#text").press_sequentially("二")
    expect(field_state(sheet, "text")).to_have_text("已保存 14:32:05")
    assert host.values["text"] == ["一二"]
    assert [save["version"] for save in host.saves] == [["3"], ["4"]]
    assert sheet.locator("#text").input_value() == "一二"


def test_several_choices_and_emptying_them(host, sheet):
    for option in ("选项a", "选项c"):
        sheet.get_by_label(option).check()
    expect(field_state(sheet, "multi")).to_have_attribute("data-save-state", "saved")
    assert host.values["multi"] == ["a", "c"]
    for option in ("选项a", "选项c"):
        sheet.get_by_label(option).uncheck()
    sheet.wait_for_function("window.portalAutosave.pending() === 0")
    assert host.values["multi"] == []


def test_rows_travel_as_one_value(host, sheet):
    sheet.locator("[data-key=name]").fill("李四")
    sheet.locator("[data-key=phone]").fill("0000")
    expect(field_state(sheet, "rows")).to_have_attribute("data-save-state", "saved")
    sheet.wait_for_function("window.portalAutosave.pending() === 0")
    assert json.loads(host.values["rows"][0]) == [{"name": "李四", "phone": "0000"}]


def test_without_network_it_says_so_and_saves_when_it_returns(host, sheet):
    sheet.context.set_offline(True)
    choose(sheet, "yes")
    expect(field_state(sheet, "key")).to_have_text("未保存，等待网络")
    expect(sheet.locator("#whole")).to_have_text("未保存，等待网络")
    assert len(queue(sheet)) == 1
    sheet.context.set_offline(False)
    expect(field_state(sheet, "key")).to_have_text("已保存 14:32:05")
    assert host.values["key"] == ["yes"]
    assert queue(sheet) == []


@pytest.mark.parametrize("mode", ["login", "unauthorized", "csrf"])
def test_an_expired_login_looks_failed_and_goes_on_after_the_login(host, sheet, mode):
    host.mode = mode
    choose(sheet, "no")
    expect(field_state(sheet, "key")).to_have_text("未保存，登录已过期")
    expect(sheet.locator("#whole")).to_have_text("登录已过期，请重新登录后继续；内容已保留")
    expect(sheet.get_by_role("link", name="重新登录（新窗口）")).to_have_attribute(
        "href", "/login/"
    )
    assert host.values["key"] == []
    host.mode = "ok"
    sheet.get_by_role("button", name="已登录，继续保存").click()
    expect(field_state(sheet, "key")).to_have_text("已保存 14:32:05")
    expect(sheet.locator("[data-save-login]")).to_have_count(0)
    assert host.values["key"] == ["no"]


@pytest.mark.parametrize("mode", ["error", "garbage"])
def test_a_failing_server_looks_failed_and_is_tried_again(host, sheet, mode):
    host.mode = mode
    choose(sheet, "no")
    expect(field_state(sheet, "key")).to_have_attribute("data-save-state", "failed")
    expect(sheet.locator("#whole")).to_have_text("保存失败，稍后自动重试")
    host.mode = "ok"
    expect(field_state(sheet, "key")).to_have_text("已保存 14:32:05")  # by itself, with back-off
    assert host.values["key"] == ["no"]


def test_attempts_back_off(host, sheet):
    host.mode = "error"
    choose(sheet, "no")
    sheet.wait_for_timeout(5500)
    assert 2 <= len(host.saves) <= 3  # at 0, about 2 and about 6 seconds


def test_a_refused_value_shows_why_at_the_field_and_is_not_resent(host, sheet):
    host.mode = "refuse"
    sheet.locator("#text").fill("一百零一")
    error = sheet.locator("#f-text [data-error]")
    expect(error).to_have_text("数字应在 0 到 100 之间。")
    expect(error).to_be_visible()
    expect(field_state(sheet, "text")).to_have_text("保存失败")
    expect(sheet.locator("#whole")).to_have_text("保存失败：1 处需要更正")
    text = sheet.locator("#text")
    expect(text).to_have_attribute("aria-invalid", "true")
    assert text.get_attribute("aria-describedby") == error.get_attribute("id")
    sheet.wait_for_timeout(2600)
    assert len(host.saves) == 1
    host.mode = "ok"
    text.fill("九十九")
    expect(field_state(sheet, "text")).to_have_text("已保存 14:32:05")
    expect(error).to_be_hidden()
    assert text.get_attribute("aria-invalid") is None


def test_what_must_not_be_kept_leaves_the_browsers_store_but_not_the_page(host, sheet):
    host.mode = "forget"
    sheet.locator("#text").fill("机密★10年")
    expect(sheet.locator("#f-text [data-error]")).to_have_text("内容带有密级标志，没有保存。")
    assert queue(sheet) == []
    assert sheet.locator("#text").input_value() == "机密★10年"
    host.mode = "ok"
    sheet.locator("#text").fill("不含")
    expect(field_state(sheet, "text")).to_have_text("已保存 14:32:05")


def test_a_frozen_sheet_says_so(host, sheet):
    host.mode = "frozen"
    choose(sheet, "no")
    expect(sheet.locator("#f-key [data-error]")).to_have_text("自查已提交审签，不能再改。")


def conflict(host: Host, page: Page):
    host.other_person_saves("key", "partial")
    choose(page, "yes")
    box = page.locator("#f-key .conflict")
    expect(box).to_contain_text("张三在 14:31:10 已修改这一项")
    expect(box.locator("[data-mine]")).to_have_text("是")
    expect(box.locator("[data-theirs]")).to_have_text("部分")
    expect(page.locator("#whole")).to_have_text("有 1 处他人已修改，请选择")
    return box


def test_two_people_choose_mine(host, sheet):
    conflict(host, sheet).get_by_role("button", name="保留我的").click()
    expect(field_state(sheet, "key")).to_have_text("已保存 14:32:05")
    assert host.values["key"] == ["yes"]
    assert host.versions["key"] == 2
    assert queue(sheet) == []


def test_two_people_choose_theirs(host, sheet):
    conflict(host, sheet).get_by_role("button", name="采用对方的").click()
    expect(sheet.locator("#f-key input[value=partial]")).to_be_checked()
    assert host.values["key"] == ["partial"]
    assert queue(sheet) == []
    choose(sheet, "no")  # and the next change builds on theirs
    expect(field_state(sheet, "key")).to_have_text("已保存 14:32:05")
    assert host.values["key"] == ["no"]


def test_ones_own_other_window_is_not_called_somebody_else(host, sheet):
    host.own = True
    host.other_person_saves("key", "partial")
    choose(sheet, "yes")
    box = sheet.locator("#f-key .conflict")
    expect(box).to_contain_text("您在另一个窗口（14:31:10）已修改这一项")
    expect(field_state(sheet, "key")).to_have_text("您在另一个窗口已修改，请选择")
    expect(sheet.locator("#whole")).to_have_text("有 1 处您在另一个窗口已修改，请选择")
    expect(sheet.locator("body")).not_to_contain_text("他人")
    expect(sheet.locator("body")).not_to_contain_text("张三")
    box.get_by_role("button", name="采用另一个窗口的").click()
    expect(sheet.locator("#f-key input[value=partial]")).to_be_checked()
    assert host.values["key"] == ["partial"]


def test_the_clock_is_beijings_on_any_machine(host, browser):
    page = browser.new_context(timezone_id="America/New_York").new_page()
    page.goto(host.url)
    choose(page, "partial")
    expect(field_state(page, "key")).to_have_text("已保存 14:32:05")


def test_a_wrong_value_is_kept_and_says_so_at_its_own_field(host, sheet):
    host.extra = {"faults": {"M-603/note": "不能大于 100。", "M-601/main": ""}}
    sheet.locator("#text").fill("一百零一")
    error = sheet.locator("#f-text [data-error]")
    expect(error).to_have_text("不能大于 100。")
    expect(field_state(sheet, "text")).to_have_text("已保存，但有误")
    expect(sheet.locator("#whole")).to_have_text("已保存，但有 1 处有误")
    text = sheet.locator("#text")
    expect(text).to_have_attribute("aria-invalid", "true")
    assert error.get_attribute("id") in text.get_attribute("aria-describedby")
    assert host.values["text"] == ["一百零一"]
    assert queue(sheet) == []
    host.extra = {"faults": {"M-603/note": ""}}
    text.fill("九十九")
    expect(error).to_be_hidden()
    expect(field_state(sheet, "text")).to_have_text("已保存 14:32:05")
    expect(sheet.locator("#whole")).to_have_text("已保存 14:32:05")


def test_a_conflict_does_not_hold_up_other_answers(host, sheet):
    conflict(host, sheet)
    sheet.get_by_label("选项b").check()
    expect(field_state(sheet, "multi")).to_have_text("已保存 14:32:05")
    assert host.values["key"] == ["partial"]


def test_a_lost_receipt_is_no_conflict(host, sheet):
    host.mode = "drop"
    choose(sheet, "yes")
    expect(field_state(sheet, "key")).to_have_attribute("data-save-state", re.compile("offline"))
    host.mode = "ok"
    expect(field_state(sheet, "key")).to_have_attribute("data-save-state", "saved")
    expect(sheet.locator(".conflict")).to_have_count(0)
    assert host.values["key"] == ["yes"]
    assert host.versions["key"] == 1


def test_a_closed_page_keeps_what_was_not_acknowledged(host, sheet):
    host.mode = "error"
    sheet.locator("#text").fill("重要的说明")
    expect(field_state(sheet, "text")).to_have_attribute("data-save-state", "failed")
    page = sheet.context.new_page()
    sheet.close(run_before_unload=False)
    page.goto(
        host.url
    )  # still refusing: the closing page sends once more, and must not be the one that saves
    expect(page.locator("#text")).to_have_value("重要的说明")
    expect(field_state(page, "text")).to_have_attribute("data-save-state", "failed")
    host.mode = "ok"
    expect(field_state(page, "text")).to_have_text("已保存 14:32:05")
    assert host.values["text"] == ["重要的说明"]
    assert queue(page) == []


def test_a_kept_answer_meets_a_newer_one_as_a_conflict(host, sheet):
    host.mode = "error"
    sheet.locator("#text").fill("我的旧稿")
    expect(field_state(sheet, "text")).to_have_attribute("data-save-state", "failed")
    page = sheet.context.new_page()
    sheet.close(run_before_unload=False)
    host.mode = "ok"
    host.other_person_saves("text", "张三的新稿")
    page.goto(host.url)
    expect(page.locator("#f-text [data-theirs]")).to_have_text("张三的新稿")
    expect(page.locator("#f-text [data-mine]")).to_have_text("我的旧稿")
    assert host.values["text"] == ["张三的新稿"]


def test_writing_on_in_a_kept_answer_does_not_overwrite_the_newer_one(host, sheet):
    host.mode = "error"
    sheet.locator("#text").fill("我的旧稿")
    expect(field_state(sheet, "text")).to_have_attribute("data-save-state", "failed")
    page = sheet.context.new_page()
    sheet.close(run_before_unload=False)
    host.other_person_saves("text", "张三的新稿")
    page.goto(host.url)  # shows the newer version number, but the kept draft in the box
    page.locator("#text").press_sequentially("续")
    host.mode = "ok"
    expect(page.locator("#f-text [data-theirs]")).to_have_text("张三的新稿")
    expect(page.locator("#f-text [data-mine]")).to_contain_text("续")
    assert host.values["text"] == ["张三的新稿"]


def test_another_person_on_the_same_machine_does_not_send_it(host, sheet):
    host.mode = "error"
    sheet.locator("#text").fill("甲的说明")
    expect(field_state(sheet, "text")).to_have_attribute("data-save-state", "failed")
    page = sheet.context.new_page()
    sheet.close(run_before_unload=False)
    page.wait_for_timeout(500)  # a retry that was already on its way still meets the error
    host.mode, host.owner = "ok", "8"
    page.goto(host.url)
    choose(page, "yes")
    expect(field_state(page, "key")).to_have_attribute("data-save-state", "saved")
    assert page.locator("#text").input_value() == ""
    assert host.values["text"] == [""]
    assert len(queue(page)) == 1


def test_leaving_with_unsaved_answers_asks_first(host, sheet):
    host.mode = "error"
    choose(sheet, "yes")
    expect(field_state(sheet, "key")).to_have_attribute("data-save-state", "failed")
    asked = []
    sheet.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    sheet.goto(f"{host.url}/elsewhere")
    assert asked == ["beforeunload"]


def test_leaving_with_everything_saved_does_not_ask(host, sheet):
    choose(sheet, "yes")
    expect(field_state(sheet, "key")).to_have_attribute("data-save-state", "saved")
    asked = []
    sheet.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    sheet.goto(f"{host.url}/elsewhere")
    assert asked == []


def test_submitting_waits_until_everything_is_acknowledged(host, sheet):
    host.delay = 0.4
    sheet.locator("#text").fill("最后一句")
    sheet.get_by_role("button", name="提交审签").click()
    sheet.wait_for_url("**/submit/")
    assert host.posts == ["/save/", "/submit/"]
    assert host.values["text"] == ["最后一句"]


def test_submitting_stays_when_something_cannot_be_saved(host, sheet):
    host.mode = "error"
    sheet.locator("#text").fill("最后一句")
    sheet.get_by_role("button", name="提交审签").click()
    expect(field_state(sheet, "text")).to_have_attribute("data-save-state", "failed")
    sheet.wait_for_timeout(300)
    assert "/submit/" not in host.posts
    assert sheet.url == f"{host.url}/"


def test_a_question_that_appears_above_does_not_move_the_reader(host, sheet):
    host.extra = {
        "visible": {"M-602": True},
        "progress": {"done": 2, "total": 5},
        "results": {"M-601": "<b>符合</b>"},
        "state": {"M6": "填报中"},
    }
    sheet.set_viewport_size({"width": 500, "height": 250})
    text = sheet.locator("#text")
    text.scroll_into_view_if_needed()
    sheet.evaluate("window.scrollTo(0, document.querySelector('#text').offsetTop - 60)")
    text.focus()
    before = text.bounding_box()["y"]
    text.press_sequentially("字")
    expect(field_state(sheet, "text")).to_have_attribute("data-save-state", "saved")
    expect(sheet.locator("[data-item-block='M-602']")).to_be_visible()
    assert abs(text.bounding_box()["y"] - before) <= 1
    assert sheet.evaluate("document.activeElement.id") == "text"
    expect(sheet.locator("[data-item-result='M-601']")).to_have_text("符合")
    expect(sheet.locator("[data-section-state='M6']")).to_have_text("填报中")
    expect(sheet.locator("[data-progress]")).to_contain_text("2/5（40%）")
    assert sheet.locator("[data-progress] progress").get_attribute("value") == "2"


# --- portal.js on the same page ----------------------------------------------------------------


def test_number_keys_choose_but_not_while_typing(host, sheet):
    sheet.locator("#f-key input").first.focus()
    sheet.keyboard.press("3")
    expect(sheet.locator("#f-key input[value=no]")).to_be_checked()
    expect(field_state(sheet, "key")).to_have_attribute("data-save-state", "saved")
    assert host.values["key"] == ["no"]
    sheet.locator("#text").press_sequentially("2")
    expect(sheet.locator("#f-key input[value=no]")).to_be_checked()
    assert sheet.locator("#text").input_value() == "2"


def test_a_double_click_sends_one_request(host, sheet):
    host.delay = 0.8
    sheet.evaluate(
        "() => { const b = document.querySelector('#once');"
        " b.click(); setTimeout(() => b.click(), 200); }"
    )
    sheet.wait_for_url("**/once/")
    assert host.posts == ["/once/"]


def test_a_dangerous_button_asks_and_no_means_no(host, sheet):
    sheet.locator("#delete").click()
    ask = sheet.locator("dialog.ask")
    expect(ask).to_contain_text("删除这份佐证？")
    ask.get_by_role("button", name="取消").click()
    assert host.posts == []
    sheet.locator("#delete").click()
    ask.get_by_role("button", name="删除").click()
    sheet.wait_for_url("**/delete/")
    assert host.posts == ["/delete/"]


def test_files_go_up_one_after_another_and_bad_ones_say_why(host, sheet):
    files = [
        {"name": f"佐证{n}.pdf", "mimeType": "application/pdf", "buffer": pdf(str(n))}
        for n in range(3)
    ]
    files.insert(1, {"name": "口令.exe", "mimeType": "application/octet-stream", "buffer": b"MZ"})
    files.append({"name": "大.pdf", "mimeType": "application/pdf", "buffer": bytes(1_100_000)})
    sheet.locator("#ev").set_input_files(files)
    expect(sheet.locator("[data-files] li")).to_have_count(3)
    error = sheet.locator("[data-file-error]")
    expect(error).to_contain_text("“口令.exe”没有上传：只接收 pdf、png")
    expect(error).to_contain_text("“大.pdf”没有上传：1.0 MB，超过 1 MB")
    assert len(host.uploads) == 3
    assert host.most_uploading == 1
