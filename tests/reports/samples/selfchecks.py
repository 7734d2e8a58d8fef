"""自查表: a typical one, and a full one."""

from datetime import UTC, date, datetime

from reports.paper.contexts import (
    AnswerRow,
    AnswerSection,
    AnswerSheet,
    EvidenceRow,
    SelfCheckPaper,
    Signature,
    Unit,
    UnitKind,
)
from tests.reports.samples.parties import (
    IMAP_BEFORE,
    LONG_NAME,
    OFFICE,
    SPF_BEFORE,
    UNIT,
    VERIFICATION,
    long_text,
)

DIGEST = "9c1185a5c5e9fc54612808977ee8f548b2258d31a2f0f6a1f2d5b1a4c7e83d60"


def selfcheck(**changes: object) -> SelfCheckPaper:
    fields: dict[str, object] = {
        "unit": UNIT,
        "office": OFFICE,
        "campaign": "2026年互联网电子邮件系统安全专项自查",
        "questionnaire": "互联网电子邮件系统安全自查表",
        "version": "2026-1版",
        "serial": "甲自查〔2026〕0001号",
        "filled_by": "吴赟",
        "filled_phone": "0771-5550220",
        "printed_at": datetime(2026, 11, 20, 8, 12, 40, tzinfo=UTC),
        "digest": DIGEST,
        "verification": VERIFICATION,
        "sheets": (
            AnswerSheet(
                title="单位表",
                facts=(("隶属关系", "地（区、市、州、盟）"), ("行业类别", "水利")),
                sections=(
                    AnswerSection(
                        title="U2 责任、制度与培训",
                        rows=(
                            AnswerRow(
                                code="U-201",
                                question="是否以正式文件明确邮件系统安全保护的主管领导、责任部门和责任人，落实“谁主管谁负责、谁运营谁负责”",
                                answer="是",
                                evidence=("责任分工文件.pdf",),
                                result="符合",
                            ),
                            AnswerRow(
                                code="U-207",
                                question="近12个月接受邮件安全（防钓鱼、防窃密、口令）培训的人员数",
                                answer="126人",
                                detail="全体邮箱用户158人。",
                            ),
                            AnswerRow(
                                code="U-208",
                                question="近12个月是否开展钓鱼邮件演练并对中招人员复训",
                                answer="",
                            ),
                        ),
                    ),
                ),
            ),
            AnswerSheet(
                title="邮件系统表　甲市水利局电子邮件系统",
                facts=(
                    ("邮件域名", "jia.gov.test"),
                    ("建设方式", "自建（本地机房）"),
                    ("安全保护等级", "二级"),
                ),
                sections=(
                    AnswerSection(
                        title="M5 加密",
                        rows=(
                            AnswerRow(
                                code="M-504",
                                question="SMTP提交、IMAP、POP3是否强制加密，明文登录已禁用",
                                answer="是",
                                seen=(
                                    IMAP_BEFORE,
                                    "2026年11月18日 10:32:05 mail.jia.gov.test [192.0.2.10]:143",
                                ),
                                contradiction="外部观测到143端口允许明文登录。",
                                result="待核实",
                            ),
                            AnswerRow(
                                code="M-507",
                                question="口令是否加盐散列存储",
                                answer="暂不掌握",
                                detail="10个工作日内向厂商核实。",
                                result="待核实",
                            ),
                        ),
                    ),
                    AnswerSection(
                        title="M6 防钓鱼与防仿冒",
                        rows=(
                            AnswerRow(
                                code="M-601",
                                question="全部邮件域名是否发布SPF且以-all结尾",
                                answer="部分",
                                detail="已发布SPF，发信来源核对完毕后改为 -all。",
                                seen=(SPF_BEFORE,),
                                evidence=("域名解析截图.png",),
                                result="不符合",
                            ),
                        ),
                    ),
                ),
            ),
        ),
        "evidence": (
            EvidenceRow(
                name="责任分工文件.pdf",
                finding_number="U-201",
                digest="5d" * 32,
                uploaded_on=date(2026, 11, 19),
            ),
        ),
    }
    return SelfCheckPaper(**(fields | changes))  # type: ignore[arg-type]


def full_selfcheck() -> SelfCheckPaper:
    rows = tuple(
        AnswerRow(
            code=f"M-{i}",
            question="收发邮件的终端是否安装防恶意代码软件并更新，禁止客户端保存口令",
            answer="部分",
            detail=long_text(f"说明{i}") if i in {205, 222} else "已做：略。未做：略。",
            seen=("250-AUTH PLAIN LOGIN " + "z" * 120,) * 3,
            evidence=("第三季度终端防护软件安装情况统计表及截图汇编最终修订稿.docx",) * 3,
            contradiction="外部观测到提交端口在加密之前宣告 AUTH。" if i % 9 == 0 else "",
            result="不符合",
        )
        for i in range(200, 260)
    )
    return selfcheck(
        unit=Unit(name=LONG_NAME, kind=UnitKind.INSTITUTION, credit_code="12450100MB00000020"),
        sheets=(
            AnswerSheet(
                title=f"邮件系统表　{LONG_NAME}电子邮件系统",
                facts=tuple(
                    (f"域名{i}", f"sub{i}.very-long-name.jia.gov.test") for i in range(1, 41)
                ),
                sections=(AnswerSection(title="M7 防病毒、反垃圾与内容过滤", rows=rows),),
            ),
        ),
        signature=Signature(
            name="欧阳喆", title="主任", at=datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
        ),
    )
