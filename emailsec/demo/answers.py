"""Answers that an honest, well-run unit would give, found by asking the evaluator itself.

Used for the demonstration and by the tests, so that neither repeats the questionnaire.
"""

from collections.abc import Mapping
from datetime import timedelta

from assessments.rules import evaluate as rules
from assessments.rules.schema import Field
from assessments.sheets import LoadedSheet

Ref = tuple[str, str]


def _guesses(field: Field, sheet: LoadedSheet) -> list[str]:
    """Values worth trying for a field, the likely best first."""
    if field.type in {"single", "yn4", "multi"}:
        return [
            o.code
            for o in field.options
            if o.code not in {"unknown", "na"} and (o.when is None or o.when.holds(sheet.judged))
        ]
    if field.type == "number":
        low = int(field.minimum or 0)
        return [
            str(v)
            for v in (low, 12, 100, 365, 1, 0)
            if v >= low and (field.maximum is None or v <= field.maximum)
        ]
    if field.type == "date":
        return [(sheet.judged.facts.on + timedelta(days=30 if field.plan else -3)).isoformat()]
    return ["已落实，有记录可查。"]


def _field(sheet: LoadedSheet, item: str, code: str) -> Field:
    return sheet.definition.item(item).field(code)


def _score(outcome: rules.Outcome) -> int:
    return {"high": 30, "medium": 20, "low": 10}.get(outcome.severity, 0) + 5 * bool(outcome.faults)


def honest_answers(
    sheet: LoadedSheet,
    wanted: Mapping[Ref, str] | None = None,
    likely: Mapping[Ref, str] | None = None,
) -> dict[Ref, str]:
    """Values for every field that the sheet still misses, conforming wherever possible.

    Args:
        wanted: values to take as they are, e.g. {("M-1002", "days"): "90"}.
        likely: values to give where the field is asked for and `wanted` says nothing.
    """
    given: dict[Ref, str] = {}
    judged = sheet.judged
    base = {ref: a.value for ref, a in sheet.answers.items()} | {
        (i, f): judged.value(i, f)
        for i, f, _ in sheet.definition.sources()
        if sheet.definition.scope_of[i] == sheet.row.scope_name
    }
    base |= wanted or {}
    given |= {
        r: v
        for r, v in (wanted or {}).items()
        if sheet.definition.scope_of.get(r[0]) == sheet.row.scope_name
    }

    def guesses(ref: Ref, field: Field) -> list[str]:
        return [likely[ref]] if likely and ref in likely else _guesses(field, sheet)

    def view(values: Mapping[Ref, str]) -> rules.Sheet:
        return rules.Sheet(
            sheet.definition, sheet.row.scope_name, values, judged.facts, judged.evidenced
        )

    for _ in range(6):
        outcomes = rules.evaluate(view(base))
        gaps = [
            (i, f)
            for i, f in rules.missing(outcomes)
            if f != "evidence" and (i, f) not in given and not _field(sheet, i, f).source
        ]
        if not gaps:
            break
        for item_code, field_code in gaps:
            item = sheet.definition.item(item_code)
            best = min(
                guesses((item_code, field_code), item.field(field_code)),
                key=lambda v: _score(view(base | {(item_code, field_code): v}).outcome(item)),
            )
            base[item_code, field_code] = given[item_code, field_code] = best
    # Fields judged together (trained of users) need a second look once all of them are there.
    for ref in [r for r in given if r not in (wanted or {})]:
        item = sheet.definition.item(ref[0])
        if _score(view(base).outcome(item)):
            best = min(
                [base[ref], *guesses(ref, item.field(ref[1]))],
                key=lambda v: _score(view(base | {ref: v}).outcome(item)),
            )
            base[ref] = given[ref] = best
    return given
