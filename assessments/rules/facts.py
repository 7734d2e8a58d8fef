"""What the evaluator knows besides the answers: the facts of one sheet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

#: Level used for severity when a system has no level yet: being ungraded is already one
#: finding, it must not raise all the others (docs/questionnaire.md, revision 9).
LEVEL_WHEN_UNGRADED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts of one sheet on one day. ``None`` always means "not known", never "no".

    Attributes:
        on: the day of judgement: the day of submission, or today while a sheet is filled in.
        level: 等保 level 1–4 of the system (of the unit's highest system on a unit sheet);
            ``None`` or 0 = 未定级.
        build_mode: a value of the inventory (``own_room own_cloud public_cloud shared
            hosted other``) or ``""``.
        unit_type: ``party government institution soe assembly other`` or ``""``.
        in_operation: the day the system went into operation.
        short: the sheet is the 使用单位确认表 of a unit that runs no system of its own.
        graded_on, filed_on: days of grading and of filing, for the derived item M-204.
        registered_systems: systems of the unit in the register (U-110).
        uscc_valid: result of the inventory's check of the 统一社会信用代码 (U-102).
        severe_advisory: the product version matches a severe advisory (M-106).
        endpoints_differ: the declared hosts differ from those seen (M-103).
        incidents: incidents of the last 24 months; the two others count those not registered
            one by one (U-303) and those not reported as the law asks (M-1104).
    """

    on: date
    level: int | None = None
    build_mode: str = ""
    unit_type: str = ""
    in_operation: date | None = None
    short: bool = False
    graded_on: date | None = None
    filed_on: date | None = None
    registered_systems: int | None = None
    uscc_valid: bool | None = None
    severe_advisory: bool | None = None
    endpoints_differ: bool | None = None
    incidents: int | None = None
    incidents_unregistered: int | None = None
    incidents_unreported: int | None = None

    @property
    def severity_level(self) -> int:
        """Level whose severity column applies: 2 or 3 (1 and ungraded → 2, 4 → 3)."""
        level = LEVEL_WHEN_UNGRADED if self.level is None else self.level
        return 3 if level >= 3 else 2

    @property
    def days_in_operation(self) -> int | None:
        """Whole days since the system went into operation, not below 0."""
        if self.in_operation is None:
            return None
        return max(0, (self.on - self.in_operation).days)

    @property
    def filing_days(self) -> int | None:
        """Days between the later of grading and start of operation, and the filing."""
        starts = [day for day in (self.graded_on, self.in_operation) if day is not None]
        if self.filed_on is None or not starts:
            return None
        return (self.filed_on - max(starts)).days

    @property
    def all_incidents_unreported(self) -> bool | None:
        """Whether not one of the incidents was reported as the law asks."""
        if not self.incidents or self.incidents_unreported is None:
            return None
        return self.incidents_unreported >= self.incidents


#: Facts a predicate may name.
FACT_NAMES: frozenset[str] = frozenset(
    {name for name in Facts.__dataclass_fields__ if name != "on"}
    | {"days_in_operation", "filing_days", "all_incidents_unreported"}
)


@cache
def fact_type(name: str) -> str:
    """Kind of a fact: ``date``, ``text``, ``flag`` or ``number`` (for schema checks)."""
    if name in ("in_operation", "graded_on", "filed_on"):
        return "date"
    if name in ("build_mode", "unit_type"):
        return "text"
    if name in ("short", "uscc_valid", "severe_advisory", "endpoints_differ"):
        return "flag"
    if name == "all_incidents_unreported":
        return "flag"
    return "number"
