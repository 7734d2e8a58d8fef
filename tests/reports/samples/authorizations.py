"""远程检测授权书: a typical one, and one with forty hosts."""

from datetime import date

from reports.paper.contexts import (
    AuthorizationPaper,
    AuthorizedHost,
    AuthorizedItem,
    Unit,
    UnitKind,
)
from tests.reports.samples.parties import LONG_NAME, OFFICE, UNIT, VERIFICATION


def authorization(**changes: object) -> AuthorizationPaper:
    fields: dict[str, object] = {
        "office": OFFICE,
        "unit": UNIT,
        "number": "甲探授〔2026〕12号",
        "hosts": (
            AuthorizedHost(
                system="甲市水利局电子邮件系统",
                host="mail.jia.gov.test",
                services="SMTP 25、465、587；IMAP 143、993；POP3 110、995",
                operator="本单位",
            ),
            AuthorizedHost(
                system="甲市水利局电子邮件系统",
                host="webmail.jia.gov.test",
                services="HTTP 80；HTTPS 443",
                operator="本单位",
            ),
            AuthorizedHost(
                system="甲市水利局电子邮件系统",
                host="jia.gov.test",
                services="域名解析",
                operator="政务云运营公司",
            ),
        ),
        "items": (
            AuthorizedItem(
                label="域名解析记录", detail="查询MX、SPF、DKIM、DMARC等公开记录。", allowed=True
            ),
            AuthorizedItem(
                label="服务握手",
                detail="连接授权端口，读取横幅和能力，协商 STARTTLS 和 TLS，随即退出。",
                allowed=True,
            ),
            AuthorizedItem(
                label="网页入口", detail="对登录页发出GET请求，查看是否跳转到HTTPS。", allowed=True
            ),
            AuthorizedItem(
                label="匿名转发（开放中继）",
                detail="只看MAIL FROM、RCPT TO的应答码，随即复位退出，不进入DATA。",
                allowed=False,
            ),
        ),
        "valid_from": date(2026, 11, 16),
        "valid_until": date(2026, 12, 31),
        "hours": "每日9时至18时",
        "source_addresses": ("198.51.100.20", "198.51.100.21", "2001:db8:100::20"),
        "duty_contact": "吴赟",
        "duty_phone": "0771-5550221",
        "stop": (
            "需要停止检测的，拨打检测单位联系电话，或者在平台点击“撤回授权”，"
            "正在进行的检测立即停止。"
        ),
        "verification": VERIFICATION,
    }
    return AuthorizationPaper(**(fields | changes))  # type: ignore[arg-type]


def full_authorization() -> AuthorizationPaper:
    return authorization(
        unit=Unit(name=LONG_NAME, kind=UnitKind.INSTITUTION, credit_code="12450100MB00000020"),
        hosts=tuple(
            AuthorizedHost(
                system="甲单位电子邮件系统（含下属单位共用平台）",
                host=f"mail{i}.very-long-subdomain-name-for-tests.department.jia.gov.test",
                services="SMTP 25、465、587；IMAP 143、993；POP3 110、995；HTTP 80；HTTPS 443",
                operator="甲省政务云运营管理有限责任公司",
            )
            for i in range(1, 41)
        ),
    )
