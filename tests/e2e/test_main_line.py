"""The main line: one real case, from registering a mail system to the exported 整改报告.

Five people at five browsers: 甲单位 填报人 and 审签人, 甲市支队 承办人 and 批准人, and an officer
of 乙市支队 who gets 404 throughout. A provincial unit that lies in 甲市 stays hidden from 甲市支队.
"""

import re
import time
from datetime import timedelta
from io import BytesIO

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from pypdf import PdfReader

from assessments.models import Contradiction, SelfCheck
from assessments.sheets import load_sheets
from inventory.models import MailSystem
from rectification.models import Finding, Notice
from scans.models import Verdict, Wave
from tests.e2e.people import Person, Steps
from tests.files import PDF
from tests.filled import complete_inventory, honest_answers, open_selfcheck
from tests.world import PASSWORD, World, build_world

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

DOMAIN = "jia.gov.test"
# What the clerk says although the outside shows otherwise, and two honest shortcomings.
WANTED = {
    ("M-601", "answer"): "yes",
    ("M-504", "answer"): "yes",
    ("U-201", "answer"): "no",
    ("M-1002", "days"): "90",
}


def text_of(pdf: bytes) -> str:
    """The words of a PDF without line breaks and spaces, which Chinese text does not need."""
    pages = [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]
    return re.sub(r"\s+", "", "".join(pages))


def until(condition, what: str, seconds: float = 60):
    """Wait for something that the worker does; return what the condition returned."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.3)
    raise AssertionError(f"timed out: {what}")


class MainLine:
    """The cast at their browsers, and what the case has produced so far."""

    def __init__(self, world: World, browser: Browser, url: str, mail_range) -> None:
        self.world, self.range = world, mail_range
        self.steps = Steps()
        self.pdfs = 0
        make = lambda name: Person(browser, url, name, self.steps)  # noqa: E731
        self.filler, self.signer = make("filler"), make("signer")
        self.officer, self.approver = make("officer"), make("approver")
        self.stranger = make("officer_b")
        self.people = [self.filler, self.signer, self.officer, self.approver, self.stranger]

    def hidden(self, *paths: str) -> None:
        """Nothing of the case exists for 乙市支队."""
        for path in paths:
            assert self.stranger.go(path) == 404, path

    def read_pdf(self, person: Person, link: str) -> str:
        self.pdfs += 1
        return text_of(person.download(link))

    def print_pdf(self, person: Person, button: str) -> str:
        self.pdfs += 1
        return text_of(person.download_by(button))


@pytest.fixture
def line(transactional_db, worker, mail_range, live_server, browser, settings):
    settings.PUBLIC_URL = live_server.url
    world = build_world()
    world.system_a.delete()
    complete_inventory(world.unit_a)
    world.unit_a.registered_domains.create(name=DOMAIN)
    open_selfcheck(world.unit_a, world.city_a)
    line = MainLine(world, browser, live_server.url, mail_range)
    yield line
    for person in line.people:
        person.context.close()


def test_the_main_line(line: MainLine, capsys):
    started = time.monotonic()
    for person in line.people:
        person.log_in()
    _nothing_of_the_province_shows(line)
    system = _register_the_system(line)
    _authorise_the_probing(line, system)
    _look_from_outside(line, system)
    selfcheck = _fill_in(line, system)
    _sign(line, selfcheck)
    _return_and_resubmit(line, selfcheck)
    _review(line, selfcheck)
    findings = _confirm(line, selfcheck)
    notice = _issue(line, findings)
    _receive_and_ask_for_time(line, notice)
    _reply(line, notice)
    _repair_and_recheck(line, notice)
    _report(line, notice, findings)
    seconds = time.monotonic() - started
    with capsys.disabled():
        print(
            f"\nsteps={line.steps.count} pdfs={line.pdfs} "
            f"users={len(line.people)} seconds={seconds:.0f}"
        )


def _nothing_of_the_province_shows(line: MainLine) -> None:
    world, officer = line.world, line.officer
    assert officer.go(reverse("inventory:unit_detail", args=[world.unit_provincial.pk])) == 404
    officer.go(reverse("inventory:unit_list"))
    officer.sees(world.unit_a.name)
    expect(officer.page.locator("body")).not_to_contain_text(world.unit_provincial.name)
    officer.step("units-of-the-office")
    line.hidden(reverse("inventory:unit_detail", args=[world.unit_a.pk]))


def _register_the_system(line: MainLine) -> MailSystem:
    filler, page = line.filler, line.filler.page
    filler.go("/")
    filler.step("unit-home")
    filler.go(reverse("inventory:system_create", args=[line.world.unit_a.pk]))
    today = timezone.localdate()
    page.get_by_label("本单位确认：本系统不是涉密信息系统").check()
    page.get_by_label("互联网", exact=True).check()
    page.get_by_label("系统名称").fill("甲市政务邮件系统")
    page.get_by_label("建设方式").select_option("own_room")
    page.get_by_label("投入运行日期").fill((today - timedelta(days=710)).isoformat())
    page.get_by_label("服务范围与对象").select_option("staff")
    page.get_by_label("服务器及数据位置").select_option("own_room")
    page.get_by_label("机房地址或云平台名称").fill("甲市政务中心机房")
    page.locator("[name=domains-0-name]").fill(DOMAIN)
    page.locator("[name=domains-0-dkim_selectors]").fill("s1")
    for n, (kind, host) in enumerate(
        [("mx", "mx"), ("submission", "mx"), ("imap", "mx"), ("pop3", "mx"), ("webmail", "mail")]
    ):
        if page.locator(f"[name=endpoints-{n}-host]").count() == 0:
            filler.press("再加一个服务地址")
        page.locator(f"[name=endpoints-{n}-kind]").select_option(kind)
        page.locator(f"[name=endpoints-{n}-host]").fill(f"{host}.{DOMAIN}")
    for label, value in {
        "产品品牌": "Postfix",
        "版本号及补丁级别": "3.9.1",
        "生产（服务）企业": "丙省某信息技术有限公司",
        "企业统一社会信用代码": "91110000600037341L",
        "企业联系人": "钱某",
        "企业联系电话": "0990-3300000",
        "账号总数": "320",
        "在用账号数": "300",
        "近90日未登录账号数": "20",
        "ICP备案号": "丙ICP备00000001号",
        "公安联网备案号": "37010002000001",
        "备案证明编号": "37010099001-21001",
        "定级日期": (today - timedelta(days=700)).isoformat(),
        "备案日期": (today - timedelta(days=690)).isoformat(),
    }.items():
        page.get_by_label(label).first.fill(value)
    for label in ("Webmail", "SMTP 提交", "IMAP"):
        page.get_by_role("checkbox", name=label, exact=True).check()
    page.get_by_label("安全保护等级").select_option("2")
    page.get_by_label("备案情况").select_option("filed")
    filler.step("system-form")
    page.get_by_role("button", name="保存", exact=True).last.click()
    filler.sees(DOMAIN)
    filler.step("system-registered")
    system = MailSystem.objects.get(name="甲市政务邮件系统")
    path = reverse("inventory:system_detail", args=[system.pk])
    line.hidden(path, reverse("scans:system_view", args=[system.pk]))
    assert line.officer.go(path) == 200
    return system


def _authorise_the_probing(line: MainLine, system: MailSystem) -> None:
    filler, page = line.filler, line.filler.page
    filler.go(reverse("scans:system_view", args=[system.pk]))
    filler.sees("授权")
    filler.step("not-authorised")
    page.get_by_role("link", name="填写授权书").first.click()
    page.get_by_label("授权人").first.fill("刘某")
    page.get_by_label("24小时联系人").first.fill("徐某")
    page.get_by_label("24小时联系电话").fill("13900000001")
    page.locator("[name=relay]").check()
    page.locator("form.form-narrow button[type=submit], .form-narrow [type=submit]").last.click()
    text = line.print_pdf(filler, "打印授权书")
    assert "远程检测授权书" in text
    assert DOMAIN in text
    page.locator("input[type=file]").set_input_files(
        {
            "name": "授权书盖章.pdf",
            "mimeType": "application/pdf",
            "buffer": filler.download_by("打印授权书"),
        }
    )
    filler.step("letter-printed")
    filler.press("上传并生效")
    filler.sees("已生效")
    filler.step("letter-filed")
    letter_page = page.url
    line.hidden(re.sub(r"^https?://[^/]+", "", letter_page))


def _look_from_outside(line: MainLine, system: MailSystem) -> None:
    filler = line.filler
    path = reverse("scans:system_view", args=[system.pk])
    filler.go(path)
    button = filler.page.get_by_role("button", name=re.compile("立即(探测|复测)"))
    if button.count():
        button.first.click()
    until(
        lambda: (
            Verdict.objects.filter(run__domain__system=system, confirmed=True).count() >= 4
            and not Wave.objects.filter(system=system, status="open").exists()
        ),
        "two looks at the system",
        90,
    )
    filler.go(path)
    filler.sees("SPF")
    filler.sees("993")
    filler.step("seen-from-outside")


def _answer(line: MainLine, selfcheck: SelfCheck, sheet_id: int) -> None:
    """Fill one sheet in the browser, section by section, as the plan says."""
    page = line.filler.page
    sheet = next(s for s in load_sheets(selfcheck) if s.row.pk == sheet_id)
    plan = honest_answers(sheet, WANTED)
    for section in sheet.sections():
        items = sheet.definition.items_of(sheet.row.scope_name, section.code)
        wanted = [(i, f) for i in items for f in i.fields if (i.code, f.code) in plan]
        page.goto(reverse("assessments:section", args=[selfcheck.pk, sheet_id, section.code]))
        for item, field in wanted:
            value = plan[item.code, field.code]
            place = page.locator(f'[data-item="{item.code}"][data-field="{field.code}"]')
            expect(place, f"{item.code}.{field.code}").to_be_visible()
            if field.type in {"single", "yn4", "multi"}:
                for code in value.split(","):
                    choice = place.locator(f'input[value="{code}"]')
                    if choice.count():
                        choice.evaluate("input => input.checked || input.click()")
                    else:
                        place.locator("select").select_option(code)
            else:
                place.locator("input:not([type=hidden]), textarea").first.fill(value)
        for item in items:
            if item.evidence.need == "required":
                drop = page.locator(f"#file-{item.code}")
                if drop.count() and drop.is_enabled():
                    drop.set_input_files(
                        {
                            "name": f"{item.code}佐证.pdf",
                            "mimeType": "application/pdf",
                            "buffer": PDF,
                        }
                    )
                    expect(page.locator(f"#item-{item.code} [data-files]")).to_contain_text("佐证")
        if wanted:
            expect(page.locator("[data-save-indicator]").first).to_contain_text("已保存")
        line.filler.step(f"section-{section.code}")


def _fill_in(line: MainLine, system: MailSystem) -> SelfCheck:
    filler, page = line.filler, line.filler.page
    selfcheck = SelfCheck.objects.get(unit=line.world.unit_a)
    path = reverse("assessments:selfcheck_detail", args=[selfcheck.pk])
    filler.go(path)
    filler.sees("甲市政务邮件系统")
    filler.step("selfcheck-overview")
    summary = reverse("assessments:summary", args=[selfcheck.pk])
    filler.go(summary)
    filler.sees("未填完的")
    expect(page.get_by_role("button", name="提交审签")).to_have_count(0)
    sheets = selfcheck.sheets.order_by("system_id")
    for sheet in [sheets.get(kind="unit"), sheets.get(system=system)]:
        selfcheck.refresh_from_db()
        _answer(line, selfcheck, sheet.pk)
    filler.go(summary)
    filler.sees("全部填完")
    filler.sees("SPF")
    doubts = Contradiction.objects.filter(sheet__selfcheck=selfcheck, status="open")
    assert {"M-601", "M-504"} <= set(doubts.values_list("item", flat=True))
    page.locator("#doubts summary").first.click()
    page.locator("#doubts textarea").first.fill("发信由上级网关统一转发，正在核实。")
    filler.press("保存说明")
    filler.sees("说明已保存")
    filler.step("summary-with-doubts")
    filler.press("提交审签")
    filler.sees("待单位审签")
    line.hidden(path, summary)
    return selfcheck


def _sign(line: MainLine, selfcheck: SelfCheck) -> None:

    signer, page = line.signer, line.signer.page
    signer.go(reverse("assessments:summary", args=[selfcheck.pk]))
    text = line.print_pdf(signer, "打印自查表")
    assert "M-601" in text
    assert page.locator(".digest").first.inner_text()[:16] in text
    page.get_by_label(re.compile("本人已核对")).check()
    page.get_by_label("登录口令").fill(PASSWORD)
    signer.step("to-sign")
    signer.press("审签并报送")
    signer.sees("待复核")
    signer.step("signed")


def _return_and_resubmit(line: MainLine, selfcheck: SelfCheck) -> None:
    officer, filler = line.officer, line.filler
    review = reverse("assessments:review", args=[selfcheck.pk])
    line.hidden(review)
    officer.go(review)
    officer.step("review")
    officer.page.keyboard.press("j")
    assert officer.page.evaluate("document.activeElement.matches('[data-review-row]')")
    officer.page.locator("details.review-quiet > summary").first.click()
    row = officer.page.locator("[data-review-row]").filter(has_text="U-202").first
    row.get_by_placeholder("逐项意见").fill("请补充制度的发文号。")
    row.get_by_role("button", name="记下意见").click()
    officer.page.get_by_role("button", name=re.compile("退回修改")).click()
    officer.sees("已退回修改")
    filler.go(reverse("assessments:selfcheck_detail", args=[selfcheck.pk]))
    filler.sees("请补充制度的发文号")
    filler.step("returned")
    # What was sent back must be dealt with before it goes in again.
    filler.go(reverse("assessments:summary", args=[selfcheck.pk]))
    filler.sees("处理 1 条退回意见")
    expect(filler.page.get_by_role("button", name="提交审签")).to_have_count(0)
    remark = filler.page.locator("#remarks article").filter(has_text="U-202")
    remark.get_by_text("不修改，说明情况").click()
    remark.get_by_label("对退回意见的说明").fill("已印发，甲数发〔2026〕3号。")
    remark.get_by_role("button").click()
    filler.sees("已说明")
    filler.step("remark-answered")
    filler.press("提交审签")
    filler.sees("待单位审签")
    _sign(line, selfcheck)


def _review(line: MainLine, selfcheck: SelfCheck) -> None:
    officer, page = line.officer, line.officer.page
    officer.go(reverse("assessments:review", args=[selfcheck.pk]))
    expect(page.get_by_role("button", name="复核通过")).to_be_disabled()
    while (
        page.get_by_role("button", name="确认属实").count()
        and Contradiction.objects.filter(
            sheet__selfcheck=selfcheck, status__in=["open", "explained"]
        ).exists()
    ):
        undecided = Contradiction.objects.filter(
            sheet__selfcheck=selfcheck, status__in=["open", "explained"]
        ).first()
        form = page.locator(f"form[action='{reverse('assessments:decide', args=[undecided.pk])}']")
        officer.press_and_land(form.get_by_role("button", name="确认属实"))
    officer.step("doubts-decided")
    officer.press("复核通过")
    officer.sees("确认")
    selfcheck.refresh_from_db()
    assert selfcheck.status == "accepted"


def _confirm(line: MainLine, selfcheck: SelfCheck) -> list[Finding]:
    officer = line.officer
    path = reverse("rectification:confirm", args=[selfcheck.pk])
    line.hidden(path)
    officer.go(path)
    officer.step("candidates")
    officer.press("确认所选问题")
    findings = list(Finding.objects.filter(unit=line.world.unit_a).order_by("number"))
    causes = {f.cause for f in findings}
    assert {"spf-not-enforced", "plaintext-login", "log-retention-short"} <= causes
    assert len(causes) == len(findings)
    officer.step("findings-confirmed")
    line.hidden(*[reverse("rectification:finding_detail", args=[f.pk]) for f in findings[:2]])
    return findings


def _issue(line: MainLine, findings: list[Finding]) -> Notice:
    officer, approver, world = line.officer, line.approver, line.world
    page = officer.page
    create = reverse("rectification:notice_create", args=[world.unit_a.pk])
    line.hidden(create)
    officer.go(create)
    yesterday = timezone.localdate() - timedelta(days=1)
    page.get_by_label("整改期限").fill(yesterday.isoformat())
    officer.press("提交审批")
    officer.sees("晚于今天")
    page.get_by_label("整改期限").fill((timezone.localdate() + timedelta(days=15)).isoformat())
    officer.step("notice-draft")
    officer.press("提交审批")
    notice = Notice.objects.get(unit=world.unit_a)
    path = reverse("rectification:notice_detail", args=[notice.pk])
    line.hidden(path)
    assert line.filler.go(path) == 404
    approver.go("/")
    approver.step("approver-home")
    approver.go(path)
    approver.press("批准并编号")
    _confirm_dialog(approver)
    approver.sees("限字〔")
    approver.step("approved")
    until(lambda: notice.documents.filter(kind="notice").exists(), "the frozen notice")
    officer.go(path)
    link = page.get_by_role("link", name="限期整改通知书").first.get_attribute("href")
    assert link
    notice.refresh_from_db()
    text = line.read_pdf(officer, link)
    ordered = [i.finding for i in notice.items.filter(annex=False).select_related("finding")]
    for finding in ordered:
        assert finding.number in text
    day = notice.deadline
    assert f"{day.year}年{day.month}月{day.day}日" in text
    assert re.sub(r"\s", "", notice.number) in text
    assert "v=spf1" in text or "SPF" in text
    line.hidden(link)
    page.locator("#scan_notice input[type=file]").set_input_files(
        {"name": "盖章通知书.pdf", "mimeType": "application/pdf", "buffer": officer.download(link)}
    )
    officer.press("上传盖章通知书")
    officer.sees("盖章通知书")
    officer.press("送达")
    _confirm_dialog(officer)
    officer.sees("已送达")
    officer.step("served")
    return notice


def _confirm_dialog(person: Person) -> None:
    """Confirm the question that some buttons ask first."""
    dialog = person.page.locator("dialog[open]")
    try:
        dialog.wait_for(state="visible", timeout=1500)
    except PlaywrightTimeout:
        return
    dialog.locator("button").last.click()


def _receive_and_ask_for_time(line: MainLine, notice: Notice) -> None:
    signer, filler, approver = line.signer, line.filler, line.approver
    path = reverse("rectification:notice_detail", args=[notice.pk])
    signer.go("/")
    signer.sees("整改通知")
    signer.go(path)
    signer.step("notice-received")
    signer.page.get_by_label("签收人").fill("王建国")
    signer.page.locator("#sign").get_by_role("button", name="签收").click()
    signer.sees("已签收")
    filler.go(path)
    filler.page.get_by_text("申请延期", exact=True).first.click()
    section = filler.page.locator("#extensions")
    until_day = timezone.localdate() + timedelta(days=25)
    section.get_by_label("申请延至").fill(until_day.isoformat())
    section.get_by_label("理由").fill("证书采购流程需要时间。")
    section.get_by_label("临时措施").fill("暂停公网 IMAP 明文端口。")
    section.get_by_role("button", name="提交申请").click()
    filler.sees("待审批")
    filler.step("extension-asked")
    approver.go(path)
    approver.page.get_by_role("button", name="同意延期").click()
    approver.sees("同意")
    notice.refresh_from_db()
    assert notice.deadline == until_day


def _reply(line: MainLine, notice: Notice) -> None:
    filler, page = line.filler, line.filler.page
    path = reverse("rectification:reply", args=[notice.pk])
    line.hidden(path)
    for item in notice.items.filter(annex=False).select_related("finding"):
        filler.go(path)
        section = page.locator(f"#f-{item.finding_id}")
        section.get_by_label("原因分析").fill("管理职责不够明确，配置沿用多年未核对。")
        section.get_by_label("整改措施").fill("已按要求调整配置并补齐制度，专人每周核对。")
        section.get_by_label("责任人").fill("徐某")
        section.get_by_label("完成日期").fill(timezone.localdate().isoformat())
        section.locator("input[type=file]").set_input_files(
            {"name": "整改佐证.pdf", "mimeType": "application/pdf", "buffer": PDF}
        )
        filler.press_and_land(section.get_by_role("button", name="提交这一项"))
    notice.refresh_from_db()
    assert notice.status == Notice.Status.REPLIED
    filler.go(reverse("rectification:notice_detail", args=[notice.pk]))
    filler.step("replied")


def _repair_and_recheck(line: MainLine, notice: Notice) -> None:
    officer, page, approver = line.officer, line.officer.page, line.approver
    line.range.set_posture(DOMAIN, "exemplary")
    path = reverse("rectification:notice_detail", args=[notice.pk])
    officer.go(path)
    officer.step("to-recheck")
    page.get_by_role("button", name=re.compile("远程复测")).first.click()
    observable = [
        i.finding
        for i in notice.items.filter(annex=False).select_related("finding")
        if i.finding.observable
    ]
    assert observable
    until(
        lambda: all(f.rechecks.filter(result="passed").exists() for f in observable),
        "the rescan to pass",
        120,
    )
    for item in notice.items.filter(annex=False).select_related("finding"):
        finding = item.finding
        officer.go(reverse("rectification:finding_detail", args=[finding.pk]))
        if not finding.observable:
            form = page.locator(
                f"form[action='{reverse('rectification:recheck', args=[finding.pk])}']"
            )
            form.locator("[value=paper]").first.check()
            form.locator("[value=passed], [value=yes], [value=True]").first.check()
            form.locator("textarea").first.fill("已核对佐证材料，与整改要求一致。")
            officer.press_and_land(form.get_by_role("button", name="记录复查"))
        else:
            officer.sees("整改后")
        if finding.observable:
            officer.step(f"before-and-after-{finding.cause}")
        # What a look has shown the same officer closes; what a person judged, another one.
        closer = officer if finding.observable else approver
        if closer is approver:
            officer.sees("须由本机关另一人销号")
        closer.go(reverse("rectification:finding_detail", args=[finding.pk]))
        closer.press("销号")
        _confirm_dialog(closer)
        closer.sees("已销号")
    notice.refresh_from_db()
    assert notice.status == Notice.Status.FINISHED
    officer.go(reverse("rectification:finding_list"))
    officer.step("findings-closed")


def _report(line: MainLine, notice: Notice, findings: list[Finding]) -> None:
    filler, page = line.filler, line.filler.page
    path = reverse("reports:report_issue", args=[notice.pk])
    line.hidden(path)
    filler.go(path)
    page.get_by_label("长效机制").fill("每季度自查一次，变更配置须双人复核。")
    filler.step("report-words")
    page.locator("main button[type=submit], .page-primary button[type=submit]").first.click()
    filler.sees("整改报告已生成")
    document = notice.documents.filter(kind="report").latest("pk")
    text = line.read_pdf(filler, reverse("reports:document_file", args=[document.pk]))
    for item in notice.items.filter(annex=False).select_related("finding"):
        assert item.finding.number in text
    assert re.sub(r"\s", "", notice.number) in text
    day = notice.deadline
    assert f"{day.year}年{day.month}月{day.day}日" in text
    # before and after, as they were seen
    assert "mx.jia.gov.test的993端口的证书已于" in text
    assert "端口的证书均有效" in text
    assert "AUTHLOGINPLAIN" in text
    filler.step("report")
    line.hidden(reverse("reports:document_file", args=[document.pk]))
    public = filler.context.browser.new_context(base_url=page.url)
    visitor = public.new_page()
    visitor.goto(reverse("reports:verify", args=[document.verification_code]))
    expect(visitor.locator("body")).to_contain_text(document.sha256[:16])
    public.close()
    for person in (line.officer, line.filler):
        person.go("/")
        person.step("home-at-the-end")
