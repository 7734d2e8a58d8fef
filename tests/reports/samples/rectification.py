"""整改报告: a typical one, and a full one."""

from datetime import date

from reports.paper.contexts import (
    EvidenceRow,
    Recheck,
    RectificationReportPaper,
    RectifiedFinding,
    Unit,
    UnitKind,
)
from tests.reports.samples.notices import CERTIFICATE, LOGS, PLAIN_LOGIN, full_findings
from tests.reports.samples.parties import (
    AFTER_AT,
    DEADLINE,
    IMAP_AFTER,
    IMAP_BEFORE,
    LONG_NAME,
    OFFICE,
    UNIT,
    VERIFICATION,
    long_text,
    seen,
)


def report(**changes: object) -> RectificationReportPaper:
    """A typical report: one finding closed, one awaiting its recheck, one unfinished."""
    fields: dict[str, object] = {
        "office": OFFICE,
        "unit": UNIT,
        "notice_number": "甲公网安限字〔2026〕第1号",
        "received_on": date(2026, 11, 25),
        "deadline": DEADLINE,
        "serial": "甲整报〔2026〕1号",
        "organisation": (
            "收到通知书后，我单位成立由分管领导任组长的整改小组，明确网络中心为责任部门，"
            "逐项制定整改措施、责任人和完成时间。"
        ),
        "findings": (
            RectifiedFinding(
                number=PLAIN_LOGIN.number,
                sentence=PLAIN_LOGIN.sentence,
                severity="高",
                cause="系统上线时沿用默认配置，未禁用明文登录；上线前的检测没有覆盖客户端端口。",
                measure=(
                    "11月27日关闭110端口，143端口改为必须先执行 STARTTLS 方可登录，"
                    "并通知全部客户端用户调整设置。"
                ),
                responsible="吴赟",
                state="已销号",
                finished_on=date(2026, 11, 27),
                before=(seen(IMAP_BEFORE, "mail.jia.gov.test [192.0.2.10]:143"),),
                after=(seen(IMAP_AFTER, "mail.jia.gov.test [192.0.2.10]:143", AFTER_AT),),
                said_before=PLAIN_LOGIN.said,
                evidence=("客户端端口配置截图.png",),
                recheck=Recheck(method="远程复测", on=date(2026, 12, 3), result="符合", by="孙玥"),
                closed_on=date(2026, 12, 4),
            ),
            RectifiedFinding(
                number=CERTIFICATE.number,
                sentence=CERTIFICATE.sentence,
                severity="中",
                cause="证书到期未设提醒。",
                measure="12月1日更换为受信任的有效证书，并在运维日历中设置到期前30日提醒。",
                responsible="吴赟",
                state="待复查",
                finished_on=date(2026, 12, 1),
                before=CERTIFICATE.seen,
                after=(
                    seen(
                        "connect timed out after 10 s",
                        "mail.jia.gov.test [192.0.2.10]:993",
                        AFTER_AT,
                        could_not_observe=True,
                        summary="连接超时，结果不能作为符合或者不符合的依据。",
                    ),
                ),
                evidence=("新证书及签发记录.pdf",),
            ),
            RectifiedFinding(
                number=LOGS.number,
                sentence=LOGS.sentence,
                severity="高",
                cause="日志与业务数据共用存储，容量只够保留90日。",
                measure="已完成日志外送方案和设备采购立项。",
                responsible="郑昉",
                state="整改中",
                said_before=LOGS.said,
                interim="自11月26日起每周将日志导出到离线存储，不再覆盖。",
                plan="日志平台到货后7日内完成部署，日志留存不少于六个月。",
                planned_on=date(2026, 12, 8),
            ),
        ),
        "long_term": (
            "将邮件系统纳入每季度自查，配置变更实行双人复核。\n"
            "每年至少开展一次钓鱼邮件演练，并对中招人员复训。"
        ),
        "contact": "吴赟",
        "phone": "0771-5550220",
        "reported_on": date(2026, 12, 5),
        "verification": VERIFICATION,
        "evidence": (
            EvidenceRow(
                name="客户端端口配置截图.png",
                finding_number=PLAIN_LOGIN.number,
                digest="3f" * 32,
                uploaded_on=date(2026, 11, 27),
            ),
            EvidenceRow(
                name="新证书及签发记录.pdf",
                finding_number=CERTIFICATE.number,
                digest="a7" * 32,
                uploaded_on=date(2026, 12, 1),
            ),
        ),
    }
    return RectificationReportPaper(**(fields | changes))  # type: ignore[arg-type]


def full_report() -> RectificationReportPaper:
    return report(
        unit=Unit(name=LONG_NAME, kind=UnitKind.INSTITUTION),
        organisation=long_text("组织"),
        findings=tuple(
            RectifiedFinding(
                number=f.number,
                sentence=f.sentence,
                severity=f.severity,
                cause=long_text("原因") if i == 3 else "沿用默认配置。",
                measure=long_text("措施") if i == 7 else "已关闭明文登录。",
                responsible="吴赟、欧阳喆、司马堃",
                state="已销号",
                finished_on=date(2026, 12, 1),
                before=f.seen,
                after=(
                    seen(
                        "250-STARTTLS " + "y" * (400 if i == 5 else 4), f.seen[0].address, AFTER_AT
                    ),
                ),
                said_before=f.said,
                evidence=tuple(
                    f"第{i}项整改前后配置对照截图及说明材料（第{k}份）.docx" for k in range(1, 5)
                ),
                recheck=Recheck(method="远程复测", on=date(2026, 12, 3), result="符合", by="孙玥"),
                closed_on=date(2026, 12, 4),
            )
            for i, f in enumerate(full_findings(), 1)
        ),
        evidence=tuple(
            EvidenceRow(
                name=f"第{i}项整改前后配置对照截图及说明材料.docx",
                finding_number=f"甲2026-0099-{i:02d}",
                digest=f"{i:02x}" * 32,
                uploaded_on=date(2026, 12, 1),
            )
            for i in range(1, 61)
        ),
    )
