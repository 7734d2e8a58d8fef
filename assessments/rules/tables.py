"""A TOML table read key by key, so that nothing unknown or of the wrong type slips in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from assessments.rules.conditions import parse
from assessments.rules.predicates import Predicate, SchemaError


class Table:
    """A TOML table that notices keys nobody asked for."""

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, Mapping):
            raise SchemaError(where, "must be a table")
        self.rest: dict[str, Any] = dict(data)
        self.where = where

    def text(self, key: str, default: str | None = None) -> str:
        """A text; required without a default."""
        value = self._take(key, default)
        if not isinstance(value, str):
            raise SchemaError(self.where, f"'{key}' must be a text, found {value!r}")
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false."""
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise SchemaError(self.where, f"'{key}' must be true or false, found {value!r}")
        return value

    def whole(self, key: str, default: int | None = None) -> int:
        """A whole number, not negative."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise SchemaError(self.where, f"'{key}' must be a whole number, found {value!r}")
        return value

    def decimal(self, key: str) -> Decimal | None:
        """A number, or ``None`` if absent."""
        value = self.rest.pop(key, None)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SchemaError(self.where, f"'{key}' must be a number, found {value!r}")
        return Decimal(str(value))

    def day(self, key: str) -> date | None:
        """A date (TOML writes it without quotes), or ``None`` if absent."""
        value = self.rest.pop(key, None)
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            raise SchemaError(self.where, f"'{key}' must be a date, found {value!r}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, empty if absent."""
        value = self.rest.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise SchemaError(self.where, f"'{key}' must be a list of texts")
        if len(set(value)) != len(value):
            raise SchemaError(self.where, f"'{key}' names something twice")
        return tuple(value)

    def tables(self, key: str) -> list[Any]:
        """A list of tables, empty if absent."""
        value = self.rest.pop(key, [])
        if not isinstance(value, list):
            raise SchemaError(self.where, f"'{key}' must be a list of tables")
        return value

    def mapping(self, key: str) -> dict[str, str]:
        """A table of texts, empty if absent."""
        value = self.rest.pop(key, {})
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise SchemaError(self.where, f"'{key}' must be a table of texts")
        return value

    def condition(self, key: str, item: str) -> Predicate | None:
        """A predicate, or ``None`` if absent."""
        value = self.rest.pop(key, None)
        return None if value is None else parse(value, f"{self.where}.{key}", item)

    def done(self) -> None:
        """Refuse what is left over."""
        if self.rest:
            raise SchemaError(self.where, f"unknown keys: {', '.join(sorted(self.rest))}")

    def _take(self, key: str, default: Any) -> Any:
        if key in self.rest:
            return self.rest.pop(key)
        if default is None:
            raise SchemaError(self.where, f"'{key}' is missing")
        return default
