"""The shape of a questionnaire version: frozen dataclasses, filled by ``loading.load``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property

from assessments.rules.facts import Facts
from assessments.rules.predicates import Predicate

FIELD_TYPES = frozenset(
    {"text", "textarea", "number", "date", "single", "multi", "yn4", "file", "people"}
)
CHOICE_TYPES = frozenset({"single", "multi", "yn4"})
SCOPES = frozenset({"unit", "system"})
SEVERITIES = ("low", "medium", "high")
SEVERITY_LABELS = {"high": "高", "medium": "中", "low": "低"}
WEIGHTS = frozenset({"contradict", "check", "weak", "bonus"})
EVIDENCE_NEEDS = frozenset({"required", "optional", "none"})
PARTIES = {"unit": "本单位", "provider": "服务商", "platform": "平台运营单位"}
RESULTS = frozenset({"conforming", "nonconforming", "warning", "unknown", "not_applicable"})
#: Bounds of a date that gives none of its own: no mail system asked about is older than this day,
#: and a plan reaches this many years ahead.
EARLIEST_DAY = date(1990, 1, 1)
PLAN_YEARS = 10
#: Characters that a text may have, by type. A longer draft is kept but not counted as filled.
TEXT_LIMITS = {"text": 500, "textarea": 2000, "people": 2000, "file": 2000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One choice of a field. ``when`` hides it; ``exclusive`` allows nothing beside it."""

    code: str
    label: str
    when: Predicate | None = None
    exclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One typed answer of an item.

    Attributes:
        required, required_when: must be filled before submission (always / if the condition
            holds); both count only while ``when`` holds, i.e. while the field is shown.
        options_from: dotted path of a dictionary that fills the options, e.g.
            ``inventory.sector``; then ``options`` is empty and any code is accepted here.
        source: ``inventory.<model>.<field>`` if the inventory holds the value.
        unit: unit shown behind a number, e.g. ``天``.
        minimum, maximum: inclusive bounds of a number.
        part_of: the field of the same item that this number cannot exceed; "" for none.
        integer: a number must be whole.
        past: a date of something done: between ``EARLIEST_DAY`` and the day of judgement.
        plan: a date of something intended: from the year before the day of judgement (a plan may
            honestly be overdue) to ``PLAN_YEARS`` ahead. A date is either past or plan.
        earliest, latest: inclusive bounds of a date, instead of those.
    """

    code: str
    label: str
    type: str
    required: bool = True
    required_when: Predicate | None = None
    when: Predicate | None = None
    options: tuple[Option, ...] = ()
    options_from: str = ""
    source: str = ""
    unit: str = ""
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    part_of: str = ""
    integer: bool = False
    past: bool = False
    plan: bool = False
    earliest: date | None = None
    latest: date | None = None
    help: str = ""

    @property
    def name(self) -> str:
        """The label without what it explains in brackets."""
        return self.label.partition("（")[0]

    def option(self, code: str) -> Option | None:
        """The option with this code, if there is one."""
        return next((option for option in self.options if option.code == code), None)

    def span(self, on: date) -> tuple[date, date]:
        """The first and the last day that a date may name, judged on the day ``on``."""
        if self.plan:
            first, last = date(on.year - 1, 1, 1), date(on.year + PLAN_YEARS, 12, 31)
        else:
            first, last = EARLIEST_DAY, on
        return self.earliest or first, self.latest or last


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """佐证 of an item: whether a file is asked, in one line what, and whether on-site
    inspection (现场查验) may replace the upload. ``when`` limits a required file to the
    answers that claim something."""

    need: str
    ask: str = ""
    on_site: bool = False
    when: Predicate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One way in which an item does not conform.

    Attributes:
        state: ``nonconforming`` or ``partial``, or ``record_only`` (noted, no finding).
        level2, level3: severity slug by 等保 level; ``""`` for ``record_only``.
        cause: stable slug of the root cause; equal causes make one finding.
        message: what is wrong, one Chinese sentence.
        urgent: an unrepaired 紧急风险 (docs/questionnaire.md, revision 8); counts only where the
            resolved severity is high.
    """

    when: Predicate
    state: str
    level2: str
    level3: str
    cause: str
    message: str
    urgent: bool

    def severity(self, facts: Facts) -> str:
        """Severity slug for the level of the sheet, ``""`` for a record."""
        return self.level3 if facts.severity_level == 3 else self.level2


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a verdict of a scan rule means for the answer ``field`` of the item.

    ``text`` completes the sentence “系统已观测到……”. ``kinds`` limits the row to these kinds of the
    verdict (keys of the rule's sentences); a row without them speaks for the kinds that no other
    row of the same rule, result and field names.
    """

    rule: str
    result: str
    field: str
    weight: str
    text: str
    kinds: tuple[str, ...] = ()
    contradicts: tuple[str, ...] = ()
    confirms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """While ``when`` holds nothing may be saved (docs/questionnaire.md, revision 4)."""

    when: Predicate
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One question of the 自查表.

    Attributes:
        na: 不适用 may be answered, with a reason in the field ``note``.
        unknown: 暂不掌握 may be answered (value ``unknown`` in any of its fields).
        derived: nothing is asked; the rules read facts only.
        short: also part of the 使用单位确认表.
        inherited: answered by the provider or the platform where the build mode says so.
        deadline: kind of the default deadline, a key of ``Questionnaire.deadlines``.
        urgent: the item can show a 紧急风险.
        observed_first: the form says what was seen before it asks (revision 2).
        observations: names of scans' observations to show beside the question → weight.
    """

    code: str
    section: str
    question: str
    why: str
    how: str
    fields: tuple[Field, ...]
    evidence: Evidence
    clauses: tuple[str, ...]
    topics: tuple[str, ...] = ()
    cause: str = ""
    advice: str = ""
    deadline: str = ""
    when: Predicate | None = None
    na: bool = False
    unknown: bool = False
    derived: bool = False
    short: bool = False
    inherited: bool = False
    urgent: bool = False
    observed_first: bool = False
    rules: tuple[Rule, ...] = ()
    seen: tuple[Seen, ...] = ()
    stop: Stop | None = None
    observations: Mapping[str, str] = field(default_factory=dict)

    @property
    def help(self) -> str:
        """Why it is asked and how to find out, for the question mark."""
        return f"{self.why}{self.how}"

    @property
    def main(self) -> Field | None:
        """The field that carries the answer itself (the first), ``None`` if derived."""
        return self.fields[0] if self.fields else None

    def field(self, code: str) -> Field:
        """Field by code.

        Raises:
            KeyError: the item has no such field.
        """
        for candidate in self.fields:
            if candidate.code == code:
                return candidate
        raise KeyError(f"{self.code}.{code}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the 自查表; ``scope`` says on which sheet it stands: ``unit`` or ``system``."""

    code: str
    title: str
    scope: str
    intro: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """Default days to repair (1–90), and days within which a plan and interim measures are due
    (0 = none). Calendar days, an agreement of this project, no statute fixes them."""

    label: str
    days: int
    plan_days: int = 0


@dataclass(frozen=True, kw_only=True)
class Questionnaire:
    """A published version. Never changes; ``digest`` proves it.

    Attributes:
        digest: SHA-256 (hex) of the file.
        thresholds: named limits of the conditions.
        causes: slug → title of the finding (a plain Chinese sentence).
        inheritance: build mode → party that answers the inherited items.
        withdrawn: code → reason; such codes are never used again.
        unknown_workdays: working days to settle a 暂不掌握.
    """

    version: str
    title: str
    notice: str
    digest: str
    sections: tuple[Section, ...]
    items: tuple[Item, ...]
    thresholds: Mapping[str, Decimal]
    deadlines: Mapping[str, Deadline]
    causes: Mapping[str, str]
    inheritance: Mapping[str, str]
    withdrawn: Mapping[str, str]
    unknown_workdays: int

    @cached_property
    def by_code(self) -> Mapping[str, Item]:
        """Items by code."""
        return {item.code: item for item in self.items}

    @cached_property
    def scope_of(self) -> Mapping[str, str]:
        """Item code → ``unit`` or ``system``."""
        scopes = {section.code: section.scope for section in self.sections}
        return {item.code: scopes[item.section] for item in self.items}

    def item(self, code: str) -> Item:
        """Item by code.

        Raises:
            KeyError: no such item in this version.
        """
        return self.by_code[code]

    def items_of(self, scope: str, section: str = "") -> tuple[Item, ...]:
        """Items of a scope (and section) in the order of the file."""
        return tuple(
            item
            for item in self.items
            if self.scope_of[item.code] == scope and section in ("", item.section)
        )

    def party(self, item: Item, facts: Facts) -> str:
        """Who answers the item: ``unit``, ``provider`` or ``platform``."""
        if not item.inherited or facts.short:
            return "unit"
        return self.inheritance.get(facts.build_mode, "unit")

    def sources(self) -> tuple[tuple[str, str, str], ...]:
        """(item, field, path) of every field that the inventory holds, in order."""
        return tuple(
            (item.code, one.code, one.source)
            for item in self.items
            for one in item.fields
            if one.source
        )
