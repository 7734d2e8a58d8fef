"""From a unit that nobody has registered to its people at work: application, approval, letters,
one-time codes, the first log-in with a second factor."""

import base64
import re
from io import BytesIO

import pytest
from playwright.sync_api import Browser, expect
from pypdf import PdfReader

from accounts.actions import impose_second_factor
from accounts.models import Registration, User
from tests.accounts.factors import code_of
from tests.e2e.people import Person, Steps
from tests.files import PDF
from tests.world import build_world

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

USCC = "12370100004144444D"
OWN = "Nj7-kite-moss-41"


def code_on(letter: bytes) -> str:
    """The code as it is printed."""
    pages = [page.extract_text() for page in PdfReader(BytesIO(letter)).pages]
    found = re.search(r"(?:[A-Z0-9]{5}-){4}[A-Z0-9]{5}", re.sub(r"\s", "", "".join(pages)))
    assert found
    return found[0]


def apply(applicant: Person) -> str:
    """Fill the application in as a person does, and return the receipt number."""
    page = applicant.page
    applicant.go("/accounts/login/")
    page.get_by_role("link", name="申请注册").click()
    page.get_by_label("单位全称").fill("甲市图书馆")
    page.get_by_label("统一社会信用代码").fill(USCC)
    page.get_by_label("单位类型").select_option("institution")
    page.get_by_label("隶属关系").select_option("3")
    page.get_by_label("行业类别").select_option("43")
    page.locator("#id_region").fill("370100")
    page.locator("#id_region").blur()
    expect(page.locator("#id_region_name")).to_contain_text("丙省甲市")
    page.locator("[name=contact_name]").fill("程某")
    page.get_by_label("联系电话").fill("0000-7654321")
    page.get_by_label("证明材料").set_input_files(
        {"name": "证书.pdf", "mimeType": "application/pdf", "buffer": PDF}
    )
    page.wait_for_timeout(3000)  # nobody is quicker
    applicant.step("application")
    applicant.press("提交申请")
    applicant.sees("申请已提交")
    applicant.step("receipt")
    return page.locator("#receipt").inner_text()


def approve(officer: Person) -> dict[str, bytes]:
    """Decide at the office; return the two letters."""
    page = officer.page
    officer.log_in()
    page.get_by_role("link", name=re.compile("注册申请")).click()
    page.get_by_role("link", name="甲市图书馆").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="下载证明材料").click()
    assert waiting.value.suggested_filename == "证书.pdf"
    officer.step("deciding")
    officer.press("通过并登记单位")
    officer.sees("已登记")
    letters = {role: officer.download_by(f"打印{role}告知单") for role in ("填报人", "审签人")}
    officer.step("letters")
    return letters


def take_up(newcomer: Person, name: str) -> None:
    page = newcomer.page
    expect(page.get_by_text("甲市公安局网安支队 承办人")).to_be_visible()
    page.get_by_label("您的姓名").fill(name)
    page.locator("[name=new_password1]").fill(OWN)
    page.locator("[name=new_password2]").fill(OWN)
    newcomer.step("taking-up")
    newcomer.press("启用并登录")


def enrol(newcomer: Person) -> None:
    """Add a second factor, without which nothing opens."""
    page = newcomer.page
    newcomer.sees("要求本单位人员登录时通过二次验证")
    page.get_by_role("link", name="添加动态口令").click()
    page.get_by_text("不能扫描的，手工输入密钥").click()
    secret = page.locator("#key").inner_text().replace(" ", "")
    page.locator("[name=code]").fill(code_of(base64.b32decode(secret)))
    newcomer.press("确认")
    newcomer.sees("恢复码只在这里显示一次")
    newcomer.step("second-factor")
    page.get_by_role("link", name="已保存，继续").click()


def test_a_unit_applies_and_its_people_come_in(transactional_db, live_server, browser: Browser):
    build_world()
    steps = Steps()
    make = lambda name: Person(browser, live_server.url, name, steps)  # noqa: E731
    applicant, officer, clerk, leader = map(make, ("applicant", "officer", "clerk", "leader"))
    receipt = apply(applicant)
    codes = {role: code_on(letter) for role, letter in approve(officer).items()}
    unit = Registration.objects.get().unit
    # One types what is printed, the other follows the link of the QR code.
    leader.go("/accounts/join/")
    leader.page.get_by_label("邀请码").fill(codes["审签人"].lower().replace("-", " "))
    leader.press("下一步")
    take_up(leader, "馆长")
    leader.sees("账号已启用")
    leader.sees("甲市图书馆")
    leader.step("first-log-in")
    impose_second_factor([unit.pk], source="campaign:1", reason="专项检查")
    clerk.go(f"/accounts/join/#{codes['填报人']}")
    take_up(clerk, "程大")
    enrol(clerk)
    clerk.sees("甲市图书馆")
    clerk.step("first-log-in-with-second-factor")
    assert {user.name for user in User.objects.filter(memberships__unit=unit)} == {"程大", "馆长"}
    # The letter opens nothing twice, and the applicant reads the end of it.
    applicant.go(f"/accounts/join/#{codes['填报人']}")
    applicant.sees("邀请码无效")
    applicant.go("/accounts/apply/status/")
    applicant.page.get_by_label("受理号").fill(receipt)
    applicant.page.get_by_label("统一社会信用代码").fill(USCC)
    applicant.press("查询")
    applicant.sees("已通过")
    applicant.step("told")
    for person in (applicant, officer, clerk, leader):
        person.context.close()
