"""What every document names: offices, units, how to verify, what was said and seen."""

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
class EvidenceRow:
    name: str
    finding_number: str
    digest: str  # hexadecimal SHA-256 of the file
    uploaded_on: date
