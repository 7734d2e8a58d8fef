"""Dates as offices count them."""

import datetime as dt
import zoneinfo

from django.utils import timezone

OFFICE_ZONE = zoneinfo.ZoneInfo("Asia/Shanghai")


def today() -> dt.date:
    """Return the current date in the office's time zone (deadlines end with that day)."""
    return timezone.now().astimezone(OFFICE_ZONE).date()
