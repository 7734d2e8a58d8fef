"""The rules as data: version, cause, severity, clauses, needs and every Chinese text."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "rules.toml"
_SEVERITIES = ("high", "medium", "low")


class CatalogError(ValueError):
    """rules.toml is not what it must be."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Args:
        id: fixed rule id, for example `spf.policy`.
        version: raised whenever the same observations may get another verdict.
        cause: slug of the root cause; one unclosed finding per cause.
        title: one plain Chinese sentence of what is wrong.
        why: one Chinese sentence of why it matters.
        repair: Chinese, with records and settings to copy; may hold {domain}.
        severity: high, medium or low.
        clauses: slugs of standards/legal_bases.toml.
        needs: observation names that the rule reads.
        subject: short Chinese name of what is judged, for lists.
        says: kind → Chinese sentence with {host}, {port}, {line} and other parameters.
    """

    id: str
    version: int
    cause: str
    title: str
    why: str
    repair: str
    severity: str
    clauses: tuple[str, ...]
    needs: tuple[str, ...]
    subject: str
    says: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Catalog:
    """All rules, thresholds, and the sentences for what could not be observed."""

    rules: Mapping[str, Rule]
    thresholds: Mapping[str, int]
    unknown: Mapping[str, str]
    because: Mapping[str, str]
    reasons: Mapping[str, str]


@lru_cache(maxsize=1)
def load() -> Catalog:
    """Read and check rules.toml.

    Raises:
        CatalogError: a missing or unknown key, or a value of another type.
    """
    data = tomllib.loads(FILE.read_text(encoding="utf-8"))
    rules = {name: _rule(name, table) for name, table in data["rule"].items()}
    for name, value in data["thresholds"].items():
        if type(value) is not int:
            raise CatalogError(f"thresholds.{name}: a whole number is needed")
    because, reasons = data["because"], data["reason"]
    return Catalog(rules, data["thresholds"], data["unknown"], because, reasons)


def _rule(name: str, table: Mapping[str, Any]) -> Rule:
    wanted = set(Rule.__dataclass_fields__) - {"id"}
    if set(table) != wanted:
        raise CatalogError(f"{name}: keys differ: {sorted(set(table) ^ wanted)}")
    if table["severity"] not in _SEVERITIES:
        raise CatalogError(f"{name}: severity {table['severity']}")
    if type(table["version"]) is not int:
        raise CatalogError(f"{name}: version must be a whole number")
    for key in ("cause", "title", "why", "repair", "subject"):
        if not isinstance(table[key], str) or not table[key].strip():
            raise CatalogError(f"{name}.{key}: a text is needed")
    return Rule(
        id=name,
        version=table["version"],
        cause=table["cause"],
        title=table["title"],
        why=table["why"],
        repair=table["repair"].strip(),
        severity=table["severity"],
        clauses=tuple(table["clauses"]),
        needs=tuple(table["needs"]),
        subject=table["subject"],
        says=dict(table["says"]),
    )
