"""Gapless numbers per series and year."""

from django.db import transaction

from inventory.models import Office
from rectification.models import Counter


def take(series: str, year: int) -> int:
    """Return the next number of a series; call inside the transaction that uses it, so that a
    rolled-back act leaves no gap."""
    assert transaction.get_connection().in_atomic_block
    Counter.objects.get_or_create(series=series, year=year)
    counter = Counter.objects.select_for_update().get(series=series, year=year)
    counter.last += 1
    counter.save(update_fields=["last"])
    return counter.last


def finding_number(year: int) -> str:
    """Return a new 问题编号, e.g. WT-2026-00017."""
    return f"WT-{year}-{take('finding', year):05d}"


def notice_number(office: Office, year: int) -> tuple[int, str]:
    """Return (sequence, printed number), e.g. (1, 甲公网安限字〔2026〕第1号)."""
    sequence = take(f"notice:{office.pk}", year)
    return sequence, f"{office.number_prefix}限字〔{year}〕第{sequence}号"
