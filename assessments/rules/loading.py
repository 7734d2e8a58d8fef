"""Read a questionnaire version from TOML, strictly: every error says where and why."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from assessments.rules.checks import check
from assessments.rules.conditions import parse
from assessments.rules.predicates import NOT_APPLICABLE, UNKNOWN, SchemaError
from assessments.rules.schema import (
    CHOICE_TYPES,
    Deadline,
    Evidence,
    Field,
    Item,
    Option,
    Questionnaire,
    Rule,
    Section,
    Seen,
    Stop,
)
from assessments.rules.tables import Table

FOLDER = Path(__file__).resolve().parent.parent / "questionnaires"
CLAUSES = Path(__file__).resolve().parent.parent.parent / "standards" / "legal_bases.toml"

YES = Option(code="yes", label="是")
PARTIAL = Option(code="partial", label="部分")
NO = Option(code="no", label="否")
NA = Option(code=NOT_APPLICABLE, label="不适用")
DONT_KNOW = Option(code=UNKNOWN, label="暂不掌握")
NOTE_LABELS = {
    (True, False): "说明（答“部分”写明已做和未做的）",
    (False, True): "说明（答“不适用”写明理由）",
    (True, True): "说明（答“部分”写明已做和未做的；答“不适用”写明理由）",
}


def load(path: Path, *, clauses: Collection[str] | None = None) -> Questionnaire:
    """Questionnaire version of a TOML file.

    Args:
        path: the file.
        clauses: known clause slugs; ``None`` leaves the references to clauses unchecked.

    Raises:
        SchemaError: the file is not TOML, or not a valid questionnaire (where and why).
        OSError: the file cannot be read.
    """
    return loads(path.read_bytes(), name=path.name, clauses=clauses)


def loads(
    raw: bytes, *, name: str = "questionnaire", clauses: Collection[str] | None = None
) -> Questionnaire:
    """Like ``load``, from the bytes of the file."""
    try:
        data = tomllib.loads(raw.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SchemaError(name, f"not valid TOML: {error}") from error
    top = Table(data, name)
    thresholds: dict[str, Decimal] = {}
    for key, value in top.rest.pop("thresholds", {}).items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SchemaError("thresholds", f"'{key}' must be a number")
        thresholds[key] = Decimal(str(value))
    causes = top.mapping("causes")
    questionnaire = Questionnaire(
        version=top.text("version"),
        title=top.text("title"),
        notice=top.text("notice"),
        digest=hashlib.sha256(raw).hexdigest(),
        sections=tuple(_section(one) for one in top.tables("section")),
        items=tuple(_item(one) for one in top.tables("item")),
        thresholds=thresholds,
        deadlines=_deadlines(top.rest.pop("deadlines", {})),
        causes=causes,
        inheritance=top.mapping("inheritance"),
        withdrawn=top.mapping("withdrawn"),
        unknown_workdays=top.whole("unknown_workdays"),
    )
    top.done()
    check(questionnaire, clauses)
    return questionnaire


@lru_cache(maxsize=16)
def by_version(version: str) -> Questionnaire:
    """The questionnaire version shipped with the project, checked against the legal bases.

    Raises:
        FileNotFoundError: there is no such version.
        SchemaError: see ``load``.
    """
    if not re.fullmatch(r"\d{4}-\d{1,3}", version):
        raise FileNotFoundError(version)
    known = {clause["slug"] for clause in tomllib.loads(CLAUSES.read_text())["clause"]}
    return load(FOLDER / f"{version}.toml", clauses=known)


def _deadlines(data: object) -> dict[str, Deadline]:
    kinds: dict[str, Deadline] = {}
    for key, value in Table(data, "deadlines").rest.items():
        table = Table(value, f"deadlines.{key}")
        kinds[key] = Deadline(
            label=table.text("label"),
            days=table.whole("days"),
            plan_days=table.whole("plan_days", 0),
        )
        table.done()
    return kinds


def _section(data: object) -> Section:
    table = Table(data, "section")
    section = Section(
        code=table.text("code"),
        title=table.text("title"),
        scope=table.text("scope"),
        intro=table.text("intro", ""),
    )
    table.where = f"section {section.code}"
    table.done()
    return section


def _item(data: object) -> Item:
    table = Table(data, "item")
    code = table.text("code")
    table.where = code
    na, unknown = table.flag("na"), table.flag("unknown")
    cause = table.text("cause", "")
    urgent = table.flag("urgent")
    form = table.text("form", "")
    fields = [_field(one, code, number) for number, one in enumerate(table.tables("field"), 1)]
    rules = _short_rules(table, code, cause, urgent)
    if form:
        fields = [*_form_fields(form, code, na=na, unknown=unknown), *fields]
    else:
        if fields and fields[0].type in CHOICE_TYPES:
            extra = (NA,) * na + (DONT_KNOW,) * unknown
            fields[0] = replace(fields[0], options=(*fields[0].options, *extra))
        if na and fields:
            fields.append(_note(code, fields[0].code, partial=False, na=True))
    stop = table.rest.pop("stop", None)
    item = Item(
        code=code,
        section=table.text("section"),
        question=table.text("question"),
        why=table.text("why", ""),
        how=table.text("how", ""),
        fields=tuple(fields),
        evidence=_evidence(table.rest.pop("evidence", {"need": "none"}), code),
        clauses=table.texts("clauses"),
        topics=table.texts("topics"),
        cause=cause,
        advice=table.text("advice", ""),
        deadline=table.text("deadline", ""),
        when=table.condition("when", code),
        na=na,
        unknown=unknown,
        derived=table.flag("derived"),
        short=table.flag("short"),
        inherited=table.flag("inherited"),
        urgent=urgent,
        observed_first=table.flag("observed_first"),
        rules=(
            *rules,
            *(_rule(one, code, n, cause, urgent) for n, one in enumerate(table.tables("rule"), 1)),
        ),
        seen=tuple(_seen(one, code, n) for n, one in enumerate(table.tables("seen"), 1)),
        stop=None if stop is None else _stop(stop, code),
        observations=table.mapping("observations"),
    )
    table.done()
    return item


def _form_fields(form: str, code: str, *, na: bool, unknown: bool) -> list[Field]:
    """``form = "yn4"``: the field ``answer`` (是/部分/否, and 不适用/暂不掌握 where the item
    allows them) and the field ``note``; ``form = "yn"``: the same without 部分."""
    if form not in ("yn4", "yn"):
        raise SchemaError(code, f"unknown form '{form}'")
    options = [YES, PARTIAL, NO] if form == "yn4" else [YES, NO]
    options += [NA] * na + [DONT_KNOW] * unknown
    answer = Field(
        code="answer", label="是否做到", type="yn4", options=tuple(options), required=True
    )
    if form == "yn4" or na:
        return [answer, _note(code, "answer", partial=form == "yn4", na=na)]
    return [answer]


def _note(code: str, main: str, *, partial: bool, na: bool) -> Field:
    asked = [PARTIAL.code] * partial + [NOT_APPLICABLE] * na
    condition = {"field": main, "in": asked}
    return Field(
        code="note",
        label=NOTE_LABELS[(partial, na)],
        type="textarea",
        when=parse(condition, f"{code}.note", code),
    )


def _short_rules(table: Table, code: str, cause: str, urgent: bool) -> list[Rule]:
    """``no = { severity = …, message = … }`` and ``partial = { … }`` on the item itself."""
    rules = []
    for answer, state in (("no", "nonconforming"), ("partial", "partial")):
        if answer in table.rest:
            entry = Table(table.rest.pop(answer), f"{code}.{answer}")
            level2, level3 = _severity(entry)
            rules.append(
                Rule(
                    when=parse({"field": "answer", "is": answer}, entry.where, code),
                    state=state,
                    level2=level2,
                    level3=level3,
                    cause=cause,
                    message=entry.text("message"),
                    urgent=urgent,
                )
            )
            entry.done()
    return rules


def _severity(table: Table) -> tuple[str, str]:
    """``severity = "high"`` for all levels or ``{ l2 = "medium", l3 = "high" }``."""
    value = table.rest.pop("severity", None)
    if isinstance(value, str):
        return value, value
    pair = Table(value, f"{table.where}.severity")
    result = pair.text("l2"), pair.text("l3")
    pair.done()
    return result


def _rule(data: object, code: str, number: int, cause: str, urgent: bool) -> Rule:
    table = Table(data, f"{code} rule {number}")
    when = table.condition("when", code)
    if when is None:
        raise SchemaError(table.where, "'when' is missing")
    state = table.text("state", "nonconforming")
    level2, level3 = ("", "") if state == "record_only" else _severity(table)
    rule = Rule(
        when=when,
        state=state,
        level2=level2,
        level3=level3,
        cause="" if state == "record_only" else table.text("cause", cause),
        message=table.text("message"),
        urgent=table.flag("urgent", urgent and state != "record_only"),
    )
    table.done()
    return rule


def _field(data: object, item: str, number: int) -> Field:
    table = Table(data, f"{item} field {number}")
    code = table.text("code")
    table.where = f"{item}.{code}"
    required_when = table.condition("required_when", item)
    type_ = table.text("type")
    options = tuple(_option(one, f"{item}.{code}", item) for one in table.tables("options"))
    field = Field(
        code=code,
        label=table.text("label"),
        type=type_,
        required=table.flag("required", required_when is None),
        required_when=required_when,
        when=table.condition("when", item),
        options=options if type_ in CHOICE_TYPES else (),
        options_from=table.text("options_from", ""),
        source=table.text("source", ""),
        unit=table.text("unit", ""),
        minimum=table.decimal("min"),
        maximum=table.decimal("max"),
        part_of=table.text("part_of", ""),
        integer=table.flag("integer", type_ == "number"),
        past=table.flag("past"),
        plan=table.flag("plan"),
        earliest=table.day("earliest"),
        latest=table.day("latest"),
        help=table.text("help", ""),
    )
    if options and not field.options:
        raise SchemaError(table.where, f"a field of type '{type_}' has no options")
    table.done()
    return field


def _option(data: object, where: str, item: str) -> Option:
    table = Table(data, f"{where} option")
    option = Option(
        code=table.text("code"),
        label=table.text("label"),
        when=table.condition("when", item),
        exclusive=table.flag("exclusive"),
    )
    table.done()
    return option


def _evidence(data: object, code: str) -> Evidence:
    table = Table(data, f"{code}.evidence")
    evidence = Evidence(
        need=table.text("need"),
        ask=table.text("ask", ""),
        on_site=table.flag("on_site"),
        when=table.condition("when", code),
    )
    table.done()
    return evidence


def _seen(data: object, code: str, number: int) -> Seen:
    table = Table(data, f"{code} seen {number}")
    seen = Seen(
        rule=table.text("rule"),
        result=table.text("result"),
        field=table.text("field", "answer"),
        weight=table.text("weight"),
        text=table.text("text"),
        kinds=table.texts("kinds"),
        contradicts=table.texts("contradicts"),
        confirms=table.texts("confirms"),
    )
    table.done()
    return seen


def _stop(data: object, code: str) -> Stop:
    table = Table(data, f"{code}.stop")
    when = table.condition("when", code)
    if when is None:
        raise SchemaError(table.where, "'when' is missing")
    stop = Stop(when=when, message=table.text("message"))
    table.done()
    return stop
