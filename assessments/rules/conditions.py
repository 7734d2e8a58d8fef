"""Conditions of the questionnaire file turned into predicates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from assessments.rules.facts import FACT_NAMES, fact_type
from assessments.rules.predicates import (
    Age,
    Answered,
    Combined,
    Compare,
    DiffersFrom,
    FactCompare,
    FactIn,
    FactKnown,
    Has,
    In,
    Limit,
    Negated,
    Predicate,
    Ratio,
    Ref,
    SchemaError,
)

COMPARISONS = ("below", "at_most", "above", "at_least")


def parse(table: object, where: str, item: str) -> Predicate:
    """Predicate of a TOML table.

    Args:
        table: the table as ``tomllib`` gives it.
        where: place in the file for error messages, e.g. ``M-402 rule 2``.
        item: code of the item the table belongs to; a bare field name means its own field.

    Raises:
        SchemaError: the table has none, or more than one, of the known shapes.
    """
    if not isinstance(table, Mapping):
        raise SchemaError(where, "a condition must be a table")
    heads = [key for key in ("field", "fact", "ratio", "age", "all", "any", "not") if key in table]
    if len(heads) != 1:
        raise SchemaError(
            where, "a condition needs exactly one of field, fact, ratio, age, all, any, not"
        )
    head = heads[0]
    rest = {key: value for key, value in table.items() if key != head}
    if head in ("all", "any"):
        parts = table[head]
        if rest or not isinstance(parts, list) or not parts:
            raise SchemaError(where, f"'{head}' needs a non-empty list and nothing beside it")
        return Combined(tuple(parse(part, where, item) for part in parts), every=head == "all")
    if head == "not":
        if rest:
            raise SchemaError(where, "'not' allows nothing beside it")
        return Negated(parse(table["not"], where, item))
    if head == "fact":
        return _parse_fact(table["fact"], rest, where)
    if head == "ratio":
        pair = table["ratio"]
        if not isinstance(pair, list) or len(pair) != 2:
            raise SchemaError(where, "'ratio' needs two field names")
        comparison, limit = _comparison(rest, where)
        top, bottom = (_ref(name, item, where) for name in pair)
        return Ratio(top, bottom, comparison, limit)
    if head == "age":
        from_operation = _flag(rest, "from_operation", where)
        comparison, limit = _comparison(rest, where)
        return Age(_ref(table["age"], item, where), comparison, limit, from_operation)
    return _parse_field(_ref(table["field"], item, where), rest, where)


def _parse_field(ref: Ref, rest: dict[str, Any], where: str) -> Predicate:
    if set(rest) == {"is"}:
        return In(ref, (_text(rest["is"], where),))
    if set(rest) == {"in"}:
        return In(ref, tuple(_text(code, where) for code in _list(rest["in"], where)))
    if set(rest) == {"has"}:
        return Has(ref, _text(rest["has"], where))
    if set(rest) == {"answered"}:
        return Answered(ref, _flag(rest, "answered", where))
    if set(rest) == {"differs_from"}:
        fact = _fact(rest["differs_from"], where)
        if fact_type(fact) != "number":
            raise SchemaError(where, f"fact '{fact}' is not a number")
        return DiffersFrom(ref, fact)
    within = _flag(rest, "within_operation", where)
    comparison, limit = _comparison(rest, where)
    return Compare(ref, comparison, limit, within)


def _parse_fact(name: object, rest: dict[str, Any], where: str) -> Predicate:
    fact = _fact(name, where)
    kind = fact_type(fact)
    if set(rest) == {"known"}:
        return FactKnown(fact, _flag(rest, "known", where))
    if set(rest) in ({"is"}, {"in"}):
        values = _list(rest["in"], where) if "in" in rest else [rest["is"]]
        wanted = {"flag": bool, "text": str, "number": int}.get(kind)
        if wanted is None or not all(type(value) is wanted for value in values):
            raise SchemaError(where, f"fact '{fact}' is a {kind}; the values do not fit")
        return FactIn(fact, tuple(values))
    if kind != "number":
        raise SchemaError(where, f"fact '{fact}' is a {kind} and cannot be compared")
    comparison, limit = _comparison(rest, where)
    return FactCompare(fact, comparison, limit)


def _comparison(rest: dict[str, Any], where: str) -> tuple[str, Limit]:
    if len(rest) != 1 or next(iter(rest)) not in COMPARISONS:
        keys = ", ".join(sorted(rest)) or "nothing"
        raise SchemaError(where, f"expected one of {', '.join(COMPARISONS)}; found {keys}")
    comparison, value = next(iter(rest.items()))
    if isinstance(value, str):
        return comparison, value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SchemaError(where, f"'{comparison}' needs a number or the name of a threshold")
    return comparison, Decimal(str(value))


def _flag(rest: dict[str, Any], key: str, where: str) -> bool:
    value = rest.pop(key, False)
    if not isinstance(value, bool):
        raise SchemaError(where, f"'{key}' must be true or false")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise SchemaError(where, f"expected a text, found {value!r}")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise SchemaError(where, "'in' needs a non-empty list")
    return value


def _fact(name: object, where: str) -> str:
    if name not in FACT_NAMES:
        raise SchemaError(where, f"unknown fact {name!r}")
    return str(name)


def _ref(name: object, item: str, where: str) -> Ref:
    text = _text(name, where)
    code, dot, field = text.partition(".")
    return (code, field) if dot else (item, text)
