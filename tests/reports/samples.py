"""Sample contexts of the documents: a typical case, and one that is as full as it gets."""

from datetime import UTC, date, datetime, timedelta

from reports.paper.contexts import (
    AnswerRow,
    AnswerSection,
    AnswerSheet,
    AuthorizationPaper,
    AuthorizedHost,
    AuthorizedItem,
    EvidenceRow,
    Finding,
    FoundBy,
    Ground,
    InvitationPaper,
    NoticeFile,
    NoticePaper,
    Office,
    ProbeSource,
    Recheck,
    RectificationReportPaper,
    RectifiedFinding,
    Said,
    Seen,
    SelfCheckPaper,
    SelfCheckSource,
    Signature,
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


def long_text(marker: str, length: int = 2000) -> str:
    """A text of exactly ``length`` characters that begins and ends with a marker."""
    body = "已组织网络中心和各处室逐项核对，配置调整前后均留有截图和记录，责任落实到人；"
    head, tail = f"起{marker}", f"止{marker}"
    filler = (body * (length // len(body) + 1))[: length - len(head) - len(tail)]
    return head + filler + tail


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
        "url": "https://yj.jia.example.cn/",
        "account": "jia-shuili-01",
        "first_password": "Q7mk-4Tzx-9Rwd",
    }
    return InvitationPaper(**(fields | changes))  # type: ignore[arg-type]
