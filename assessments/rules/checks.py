"""What a questionnaire must satisfy beyond its shape: references, uniqueness, no circles."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from assessments.rules.predicates import RESERVED, Predicate, Ref, SchemaError
from assessments.rules.schema import (
    CHOICE_TYPES,
    EVIDENCE_NEEDS,
    FIELD_TYPES,
    PARTIES,
    RESULTS,
    SCOPES,
    SEVERITIES,
    WEIGHTS,
    Field,
    Item,
    Questionnaire,
)

CODE = re.compile(r"[UM]-\d{3,4}")
SLUG = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")
SOURCE = re.compile(r"inventory\.[a-z_]+\.[a-z0-9_]+")
STATES = frozenset({"nonconforming", "partial", "record_only"})
MAX_DEADLINE_DAYS = 90


def check(questionnaire: Questionnaire, clauses: Collection[str] | None) -> None:
    """Refuse a questionnaire with a wrong reference, a duplicate or circular skip logic.

    Raises:
        SchemaError: the first fault found, in the order of the file.
    """
    _check_frame(questionnaire)
    for item in questionnaire.items:
        _check_item(questionnaire, item, clauses)
    _check_circles(questionnaire)


def _once(names: list[str], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise SchemaError(name, f"{what} is used twice")


def _check_frame(questionnaire: Questionnaire) -> None:
    if not questionnaire.items:
        raise SchemaError(questionnaire.version, "there are no items")
    _once([section.code for section in questionnaire.sections], "section code")
    _once([item.code for item in questionnaire.items], "item code")
    sections = {section.code for section in questionnaire.sections}
    for section in questionnaire.sections:
        if section.scope not in SCOPES:
            raise SchemaError(f"section {section.code}", f"unknown scope '{section.scope}'")
    for item in questionnaire.items:
        if not CODE.fullmatch(item.code):
            raise SchemaError(item.code, "an item code looks like U-101 or M-1101")
        if item.section not in sections:
            raise SchemaError(item.code, f"unknown section '{item.section}'")
        if item.code in questionnaire.withdrawn:
            raise SchemaError(item.code, "the code is withdrawn and may not be used again")
    for kind, deadline in questionnaire.deadlines.items():
        if not 1 <= deadline.days <= MAX_DEADLINE_DAYS or deadline.plan_days > deadline.days:
            raise SchemaError(f"deadlines.{kind}", f"days must lie in 1–{MAX_DEADLINE_DAYS}")
    for mode, party in questionnaire.inheritance.items():
        if party not in PARTIES:
            raise SchemaError(f"inheritance.{mode}", f"unknown party '{party}'")
    for cause in questionnaire.causes:
        if not SLUG.fullmatch(cause):
            raise SchemaError(f"causes.{cause}", "a cause is a lower-case slug")


def _check_item(questionnaire: Questionnaire, item: Item, clauses: Collection[str] | None) -> None:
    where = item.code
    if item.derived is bool(item.fields):
        raise SchemaError(where, "an item has fields, unless it is derived")
    _once([field.code for field in item.fields], f"a field of {where}")
    for field in item.fields:
        _check_field(item, field)
    if item.short and questionnaire.scope_of[item.code] != "system":
        raise SchemaError(where, "only system items can be part of the short sheet")
    if item.inherited and questionnaire.scope_of[item.code] != "system":
        raise SchemaError(where, "only system items can be inherited")
    if item.evidence.need not in EVIDENCE_NEEDS:
        raise SchemaError(where, f"unknown evidence need '{item.evidence.need}'")
    if item.evidence.need != "none" and not item.evidence.ask:
        raise SchemaError(where, "evidence is asked without saying what")
    if clauses is not None:
        for clause in item.clauses:
            if clause not in clauses:
                raise SchemaError(where, f"unknown clause '{clause}'")
    _check_rules(questionnaire, item)
    _check_seen(item)
    for place, predicate in _predicates(item):
        _check_predicate(questionnaire, item, place, predicate)


def _check_field(item: Item, field: Field) -> None:
    where = f"{item.code}.{field.code}"
    if not SLUG.fullmatch(field.code):
        raise SchemaError(where, "a field code is a lower-case slug")
    if field.type not in FIELD_TYPES:
        raise SchemaError(where, f"unknown type '{field.type}'")
    if field.type in CHOICE_TYPES and not field.options and not field.options_from:
        raise SchemaError(where, f"a field of type '{field.type}' needs options")
    _once([option.code for option in field.options], f"an option of {where}")
    for option in field.options:
        if not SLUG.fullmatch(option.code):
            raise SchemaError(where, f"option '{option.code}' is not a lower-case slug")
    if field.source and not SOURCE.fullmatch(field.source):
        raise SchemaError(where, f"source '{field.source}' is not inventory.<model>.<field>")
    number = field.type == "number"
    if not number and (field.minimum is not None or field.maximum is not None or field.unit):
        raise SchemaError(where, "only a number has a unit and bounds")
    if field.part_of and not (
        number and any(f.code == field.part_of and f.type == "number" for f in item.fields)
    ):
        raise SchemaError(where, f"part_of '{field.part_of}' needs two numbers of one item")
    if field.minimum is not None and field.maximum is not None and field.minimum > field.maximum:
        raise SchemaError(where, "min is above max")
    _check_date(field, where)


def _check_date(field: Field, where: str) -> None:
    if field.type != "date":
        if field.past or field.plan or field.earliest or field.latest:
            raise SchemaError(where, "only a date can be 'past' or 'plan' or have such bounds")
        return
    if field.past is field.plan:
        raise SchemaError(where, "a date is either 'past' or 'plan'")
    if field.earliest and field.latest and field.earliest > field.latest:
        raise SchemaError(where, "earliest is after latest")


def _check_rules(questionnaire: Questionnaire, item: Item) -> None:
    for number, rule in enumerate(item.rules, 1):
        where = f"{item.code} rule {number}"
        if rule.state not in STATES:
            raise SchemaError(where, f"unknown state '{rule.state}'")
        if not rule.message.endswith("。"):
            raise SchemaError(where, "a message is a Chinese sentence and ends with 。")
        if rule.state == "record_only":
            continue
        for severity in (rule.level2, rule.level3):
            if severity not in SEVERITIES:
                raise SchemaError(where, f"unknown severity '{severity}'")
        if SEVERITIES.index(rule.level3) < SEVERITIES.index(rule.level2):
            raise SchemaError(where, "level 3 may not be judged milder than level 2")
        if rule.cause not in questionnaire.causes:
            raise SchemaError(where, f"unknown cause '{rule.cause}'")
        if item.deadline not in questionnaire.deadlines:
            raise SchemaError(where, f"unknown deadline kind '{item.deadline}'")
        if not item.advice:
            raise SchemaError(where, "a rule without advice: what shall the unit do?")
    if item.cause and item.cause not in questionnaire.causes:
        raise SchemaError(item.code, f"unknown cause '{item.cause}'")


def _check_seen(item: Item) -> None:
    for number, row in enumerate(item.seen, 1):
        where = f"{item.code} seen {number}"
        field = next((one for one in item.fields if one.code == row.field), None)
        if field is None:
            raise SchemaError(where, f"unknown field '{row.field}'")
        if row.result not in RESULTS:
            raise SchemaError(where, f"unknown result '{row.result}'")
        if row.weight not in WEIGHTS:
            raise SchemaError(where, f"unknown weight '{row.weight}'")
        for code in (*row.contradicts, *row.confirms):
            if field.option(code) is None:
                raise SchemaError(where, f"unknown option '{code}' of field '{row.field}'")
        if set(row.contradicts) & set(row.confirms):
            raise SchemaError(where, "an answer cannot be contradicted and confirmed at once")
        if row.contradicts and (row.weight != "contradict" or row.result != "nonconforming"):
            # An answer more modest than what was seen is never a 疑点, and weak evidence
            # contradicts nothing.
            raise SchemaError(
                where, "only a nonconforming result of weight 'contradict' can contradict"
            )
    keys = [
        f"{row.rule} {row.result} {row.field} {kind}".rstrip()
        for row in item.seen
        for kind in row.kinds or ("",)
    ]
    _once(keys, f"a seen row of {item.code}")
    for name, weight in item.observations.items():
        if weight not in WEIGHTS:
            raise SchemaError(f"{item.code}.observations.{name}", f"unknown weight '{weight}'")


def _predicates(item: Item) -> Iterator[tuple[str, Predicate]]:
    for place, predicate in (
        ("when", item.when),
        ("evidence", item.evidence.when),
        ("stop", item.stop.when if item.stop else None),
    ):
        if predicate is not None:
            yield place, predicate
    for field in item.fields:
        for predicate in (field.when, field.required_when):
            if predicate is not None:
                yield field.code, predicate
        for option in field.options:
            if option.when is not None:
                yield field.code, option.when
    for number, rule in enumerate(item.rules, 1):
        yield f"rule {number}", rule.when


def _check_predicate(
    questionnaire: Questionnaire, item: Item, place: str, predicate: Predicate
) -> None:
    where = f"{item.code} {place}"
    for code, name in sorted(predicate.refs()):
        other = questionnaire.by_code.get(code)
        if other is None:
            raise SchemaError(where, f"unknown item '{code}'")
        if all(field.code != name for field in other.fields):
            raise SchemaError(where, f"unknown field '{code}.{name}'")
        if questionnaire.scope_of[code] != questionnaire.scope_of[item.code]:
            raise SchemaError(where, f"'{code}' stands on another sheet")
    for (code, name), choice in predicate.choices():
        field = questionnaire.by_code[code].field(name)
        if field.type not in CHOICE_TYPES:
            raise SchemaError(where, f"'{code}.{name}' has no options")
        known = field.option(choice) is not None or bool(field.options_from)
        if not known and choice not in RESERVED:
            raise SchemaError(where, f"unknown option '{choice}' of '{code}.{name}'")
    for name in sorted(predicate.limits()):
        if name not in questionnaire.thresholds:
            raise SchemaError(where, f"unknown threshold '{name}'")


def _check_circles(questionnaire: Questionnaire) -> None:
    """Whether a field is shown may not depend on itself, however far around."""
    needs: dict[Ref, frozenset[Ref]] = {}
    for item in questionnaire.items:
        shown = item.when.refs() if item.when else frozenset()
        for field in item.fields:
            own = field.when.refs() if field.when else frozenset()
            needs[(item.code, field.code)] = shown | own
    done: set[Ref] = set()

    def visit(ref: Ref, path: tuple[Ref, ...]) -> None:
        if ref in path:
            circle = " → ".join(".".join(one) for one in (*path[path.index(ref) :], ref))
            raise SchemaError(ref[0], f"circular skip logic: {circle}")
        if ref in done:
            return
        for other in sorted(needs[ref]):
            visit(other, (*path, ref))
        done.add(ref)

    for ref in sorted(needs):
        visit(ref, ())
