"""The demonstration's past: what happened weeks ago is done under a clock set back."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import timezone

from emailsec.lib.workdays import OFFICE_ZONE

OPENS = dt.time(9, 10)  # when an office begins its day, in the office's time zone


@contextmanager
def days_ago(days: int) -> Iterator[None]:
    """Let everything within happen `days` days ago, from the morning of that day on.

    Papers, registers and the audit trail then carry the same dates, which rows moved back
    afterwards would not. Only `django.utils.timezone.now` is set back, which all rooms ask;
    probes take the time of the machine. A Saturday or Sunday becomes the Friday before.

    Args:
        days: whole days; 0 leaves the clock alone.
    """
    if days == 0:
        yield
        return
    real = timezone.now
    begun = real()
    day = begun.astimezone(OFFICE_ZONE).date() - dt.timedelta(days=days)
    day -= dt.timedelta(days=max(0, day.weekday() - 4))
    start = dt.datetime.combine(day, OPENS, OFFICE_ZONE).astimezone(dt.UTC)
    timezone.now = lambda: start + (real() - begun)
    try:
        yield
    finally:
        timezone.now = real
