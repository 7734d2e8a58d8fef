"""What each document says, read back from its PDF."""

from dataclasses import replace

import pytest

from reports.paper import documents, wording
from tests.reports import measure, samples
from tests.reports.conftest import EACH, FULL

pytestmark = pytest.mark.slow

UNCLASSIFIED = "本平台为非涉密系统，严禁填报国家秘密和工作秘密"


def in_order(text: str, *parts: str) -> None:
    """Every part occurs, each after the one before it."""
    at = 0
    for part in parts:
        found = text.find(measure.squeeze(part), at)
        assert found >= 0, f"{part!r} is missing after position {at}"
        at = found


@pytest.mark.parametrize("name", EACH)
def test_every_page_says_that_the_portal_is_not_for_secrets(pdf, name):
    for text in measure.page_texts(pdf(name)):
        assert UNCLASSIFIED in text


def test_the_notice_reads_as_an_order(pdf):
    text = measure.text(pdf("notice"))
    in_order(
        text,
        "甲市公安局",
        "限期整改通知书",
        "甲公网安限字〔2026〕第1号",
        "甲市水利局：",
        "根据你单位2026年11月20日提交的自查表和",
        "经你单位授权开展的远程技术检测，发现下列问题：",
        "1.IMAP服务允许在未加密的连接上登录",
        "问题编号甲2026-0001-01",
        "重大风险隐患候选",
        "自查表填报与远程技术检测结果不一致，经复核认定",
        "填报：是（2026年11月20日）",
        samples.IMAP_BEFORE,
        "2026年11月18日10:32:05",
        "mail.jia.gov.test[192.0.2.10]:143",
        "《中华人民共和国网络安全法》第二十三条",
        "关闭143端口",
        "甲2026-0001-02",
        samples.CERT_BEFORE,
        "甲2026-0001-03",
        "填报：90（2026年11月20日）",
        "请你单位于2026年12月9日前（含当日）完成整改，并在期限届满前将整改情况书面反馈甲市公安局",
        "提请你单位",
        "依法给予处分",
        "可以依法申请行政复议或者提起行政诉讼",
        "赵喆",
        "0771-5550110",
        "附件：安全建议",
        "甲市公安局",
        "2026年11月24日",
    )


def test_the_annex_stands_on_its_own_page_and_threatens_nothing(pdf):
    pages = measure.page_texts(pdf("notice"))
    annex = pages[-1]
    assert annex.startswith("附件安全建议")
    assert "甲2026-0001-04" in annex
    assert samples.SPF_BEFORE.replace(" ", "") in annex
    assert "整改要求" not in annex
    assert not any(word in annex for word in ("逾期", "处罚", "责令", "第六十一条"))
    assert not any("甲2026-0001-04" in page for page in pages[:-1])


def test_a_notice_without_advice_has_no_annex():
    assert "附件：安全建议" in documents.notice(samples.notice()).html()
    assert "附件" not in documents.notice(samples.notice(advice=())).html()


def test_an_enterprise_reads_the_clauses(pdf):
    html = documents.notice(samples.notice(unit=samples.COMPANY)).html()
    assert "第二十条第（四）项" in html
    assert "上级机关" not in html


def test_the_unit_s_copy_names_nobody_inside_the_office(pdf):
    text = measure.text(pdf("notice"))
    assert not any(name in text for name in ("李堃", "周镕", "钱昉", "孙玥"))


def test_the_office_s_copies_hold_the_file_and_the_receipt(pdf):
    stub, receipt = measure.page_texts(pdf("notice_file"))
    in_order(stub, "存根", "甲市水利局", "11450100MB0000001X", "共3项（高2项，中1项，低0项）")
    in_order(stub, "2026年12月9日前", "网络安全保卫支队", "钱昉、孙玥", "李堃", "周镕")
    in_order(
        receipt,
        "送达回证",
        "甲公网安限字〔2026〕第1号",
        "甲市水利局",
        "受送达人",
        "拒收事由",
        "送达人签名",
    )


@pytest.mark.parametrize("name", ["notice", "notice_file", "report", "authorization", "selfcheck"])
def test_the_first_page_says_how_to_check_the_paper(pdf, name):
    text = measure.page_texts(pdf(name))[0]
    in_order(text, "验证码7F3K-92QM-4TXB", "https://yj.jia.example.cn/verify/7F3K-92QM-4TXB")


def test_the_report_puts_before_and_after_side_by_side(pdf):
    text = measure.text(pdf("report"))
    in_order(
        text,
        "关于甲公网安限字〔2026〕第1号限期整改通知书整改情况的报告",
        "甲市公安局：",
        "一、基本情况",
        "2026年11月25日收到",
        "共3项，截至2026年12月5日，已完成整改2项，其中经复查销号1项，未完成1项",
        "二、问题及原因分析",
        "三、整改措施和完成情况",
        "（一）IMAP",
        "问题编号甲2026-0001-01",
        "填报：是（2026年11月20日）",
        "整改前",
        "整改后",
        samples.IMAP_BEFORE,
        "2026年11月18日10:32:05",
        samples.IMAP_AFTER,
        "2026年12月3日09:05:41",
        "2026年12月3日远程复测：符合",
        "已销号，销号日期：2026年12月4日",
        "甲2026-0001-02",
        "未能观测",
        "尚未复查",
        "四、未完成事项、临时措施和计划",
        "甲2026-0001-03",
        "临时措施：自11月26日起",
        "计划完成日期：2026年12月8日",
        "五、长效机制",
        "甲市水利局",
        "（盖章）",
        "2026年12月5日",
        "佐证材料清单",
        "客户端端口配置截图.png",
        "3f" * 32,
    )


def test_a_finished_report_says_that_nothing_is_left():
    paper = samples.report(findings=samples.report().findings[:1])
    html = documents.rectification_report(paper).html()
    assert "通知书所列问题已全部完成整改，无未完成事项。" in html


def test_the_authorisation_names_what_where_when_who_and_how_to_stop(pdf):
    text = measure.text(pdf("authorization"))
    in_order(
        text,
        "远程检测授权书",
        "甲探授〔2026〕12号",
        "mail.jia.gov.test",
        "政务云运营公司",
        "☑是域名解析记录",
        "☐否匿名转发（开放中继）",
        "不尝试口令，不投递邮件正文",
        "2026年11月16日至2026年12月31日",
        "198.51.100.20、198.51.100.21、2001:db8:100::20",
        "24小时联系人：吴赟，电话：0771-5550221",
        "撤回授权",
        "单位负责人（签名）",
        "甲市水利局",
        "（盖章）",
    )


def test_the_self_check_shows_answers_observations_and_its_digest_on_every_page(pdf):
    text = measure.text(pdf("selfcheck"))
    in_order(
        text,
        "互联网电子邮件系统安全自查表",
        "甲市水利局",
        "已答5题，共6题；疑点1处",
        "U-208",
        "（未填报）",
        "M-504",
        samples.IMAP_BEFORE,
        "疑点：外部观测到143端口允许明文登录。",
        "暂不掌握",
        "佐证材料清单",
        "单位负责人审签",
        "单位负责人（签字）",
        "单位（盖章）",
    )
    for page in measure.page_texts(pdf("selfcheck")):
        assert samples.DIGEST in page


def test_an_online_signature_is_printed(pdf):
    text = measure.text(pdf("full_selfcheck"))
    assert "已由欧阳喆（主任）于2026年11月20日17:00:00在平台签署" in text


def test_the_invitation_says_what_by_when_and_how_to_get_in(pdf):
    text = measure.text(pdf("invitation"))
    in_order(
        text,
        "电子邮件系统安全自查告知单",
        "甲市水利局：",
        "按照“2026年互联网电子邮件系统安全自查”的安排",
        "2026年11月30日前",
        "登记本单位邮件系统",
        "https://yj.jia.example.cn/accounts/join/",
        "jia-shuili-01",
        "Q7MK4-TRX9W-DA3PH-8NGJE-6YBCX",
        "邀请码只能用一次，2026年12月9日后失效",
        "不得在平台记录",
        "联系电话：0771-5550110",
    )


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("full_notice", lambda: (samples.full_notice().findings, samples.full_notice().advice)),
        ("full_report", lambda: (samples.full_report().findings, samples.full_report().evidence)),
        ("full_authorization", lambda: samples.full_authorization().hosts),
        ("full_selfcheck", lambda: samples.full_selfcheck().sheets),
    ],
)
def test_no_text_is_lost_however_full_the_document(pdf, name, parts):
    assert measure.lost(pdf(name), parts()) == {}


@pytest.mark.parametrize("name", FULL)
def test_a_unit_s_name_of_60_characters_is_printed_whole(pdf, name):
    assert len(samples.LONG_NAME) == 60
    assert samples.LONG_NAME in measure.text(pdf(name))


def test_long_texts_are_printed_from_their_first_to_their_last_word(pdf):
    notice, report = measure.text(pdf("full_notice")), measure.text(pdf("full_report"))
    check = measure.text(pdf("full_selfcheck"))
    in_order(notice, "起答复03", "止答复03", "起要求07", "止要求07")
    in_order(report, "起组织", "止组织", "起原因", "止原因", "起措施", "止措施")
    in_order(check, "起说明205", "止说明205", "起说明222", "止说明222")


def test_all_forty_findings_are_numbered(pdf):
    text = measure.text(pdf("full_notice"))
    in_order(text, *(f"甲2026-0099-{i:02d}" for i in range(1, 41)))
    report = measure.text(pdf("full_report"))
    assert "（四十）第40项问题" in report


def test_wording_of_the_warning_is_the_agreed_one():
    assert wording.phrases()["unclassified"] == UNCLASSIFIED


def test_an_office_without_a_phone_leaves_no_blank_label():
    office = replace(samples.OFFICE, phone="", address="")
    for document in (
        documents.notice(samples.notice(office=office)),
        documents.invitation(samples.invitation(office=office)),
    ):
        assert "联系电话" not in document.html()
        assert "地址：" not in document.html().replace("启用地址", "")
