"""整改报告."""

from dataclasses import dataclass
from datetime import date

from reports.paper.contexts.parties import EvidenceRow, Office, Said, Seen, Unit, Verification


@dataclass(frozen=True, kw_only=True)
class Recheck:
    """复查: how, when, by whom, with what result."""

    method: str  # 远程复测 / 书面复查 / 现场复查
    on: date
    result: str  # 符合 / 不符合 …, one phrase
    by: str = ""


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
    long_term: str  # 长效机制, paragraphs separated by line breaks; "" leaves the part out
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
