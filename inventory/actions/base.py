"""What the acts share: the refusal, and the telling of what changed."""

from collections.abc import Mapping
from typing import Any

from django.db import models

from inventory.models import Office


class Refused(Exception):
    """A rule of this room forbids the act; `str(error)` is Chinese and meant for the person."""


def require_in_use(*offices: Office) -> None:
    """Refuse what would hang something on a retired office. Call inside a transaction: the offices
    are held to its end, so that none is retired meanwhile.

    Raises:
        Refused: one of `offices` is retired.
    """
    keys = [office.pk for office in offices]
    rows = Office.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk")
    if gone := next((office for office in rows if office.retired_on), None):
        raise Refused(f"{gone}已停用，请选择其他机关。")


def changes_of(row: models.Model, stored: models.Model | None = None) -> dict[str, Any]:
    """Label → [old, new] of the columns in which `row` differs from `stored` (the database)."""
    stored = stored or type(row)._base_manager.get(pk=row.pk)
    fields = row._meta.concrete_fields
    old = {f.name: getattr(stored, f.name) for f in fields if _differ(f, row, stored)}
    return told(row, old)


def told(row: models.Model, old: Mapping[str, Any]) -> dict[str, Any]:
    """Label → [old, new] in the words of the screen, because the trail outlives the tables.

    Args:
        row: as it is now.
        old: field name → former value.
    """
    changes = {}
    for name, value in old.items():
        field: Any = row._meta.get_field(name)
        changes[str(field.verbose_name)] = [_plain(field, value), _plain(field, getattr(row, name))]
    return changes


def _differ(field: Any, row: models.Model, stored: models.Model) -> bool:
    return bool(getattr(row, field.attname) != getattr(stored, field.attname))


def _plain(field: Any, value: Any) -> Any:
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if value is None or isinstance(value, bool | int | str):
        return value
    # A division is only told apart by its full name: there are many 市中区.
    return str(getattr(value, "full_name", value))
