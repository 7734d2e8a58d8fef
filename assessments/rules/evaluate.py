"""Judge one sheet: answers and facts in, the state of every item out. Pure and deterministic."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from assessments.rules.facts import Facts
from assessments.rules.predicates import NOT_APPLICABLE, UNKNOWN, Limit, Ref
from assessments.rules.schema import SEVERITIES, Field, Item, Questionnaire, Rule
from assessments.rules.values import problem

#: States of an item. A higher room stores these slugs.
STATES = {
    "conforming": "符合",
    "nonconforming": "不符合",
    "partial": "部分符合",
    "not_applicable": "不适用",
    "pending_verification": "待核实",
    "incomplete": "未填完",
    "record_only": "仅记录",
}

Answers = Mapping[Ref, str | Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the evaluator says of one item.

    Attributes:
        applicable: the item is asked on this sheet; if not, ``state`` is ``not_applicable``.
        required: this unit must still or did have to answer it (an item that the provider or
            platform answers is not required of the unit).
        party: who answers: ``unit``, ``provider`` or ``platform``.
        severity: ``high medium low`` or ``""``.
        cause: root cause of the finding, ``""`` without one.
        missing: codes of the fields still to fill; ``evidence`` if a required file is missing.
        faults: field code → what is wrong with its value (Chinese).
        urgent: an unrepaired 紧急风险.
    """

    item: str
    applicable: bool
    required: bool
    party: str
    state: str
    severity: str = ""
    cause: str = ""
    message: str = ""
    urgent: bool = False
    missing: tuple[str, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Nothing is missing and no value is wrong."""
        return not self.missing and not self.faults

    @property
    def has_finding(self) -> bool:
        """The answer will become a finding if an office confirms it."""
        return self.state in ("nonconforming", "partial")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sheet is: items that this unit must answer, and those done."""

    done: int
    total: int

    @property
    def percent(self) -> int:
        """Whole percent, 100 only when everything is done."""
        return 100 if self.total == 0 else self.done * 100 // self.total


class Sheet:
    """One sheet (of a unit, or of one system) with its answers and facts.

    Args:
        questionnaire: the version pinned by the self-check.
        scope: ``unit`` or ``system``.
        answers: (item, field) → plain string; a list is taken as codes of a multiple choice.
            Values of fields with a ``source`` belong in here too.
        facts: facts on the day of judgement.
        evidenced: codes of items with at least one file, or where 现场查验 was chosen.
    """

    def __init__(
        self,
        questionnaire: Questionnaire,
        scope: str,
        answers: Answers,
        facts: Facts,
        evidenced: Collection[str] = (),
    ) -> None:
        self.questionnaire = questionnaire
        self.scope = scope
        self.facts = facts
        self.evidenced = frozenset(evidenced)
        self._answers = {ref: _plain(value) for ref, value in answers.items()}
        self._shown_items: dict[str, bool] = {}
        self._shown_fields: dict[Ref, bool] = {}

    def limit(self, limit: Limit) -> Decimal:
        """A literal limit or the named threshold."""
        return self.questionnaire.thresholds[limit] if isinstance(limit, str) else limit

    def value(self, item: str, field: str) -> str:
        """Answer of a field, ``""`` if empty or if the field is not asked on this sheet."""
        return self._answers.get((item, field), "") if self.field_shown(item, field) else ""

    def shown(self, code: str) -> bool:
        """Whether the item is asked on this sheet."""
        if code not in self._shown_items:
            item = self.questionnaire.item(code)
            self._shown_items[code] = (
                self.questionnaire.scope_of[code] == self.scope
                and (item.short or not self.facts.short or self.scope == "unit")
                and (item.when is None or item.when.holds(self))
            )
        return self._shown_items[code]

    def field_shown(self, code: str, field: str) -> bool:
        """Whether the field is asked on this sheet."""
        ref = (code, field)
        if ref not in self._shown_fields:
            one = self.questionnaire.item(code).field(field)
            self._shown_fields[ref] = self.shown(code) and (
                one.when is None or one.when.holds(self)
            )
        return self._shown_fields[ref]

    def fields_of(self, item: Item) -> tuple[Field, ...]:
        """The fields of the item that are asked on this sheet."""
        return tuple(one for one in item.fields if self.field_shown(item.code, one.code))

    def outcome(self, item: Item) -> Outcome:
        """Judge one item."""
        party = self.questionnaire.party(item, self.facts)
        if not self.shown(item.code):
            return Outcome(
                item=item.code,
                applicable=False,
                required=False,
                party=party,
                state="not_applicable",
            )
        fields = self.fields_of(item)
        values = {one.code: self.value(item.code, one.code) for one in fields}
        faults = {
            one.code: text
            for one in fields
            if values[one.code] and (text := problem(item, one, values[one.code], self))
        }
        missing = [
            one.code
            for one in fields
            if not values[one.code]
            and (one.required or (one.required_when is not None and one.required_when.holds(self)))
        ]
        main = values[fields[0].code] if fields else ""
        state = _open_state(item, values, missing, faults, main)
        rule = None if state in ("incomplete", "not_applicable") else self._worst(item)
        if party != "unit" and not any(values.values()):
            # The clerk of the unit cannot answer for the provider: nothing is missing here.
            return Outcome(
                item=item.code,
                applicable=True,
                required=False,
                party=party,
                state="pending_verification",
                message="待服务商或平台运营单位统一答复。",
            )
        if rule is None and state == "incomplete":
            missing_now = tuple(missing)
        else:
            missing_now = (*missing, *self._missing_evidence(item, state))
        return Outcome(
            item=item.code,
            applicable=True,
            required=party == "unit" and not item.derived,
            party=party,
            state=rule.state if rule else state,
            severity=rule.severity(self.facts) if rule else "",
            cause=rule.cause if rule else "",
            message=rule.message if rule else _message(state, self.questionnaire),
            urgent=rule is not None and rule.urgent and rule.severity(self.facts) == "high",
            missing=missing_now,
            faults=faults,
        )

    def _worst(self, item: Item) -> Rule | None:
        """The matching rule of highest severity; the earlier one if two are equal."""
        matching = [rule for rule in item.rules if rule.when.holds(self)]
        return max(matching, key=lambda rule: _rank(rule.severity(self.facts)), default=None)

    def _missing_evidence(self, item: Item, state: str) -> tuple[str, ...]:
        evidence = item.evidence
        if (
            evidence.need != "required"
            or item.code in self.evidenced
            or state in ("not_applicable", "pending_verification")
            or (evidence.when is not None and not evidence.when.holds(self))
        ):
            return ()
        return ("evidence",)


def evaluate(sheet: Sheet) -> dict[str, Outcome]:
    """Outcome of every item of the sheet's scope, by item code, in the order of the file."""
    return {item.code: sheet.outcome(item) for item in sheet.questionnaire.items_of(sheet.scope)}


def missing(outcomes: Mapping[str, Outcome]) -> tuple[tuple[str, str], ...]:
    """(item, field) pairs that the unit must still fill, in order; the field code is
    ``evidence`` for a missing file."""
    return tuple(
        (one.item, code) for one in outcomes.values() if one.required for code in one.missing
    )


def faults(outcomes: Mapping[str, Outcome]) -> tuple[tuple[str, str, str], ...]:
    """(item, field, what is wrong) of every wrong value, in order.

    They bar submission like what is missing, also where the item is not required: a value that
    cannot be right must not be signed.
    """
    return tuple(
        (one.item, code, text) for one in outcomes.values() for code, text in one.faults.items()
    )


def progress(outcomes: Mapping[str, Outcome]) -> Progress:
    """Items that this unit must answer, and how many of them are complete."""
    required = [one for one in outcomes.values() if one.required]
    return Progress(sum(one.complete for one in required), len(required))


def stops(sheet: Sheet) -> str:
    """Why nothing may be saved (docs/questionnaire.md, revision 4), ``""`` if it may."""
    for item in sheet.questionnaire.items_of(sheet.scope):
        if item.stop and sheet.shown(item.code) and item.stop.when.holds(sheet):
            return item.stop.message
    return ""


def _open_state(
    item: Item,
    values: Mapping[str, str],
    missing: Sequence[str],
    faults: Mapping[str, str],
    main: str,
) -> str:
    """State before the rules are asked."""
    if missing or faults:
        return "incomplete"
    if main == NOT_APPLICABLE:
        return "not_applicable"
    if UNKNOWN in values.values():
        return "pending_verification"
    return (
        "conforming" if any(rule.state != "record_only" for rule in item.rules) else "record_only"
    )


def _message(state: str, questionnaire: Questionnaire) -> str:
    if state == "pending_verification":
        return f"暂不掌握，请在{questionnaire.unknown_workdays}个工作日内核实后补填。"
    if state == "not_applicable":
        return "填报为不适用，理由由审核人确认。"
    return ""


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity else -1


def _plain(value: str | Sequence[str]) -> str:
    return value.strip() if isinstance(value, str) else ",".join(value)
