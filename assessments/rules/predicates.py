"""Typed conditions of the questionnaire: parsed once from TOML tables, no eval.

A predicate is a small frozen object. ``holds(view)`` answers yes or no, ``refs()`` names the
answer fields it reads. A condition over an answer that is missing, 暂不掌握 or 不适用 does not
hold: silence proves nothing. The shapes that TOML may use::

    { field = "answer", is = "no" }            { field = "M-405.answer", in = ["none"] }
    { field = "networks", has = "internet" }   { field = "head", answered = true }
    { field = "length", below = 8 }            { field = "days", below = "log_days",
                                                 within_operation = true }
    { ratio = ["trained", "users"], below = "training_low" }
    { age = "date", above = "scan_days" }      { age = "date", above = 365, from_operation = true }
    { field = "count", differs_from = "registered_systems" }
    { fact = "level", at_least = 3 }           { fact = "build_mode", in = ["purchased"] }
    { all = [ … ] }   { any = [ … ] }   { not = { … } }
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from assessments.rules.facts import FACT_NAMES, Facts, fact_type

#: Answers that say nothing of the matter itself; see questionnaire.md 附四.2 and the yn4 type.
UNKNOWN = "unknown"
NOT_APPLICABLE = "na"
RESERVED = frozenset({UNKNOWN, NOT_APPLICABLE})

Ref = tuple[str, str]
COMPARISONS = ("below", "at_most", "above", "at_least")


class SchemaError(ValueError):
    """The questionnaire file is wrong. Says where and why."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where = where
        self.why = why


class View(Protocol):
    """What a predicate may look at."""

    @property
    def facts(self) -> Facts:
        """Facts of the sheet."""

    def value(self, item: str, field: str) -> str:
        """Answer of a field as a plain string; ``""`` if missing or not asked."""

    def limit(self, limit: Limit) -> Decimal:
        """A literal limit, or the named threshold."""


Limit = Decimal | str


def number(text: str) -> Decimal | None:
    """Decimal of an answer, or ``None`` if it is not a finite number."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def day(text: str) -> date | None:
    """Date of an answer in ISO form, or ``None``."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


class Predicate:
    """Base of all predicates."""

    __slots__ = ()

    def holds(self, view: View) -> bool:
        """Whether the condition holds for the sheet seen through ``view``."""
        raise NotImplementedError

    def refs(self) -> frozenset[Ref]:
        """(item, field) pairs that the condition reads."""
        return frozenset()

    def limits(self) -> frozenset[str]:
        """Names of the thresholds that the condition uses."""
        return frozenset()

    def choices(self) -> tuple[tuple[Ref, str], ...]:
        """(field, option code) pairs, so that the loader can refuse an unknown option."""
        return ()


@dataclass(frozen=True, slots=True)
class In(Predicate):
    """The answer is one of the codes."""

    ref: Ref
    codes: tuple[str, ...]

    def holds(self, view: View) -> bool:
        return view.value(*self.ref) in self.codes

    def refs(self) -> frozenset[Ref]:
        return frozenset({self.ref})

    def choices(self) -> tuple[tuple[Ref, str], ...]:
        return tuple((self.ref, code) for code in self.codes)


@dataclass(frozen=True, slots=True)
class Has(Predicate):
    """A multiple choice contains the code."""

    ref: Ref
    code: str

    def holds(self, view: View) -> bool:
        return self.code in view.value(*self.ref).split(",")

    def refs(self) -> frozenset[Ref]:
        return frozenset({self.ref})

    def choices(self) -> tuple[tuple[Ref, str], ...]:
        return ((self.ref, self.code),)


@dataclass(frozen=True, slots=True)
class Answered(Predicate):
    """The field is answered (or, with ``wanted=False``, empty)."""

    ref: Ref
    wanted: bool

    def holds(self, view: View) -> bool:
        return bool(view.value(*self.ref)) is self.wanted

    def refs(self) -> frozenset[Ref]:
        return frozenset({self.ref})


@dataclass(frozen=True, slots=True)
class Compare(Predicate):
    """A number against a limit; ``within_operation`` caps the limit by the days in operation."""

    ref: Ref
    comparison: str
    against: Limit
    within_operation: bool = False

    def holds(self, view: View) -> bool:
        value = number(view.value(*self.ref))
        if value is None:
            return False
        limit = view.limit(self.against)
        if self.within_operation and view.facts.days_in_operation is not None:
            limit = min(limit, Decimal(view.facts.days_in_operation))
        return compare(value, self.comparison, limit)

    def refs(self) -> frozenset[Ref]:
        return frozenset({self.ref})

    def limits(self) -> frozenset[str]:
        return named(self.against)


@dataclass(frozen=True, slots=True)
class Ratio(Predicate):
    """Quotient of two numbers against a limit; a denominator of zero proves nothing."""

    top: Ref
    bottom: Ref
    comparison: str
    against: Limit

    def holds(self, view: View) -> bool:
        top, bottom = number(view.value(*self.top)), number(view.value(*self.bottom))
        if top is None or bottom is None or bottom <= 0:
            return False
        # Multiplied out: a division would round, and 89.99…% must not become 90 %.
        return compare(top, self.comparison, view.limit(self.against) * bottom)

    def refs(self) -> frozenset[Ref]:
        return frozenset({self.top, self.bottom})

    def limits(self) -> frozenset[str]:
        return named(self.against)


@dataclass(frozen=True, slots=True)
class Age(Predicate):
    """Days from a date to the day of judgement, against a limit.

    With ``from_operation`` the clock of a new system starts when it went into operation, and a
    date that was never given ("从未") counts from that day, or as infinitely old if that day is
    not known (questionnaire.md 附四.10).
    """

    ref: Ref
    comparison: str
    against: Limit
    from_operation: bool = False

    def holds(self, view: View) -> bool:
        text = view.value(*self.ref)
        if text in RESERVED:
            return False
        when = day(text)
        if when is None and not self.from_operation:
            return False
        age = Decimal((view.facts.on - when).days) if when else Decimal("Infinity")
        if self.from_operation and view.facts.days_in_operation is not None:
            age = min(age, Decimal(view.facts.days_in_operation))
        return compare(age, self.comparison, view.limit(self.against))

    def refs(self) -> frozenset[Ref]:
        return frozenset({self.ref})

    def limits(self) -> frozenset[str]:
        return named(self.against)


@dataclass(frozen=True, slots=True)
class DiffersFrom(Predicate):
    """A number differs from a fact that is a number."""

    ref: Ref
    fact: str

    def holds(self, view: View) -> bool:
        value, known = number(view.value(*self.ref)), getattr(view.facts, self.fact)
        return value is not None and known is not None and value != known

    def refs(self) -> frozenset[Ref]:
        return frozenset({self.ref})


@dataclass(frozen=True, slots=True)
class FactIn(Predicate):
    """A fact is one of the values; an unknown fact is none of them."""

    fact: str
    values: tuple[str | int | bool, ...]

    def holds(self, view: View) -> bool:
        known = getattr(view.facts, self.fact)
        return known is not None and known in self.values


@dataclass(frozen=True, slots=True)
class FactCompare(Predicate):
    """A fact that is a number, against a limit."""

    fact: str
    comparison: str
    against: Limit

    def holds(self, view: View) -> bool:
        known = getattr(view.facts, self.fact)
        if known is None:
            return False
        return compare(Decimal(known), self.comparison, view.limit(self.against))

    def limits(self) -> frozenset[str]:
        return named(self.against)


@dataclass(frozen=True, slots=True)
class FactKnown(Predicate):
    """A fact is known (or not known)."""

    fact: str
    wanted: bool

    def holds(self, view: View) -> bool:
        return (getattr(view.facts, self.fact) is not None) is self.wanted


@dataclass(frozen=True, slots=True)
class Combined(Predicate):
    """All of, or any of, several predicates."""

    parts: tuple[Predicate, ...]
    every: bool

    def holds(self, view: View) -> bool:
        results = (part.holds(view) for part in self.parts)
        return all(results) if self.every else any(results)

    def refs(self) -> frozenset[Ref]:
        return frozenset().union(*(part.refs() for part in self.parts))

    def limits(self) -> frozenset[str]:
        return frozenset().union(*(part.limits() for part in self.parts))

    def choices(self) -> tuple[tuple[Ref, str], ...]:
        return tuple(choice for part in self.parts for choice in part.choices())


@dataclass(frozen=True, slots=True)
class Negated(Predicate):
    """The opposite of a predicate."""

    part: Predicate

    def holds(self, view: View) -> bool:
        return not self.part.holds(view)

    def refs(self) -> frozenset[Ref]:
        return self.part.refs()

    def limits(self) -> frozenset[str]:
        return self.part.limits()

    def choices(self) -> tuple[tuple[Ref, str], ...]:
        return self.part.choices()


def compare(value: Decimal, comparison: str, limit: Decimal) -> bool:
    """``value`` below / at_most / above / at_least ``limit``."""
    if comparison == "below":
        return value < limit
    if comparison == "at_most":
        return value <= limit
    if comparison == "above":
        return value > limit
    return value >= limit


def named(limit: Limit) -> frozenset[str]:
    """The threshold name of a limit, if it is one."""
    return frozenset({limit}) if isinstance(limit, str) else frozenset()


# Parsing ------------------------------------------------------------------------------------


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
