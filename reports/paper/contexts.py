"""What each document needs to know, as frozen dataclasses without any model.

Texts are plain text (never HTML; the templates escape them); a text may hold line breaks where
its comment says so. Dates are calendar dates in Asia/Shanghai, moments are aware datetimes.
A context that would make a false or unlawful document refuses to exist (``ValueError``).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class UnitKind(StrEnum):
    """单位类型 (questionnaire item U-103); it decides the consequence paragraph of a notice."""

    PARTY = "party"  # 党委机关
    GOVERNMENT = "government"  # 政府机关
    INSTITUTION = "institution"  # 事业单位
    ENTERPRISE = "enterprise"  # 国有企业
    OTHER_ORGAN = "other_organ"  # 人大、政协、监察、审判、检察机关及群团
    OTHER = "other"


class FoundBy(StrEnum):
    """How a finding was found; the wording of a notice must be true to it."""

    SELF_CHECK = "self_check"
    PROBE = "probe"
    BOTH = "both"  # said and seen agree
    CONTRADICTION = "contradiction"  # said and seen disagree; a person confirmed what was seen


class Ground(StrEnum):
    """Strongest confirmed ground of a finding (questionnaire.md 附四.6)."""

    STATUTE = "statute"  # 法定义务
    STANDARD = "standard"  # 国家标准, through the 等保 duty
    PLAN = "plan"  # 方案要求
    ADVICE = "advice"  # 安全建议


BINDING_GROUNDS = frozenset({Ground.STATUTE, Ground.STANDARD})


@dataclass(frozen=True, kw_only=True)
class Office:
    """An authority's office as it signs and as it can be reached."""

    name: str  # 甲市公安局: what is printed above the date
    department: str  # 网络安全保卫支队
    contact: str
    phone: str
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class Unit:
    name: str
    kind: UnitKind
    credit_code: str = ""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What lets a reader of the paper check it: a short code and the page that answers it."""

    code: str  # 7F3K-92QM
    url: str  # the whole address, also the content of the QR code


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One observation: the line itself, where and when. ``at`` and ``until`` must be aware.

    The same line seen on several ports within a day is one row, from ``at`` to ``until``.
    """

    line: str  # empty if the summary says it all
    address: str  # mail.example.cn [192.0.2.1]:465、993
    at: datetime
    until: datetime | None = None
    summary: str = ""  # one Chinese sentence
    could_not_observe: bool = False

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("Seen.at must be an aware datetime")


@dataclass(frozen=True, kw_only=True)
class Said:
    """One answer of the self-check."""

    code: str  # M-601
    question: str
    answer: str
    on: date


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One finding as a notice prints it."""

    number: str  # 问题编号
    sentence: str  # what is wrong, one plain sentence
    severity: str  # 高 / 中 / 低
    system: str  # the mail system it concerns, empty for the whole unit
    found_by: FoundBy
    ground: Ground
    bases: tuple[str, ...]  # basis text exactly as it is to be printed
    requirement: str  # 整改要求; line breaks kept
    said: tuple[Said, ...] = ()
    seen: tuple[Seen, ...] = ()
    major_risk: bool = False  # 重大风险隐患

    def __post_init__(self) -> None:
        if not self.bases:
            raise ValueError(f"finding {self.number} has no basis")
        if self.found_by is not FoundBy.PROBE and not self.said:
            raise ValueError(f"finding {self.number} is said to rest on answers but has none")
        if self.found_by is not FoundBy.SELF_CHECK and not self.seen:
            raise ValueError(f"finding {self.number} is said to rest on a probe but has none")


@dataclass(frozen=True, kw_only=True)
class SelfCheckSource:
    """The self-check that a notice rests on."""

    submitted_on: date


@dataclass(frozen=True, kw_only=True)
class ProbeSource:
    """The authorised remote technical check that a notice rests on."""

    first_day: date
    last_day: date
    authorization_number: str


@dataclass(frozen=True, kw_only=True)
class NoticeFile:
    """Who made the notice; printed only on the office's own copies, never for the unit."""

    handlers: tuple[str, ...]  # 承办人
    checker: str
    approver: str
    approved_on: date
    issued_by: str  # 填发人


@dataclass(frozen=True, kw_only=True)
class NoticePaper:
    """限期整改通知书.

    Raises:
        ValueError: nothing to repair, a deadline not after the day of issue, a finding without
            binding ground among those to repair (or one with it in the annex), or a source
            that a finding rests on is missing.
    """

    office: Office
    unit: Unit
    number: str  # 甲公网安限字〔2026〕第1号
    issued_on: date
    deadline: date
    findings: tuple[Finding, ...]
    verification: Verification
    file: NoticeFile
    selfcheck: SelfCheckSource | None = None
    probe: ProbeSource | None = None
    advice: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if not self.findings:
            raise ValueError("a notice without findings")
        if self.deadline <= self.issued_on:
            raise ValueError("the deadline does not lie after the day of issue")
        for finding in self.findings:
            if finding.ground not in BINDING_GROUNDS:
                raise ValueError(f"finding {finding.number} has no binding ground: annex only")
        for finding in self.advice:
            if finding.ground in BINDING_GROUNDS:
                raise ValueError(f"finding {finding.number} has a binding ground: not advice")
        ways = {finding.found_by for finding in self.findings + self.advice}
        if ways - {FoundBy.PROBE} and self.selfcheck is None:
            raise ValueError("findings rest on a self-check that is not named")
        if ways - {FoundBy.SELF_CHECK} and self.probe is None:
            raise ValueError("findings rest on a probe that is not named")

    @property
    def severities(self) -> tuple[tuple[str, int], ...]:
        """Number of findings to repair per severity, worst first."""
        return tuple(
            (level, sum(1 for f in self.findings if f.severity == level)) for level in "高中低"
        )


@dataclass(frozen=True, kw_only=True)
class Recheck:
    """复查: how, when, by whom, with what result."""

    method: str  # 远程复测 / 书面复查 / 现场复查
    on: date
    result: str  # 符合 / 不符合 …, one phrase
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class EvidenceRow:
    name: str
    finding_number: str
    digest: str  # hexadecimal SHA-256 of the file
    uploaded_on: date


@dataclass(frozen=True, kw_only=True)
class RectifiedFinding:
    """One finding in the unit's report: what it was, what was done, what is seen now."""

    number: str
    sentence: str
    severity: str
    cause: str  # 原因分析; line breaks kept
    measure: str  # 整改措施, the unit's reply; line breaks kept
    responsible: str
    state: str  # 已销号 / 待复查 / 整改中 …
    finished_on: date | None = None
    before: tuple[Seen, ...] = ()
    after: tuple[Seen, ...] = ()
    said_before: tuple[Said, ...] = ()
    evidence: tuple[str, ...] = ()
    recheck: Recheck | None = None
    closed_on: date | None = None
    interim: str = ""  # 临时措施, while unfinished
    plan: str = ""  # 后续计划
    planned_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class RectificationReportPaper:
    """整改报告: the unit's report on one notice."""

    office: Office
    unit: Unit
    notice_number: str
    received_on: date
    deadline: date
    serial: str  # number of this document in the register
    interim: bool = False  # 阶段性: the notice is not 办结 yet
    organisation: str  # 组织领导, paragraphs separated by line breaks
    findings: tuple[RectifiedFinding, ...]
    long_term: str  # 长效机制, paragraphs separated by line breaks
    contact: str
    phone: str
    reported_on: date
    verification: Verification
    evidence: tuple[EvidenceRow, ...] = ()

    def __post_init__(self) -> None:
        if not self.findings:
            raise ValueError("a report without findings")

    @property
    def unfinished(self) -> tuple[RectifiedFinding, ...]:
        return tuple(f for f in self.findings if f.finished_on is None)

    @property
    def finished_count(self) -> int:
        return len(self.findings) - len(self.unfinished)

    @property
    def closed_count(self) -> int:
        return sum(1 for f in self.findings if f.closed_on is not None)


@dataclass(frozen=True, kw_only=True)
class AuthorizedHost:
    system: str
    host: str
    services: str  # SMTP 25、465、587
    operator: str  # 本单位 / the provider's name


@dataclass(frozen=True, kw_only=True)
class AuthorizedItem:
    label: str
    detail: str
    allowed: bool


@dataclass(frozen=True, kw_only=True)
class AuthorizationPaper:
    """远程检测授权书: the unit permits an office to look at named hosts from outside."""

    office: Office
    unit: Unit
    number: str
    hosts: tuple[AuthorizedHost, ...]
    items: tuple[AuthorizedItem, ...]
    valid_from: date
    valid_until: date
    hours: str  # 每日0时至24时 / 工作日9时至17时
    source_addresses: tuple[str, ...]
    duty_contact: str  # the unit's 24-hour contact
    duty_phone: str
    stop: str  # how the unit stops a running check, one sentence
    verification: Verification

    def __post_init__(self) -> None:
        if not self.hosts:
            raise ValueError("an authorisation that names no host")
        if not any(item.allowed for item in self.items):
            raise ValueError("an authorisation that allows nothing")
        if self.valid_until < self.valid_from:
            raise ValueError("the authorisation ends before it begins")


@dataclass(frozen=True, kw_only=True)
class AnswerRow:
    """One item of the filled-in self-check."""

    code: str
    question: str
    answer: str  # as chosen or typed, empty if not answered; line breaks kept
    detail: str = ""  # 已做与未做、理由 …; line breaks kept
    seen: tuple[str, ...] = ()  # 外部观测, one line each
    evidence: tuple[str, ...] = ()
    contradiction: str = ""  # 疑点, one sentence
    result: str = ""  # 符合 / 不符合 / 待核实 / 不适用

    @property
    def has_long_text(self) -> bool:
        """Whether the answer needs the whole width of the page instead of one column."""
        return len(self.answer) + len(self.detail) > 160


@dataclass(frozen=True, kw_only=True)
class AnswerSection:
    title: str  # M6 防钓鱼与防仿冒
    rows: tuple[AnswerRow, ...]


@dataclass(frozen=True, kw_only=True)
class AnswerSheet:
    """单位表, or the sheet of one mail system."""

    title: str
    sections: tuple[AnswerSection, ...]
    facts: tuple[tuple[str, str], ...] = ()  # label and value, printed above the sections


@dataclass(frozen=True, kw_only=True)
class Signature:
    """An online signature of the unit's head."""

    name: str
    title: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class SelfCheckPaper:
    """自查表, filled in, to be signed and sealed."""

    unit: Unit
    office: Office
    campaign: str
    questionnaire: str  # title
    version: str  # 2026-1版
    serial: str
    sheets: tuple[AnswerSheet, ...]
    filled_by: str
    filled_phone: str
    printed_at: datetime
    digest: str  # hexadecimal, of the content that is signed
    verification: Verification
    digest_name: str = "SHA-256"
    signature: Signature | None = None
    evidence: tuple[EvidenceRow, ...] = ()  # finding_number holds the item code here

    @property
    def rows(self) -> Iterable[AnswerRow]:
        return (row for sheet in self.sheets for section in sheet.sections for row in section.rows)

    @property
    def answered_count(self) -> int:
        return sum(1 for row in self.rows if row.answer)

    @property
    def row_count(self) -> int:
        return sum(1 for _ in self.rows)

    @property
    def contradiction_count(self) -> int:
        return sum(1 for row in self.rows if row.contradiction)


@dataclass(frozen=True, kw_only=True)
class InvitationPaper:
    """One page that gets a unit from the post room to its first login."""

    office: Office
    unit: Unit
    campaign: str
    serial: str
    issued_on: date
    deadline: date
    tasks: tuple[str, ...]  # what is asked, one short sentence each
    url: str  # address of the portal
    role: str = "填报人"  # whose account it is
    account: str
    first_password: str  # valid once

    def __post_init__(self) -> None:
        if self.deadline <= self.issued_on:
            raise ValueError("the deadline does not lie after the day of issue")
