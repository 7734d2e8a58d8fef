"""告知单: a typical one, and one with the longest names."""

from dataclasses import replace
from datetime import date, timedelta

from reports.paper import wording
from reports.paper.contexts import (
    InvitationPaper,
)
from tests.reports.samples.parties import LONG_NAME, OFFICE, UNIT

CODE = "Q7MK4-TRX9W-DA3PH-8NGJE-6YBCX"


def invitation(**changes: object) -> InvitationPaper:
    fields: dict[str, object] = {
        "office": OFFICE,
        "unit": UNIT,
        "campaign": "2026年互联网电子邮件系统安全自查",
        "serial": "甲自查告〔2026〕0001号",
        "issued_on": date(2026, 11, 10),
        "deadline": date(2026, 11, 10) + timedelta(days=20),
        "tasks": (
            "登记本单位邮件系统和全部邮件域名；",
            "打印《远程检测授权书》，签字盖章后上传；",
            "填写自查表，经单位负责人审签后提交。",
        ),
        "url": "https://yj.jia.example.cn/accounts/join/",
        "link": f"https://yj.jia.example.cn/accounts/join/#{CODE}",
        "account": "jia-shuili-01",
        "code": CODE,
        "code_until": date(2026, 12, 9),
    }
    return InvitationPaper(**(fields | changes))  # type: ignore[arg-type]


LONG = "https://dianzi-youjian-anquan-zicha.gongan.jia.example.gov.cn/accounts/join/"


def full_invitation() -> InvitationPaper:
    """The tasks of a filler, with names as long as the forms take them."""
    office = replace(
        OFFICE,
        name="甲省乙自治州公安局网络安全保卫支队",
        department="网络安全保卫支队（网络与信息安全信息通报中心）",
        contact="欧阳喆堃",
    )
    return invitation(
        office=office,
        unit=replace(UNIT, name=LONG_NAME),
        campaign="党政机关事业单位国有企业互联网电子邮件系统安全专项检查（第二阶段）" * 4,
        tasks=tuple(wording.phrases()["invitation"]["filler"]),
        url=LONG,
        link=f"{LONG}#{CODE}",
    )
