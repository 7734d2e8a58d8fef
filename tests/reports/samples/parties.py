"""The office, the unit, the dates and the lines seen that all samples share."""

from datetime import UTC, date, datetime

from reports.paper.contexts import (
    Office,
    Seen,
    Unit,
    UnitKind,
    Verification,
)

OFFICE = Office(
    name="甲市公安局",
    department="网络安全保卫支队",
    contact="赵喆",
    phone="0771-5550110",
    address="甲市人民东路1号",
)
UNIT = Unit(name="甲市水利局", kind=UnitKind.GOVERNMENT, credit_code="11450100MB0000001X")
COMPANY = Unit(
    name="甲市能源集团有限公司", kind=UnitKind.ENTERPRISE, credit_code="91450100MA00000012"
)
LONG_NAME = (
    "甲市经济技术开发区暨高新技术产业示范区管理委员会农业农村水利和生态环"
    "境综合行政执法局城乡供水设施运行维护服务中心东分中心"
)
VERIFICATION = Verification(
    code="7F3K-92QM-4TXB", url="https://yj.jia.example.cn/verify/7F3K-92QM-4TXB"
)
RARE = "喆堃昉玥赟镕"
ISSUED = date(2026, 11, 24)
DEADLINE = date(2026, 12, 9)
BEFORE_AT = datetime(2026, 11, 18, 2, 32, 5, tzinfo=UTC)
AFTER_AT = datetime(2026, 12, 3, 1, 5, 41, tzinfo=UTC)

SPF_BEFORE = "v=spf1 ip4:192.0.2.10 ~all"
SPF_AFTER = "v=spf1 ip4:192.0.2.10 -all"
IMAP_BEFORE = "* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=LOGIN STARTTLS"
IMAP_AFTER = "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED"
CERT_BEFORE = "notAfter=2026-09-30T23:59:59Z subject=CN=mail.jia.gov.test"


def seen(line: str, address: str, at: datetime = BEFORE_AT, **more: object) -> Seen:
    return Seen(line=line, address=address, at=at, **more)  # type: ignore[arg-type]


def long_text(marker: str, length: int = 2000) -> str:
    """A text of exactly ``length`` characters that begins and ends with a marker."""
    body = "已组织网络中心和各处室逐项核对，配置调整前后均留有截图和记录，责任落实到人；"
    head, tail = f"起{marker}", f"止{marker}"
    filler = (body * (length // len(body) + 1))[: length - len(head) - len(tail)]
    return head + filler + tail
