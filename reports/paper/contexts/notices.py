"""限期整改通知书."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from reports.paper.contexts.parties import FoundBy, Office, Said, Seen, Unit, Verification


class Ground(StrEnum):
    """Strongest confirmed ground of a finding (questionnaire.md 附四.6)."""

    STATUTE = "statute"  # 法定义务
    STANDARD = "standard"  # 国家标准, through the 等保 duty
    PLAN = "plan"  # 方案要求
    ADVICE = "advice"  # 安全建议


BINDING_GROUNDS = frozenset({Ground.STATUTE, Ground.STANDARD})


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
    """限期整改通知书; without a day of issue a 预览稿, which has neither number nor code.

    Raises:
        ValueError: nothing to repair, a deadline not after the day of issue, a finding without
            binding ground among those to repair (or one with it in the annex), or a source
            that a finding rests on is missing.
    """

    office: Office
    unit: Unit
    number: str  # 甲公网安限字〔2026〕第1号
    issued_on: date | None
    deadline: date
    findings: tuple[Finding, ...]
    verification: Verification
    file: NoticeFile | None
    selfcheck: SelfCheckSource | None = None
    probe: ProbeSource | None = None
    advice: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if not self.findings:
            raise ValueError("a notice without findings")
        if self.issued_on is not None and self.deadline <= self.issued_on:
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
