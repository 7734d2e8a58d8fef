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

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Protocol

from assessments.rules.facts import Facts

#: Answers that say nothing of the matter itself (docs/questionnaire.md, revision 2).
UNKNOWN = "unknown"
NOT_APPLICABLE = "na"
RESERVED = frozenset({UNKNOWN, NOT_APPLICABLE})

Ref = tuple[str, str]


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
    not known (docs/questionnaire.md, revision 10).
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
