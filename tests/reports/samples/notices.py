"""限期整改通知书: a typical one, and one with forty findings."""

from datetime import date

from reports.paper.contexts import (
    Finding,
    FoundBy,
    Ground,
    NoticeFile,
    NoticePaper,
    ProbeSource,
    Said,
    SelfCheckSource,
    Unit,
    UnitKind,
)
from tests.reports.samples.parties import (
    CERT_BEFORE,
    DEADLINE,
    IMAP_BEFORE,
    ISSUED,
    LONG_NAME,
    OFFICE,
    SPF_BEFORE,
    UNIT,
    VERIFICATION,
    long_text,
    seen,
)

PLAIN_LOGIN = Finding(
    number="甲2026-0001-01",
    sentence="IMAP 服务允许在未加密的连接上登录，口令可能被窃听。",
    severity="高",
    system="甲市水利局电子邮件系统",
    found_by=FoundBy.CONTRADICTION,
    ground=Ground.STATUTE,
    bases=(
        "《中华人民共和国网络安全法》第二十三条",
        "GB/T 22239-2019《信息安全技术 网络安全等级保护基本要求》8.1.4.1 c）",
    ),
    requirement=(
        "关闭143端口、110端口的明文登录，只保留993、995、465端口和强制 STARTTLS 的587端口。\n"
        "整改完成前，先在边界设备上限制143端口的访问来源。"
    ),
    said=(
        Said(
            code="M-504",
            question="SMTP提交、IMAP、POP3是否强制加密，明文登录已禁用",
            answer="是",
            on=date(2026, 11, 20),
        ),
    ),
    seen=(seen(IMAP_BEFORE, "mail.jia.gov.test [192.0.2.10]:143"),),
    major_risk=True,
)
CERTIFICATE = Finding(
    number="甲2026-0001-02",
    sentence="IMAPS 服务的证书已经过期。",
    severity="中",
    system="甲市水利局电子邮件系统",
    found_by=FoundBy.PROBE,
    ground=Ground.STANDARD,
    bases=("GB/T 22239-2019《信息安全技术 网络安全等级保护基本要求》8.1.4.1 c）",),
    requirement="更换受信任的有效证书，并设置到期提醒。",
    seen=(
        seen(
            CERT_BEFORE,
            "mail.jia.gov.test [192.0.2.10]:993",
            summary="证书有效期已于2026年9月30日届满。",
        ),
    ),
)
LOGS = Finding(
    number="甲2026-0001-03",
    sentence="日志实际留存天数不足六个月。",
    severity="高",
    system="甲市水利局电子邮件系统",
    found_by=FoundBy.SELF_CHECK,
    ground=Ground.STATUTE,
    bases=("《中华人民共和国网络安全法》第二十三条",),
    requirement="扩充存储或者外送日志平台，确保相关网络日志留存不少于六个月。",
    said=(Said(code="M-1002", question="日志实际留存天数", answer="90", on=date(2026, 11, 20)),),
)
SPF_ADVICE = Finding(
    number="甲2026-0001-04",
    sentence="域名 jia.gov.test 的 SPF 记录没有以 -all 结尾。",
    severity="中",
    system="甲市水利局电子邮件系统",
    found_by=FoundBy.BOTH,
    ground=Ground.ADVICE,
    bases=("安全建议：防范他人冒用本单位域名发送邮件",),
    requirement="核对全部发信来源后，将 SPF 记录改为以 -all 结尾。",
    said=(
        Said(
            code="M-601",
            question="全部邮件域名是否发布SPF且以-all结尾",
            answer="部分",
            on=date(2026, 11, 20),
        ),
    ),
    seen=(seen(SPF_BEFORE, "jia.gov.test TXT"),),
)
FILE = NoticeFile(
    handlers=("钱昉", "孙玥"),
    checker="李堃",
    approver="周镕",
    approved_on=date(2026, 11, 24),
    issued_by="钱昉",
)
PROBE = ProbeSource(
    first_day=date(2026, 11, 18),
    last_day=date(2026, 11, 21),
    authorization_number="甲探授〔2026〕12号",
)


def notice(**changes: object) -> NoticePaper:
    """A typical notice: three findings to repair and one piece of advice."""
    fields: dict[str, object] = {
        "office": OFFICE,
        "unit": UNIT,
        "number": "甲公网安限字〔2026〕第1号",
        "issued_on": ISSUED,
        "deadline": DEADLINE,
        "findings": (PLAIN_LOGIN, CERTIFICATE, LOGS),
        "advice": (SPF_ADVICE,),
        "verification": VERIFICATION,
        "file": FILE,
        "selfcheck": SelfCheckSource(submitted_on=date(2026, 11, 20)),
        "probe": PROBE,
    }
    return NoticePaper(**(fields | changes))  # type: ignore[arg-type]


def full_findings(count: int = 40) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            number=f"甲2026-0099-{i:02d}",
            sentence=(
                f"第{i}项问题：子域名 mail{i}.very-long-subdomain-name.jia.gov.test "
                "的提交端口在加密之前宣告 AUTH，口令可能被窃听。"
            ),
            severity="高中低"[i % 3],
            system="甲单位电子邮件系统（含下属单位共用平台）",
            found_by=FoundBy.BOTH,
            ground=Ground.STATUTE,
            bases=("《中华人民共和国网络安全法》第二十三条",),
            requirement=long_text(f"要求{i:02d}")
            if i == 7
            else "关闭明文登录，整改后保留配置截图。",
            said=(
                Said(
                    code="M-504",
                    question="SMTP提交、IMAP、POP3是否强制加密，明文登录已禁用",
                    answer=long_text(f"答复{i:02d}") if i == 3 else "否",
                    on=date(2026, 11, 20),
                ),
            ),
            seen=(
                seen(
                    "250-AUTH PLAIN LOGIN " + ("x" * 400 if i == 5 else f"SIZE {i}"),
                    f"mail{i}.very-long-subdomain-name.jia.gov.test [2001:db8::{i:x}]:587",
                ),
            ),
        )
        for i in range(1, count + 1)
    )


def full_notice() -> NoticePaper:
    return notice(
        unit=Unit(name=LONG_NAME, kind=UnitKind.INSTITUTION, credit_code="12450100MB00000020"),
        findings=full_findings(),
        advice=tuple(
            Finding(
                number=f"甲2026-0099-建{i}",
                sentence=SPF_ADVICE.sentence,
                severity="低",
                system=SPF_ADVICE.system,
                found_by=FoundBy.BOTH,
                ground=Ground.PLAN,
                bases=SPF_ADVICE.bases,
                requirement=SPF_ADVICE.requirement,
                said=SPF_ADVICE.said,
                seen=SPF_ADVICE.seen,
            )
            for i in range(1, 6)
        ),
    )
