"""自查表."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from reports.paper.contexts.parties import EvidenceRow, Office, Unit, Verification


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
    printed_by: str = ""
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
