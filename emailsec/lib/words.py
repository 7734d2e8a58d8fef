"""How dates, deadlines and domain names are written in Chinese, on screen and on paper."""

import contextlib
import datetime as dt
from typing import Final, Literal

import idna
from django.utils import timezone

WEEKDAYS: Final = "一二三四五六日"
# A deadline that falls within a week is "soon".
SOON_DAYS: Final = 7

DueTone = Literal["over", "today", "soon", "far"]


def _local(value: dt.date | dt.datetime) -> dt.date | dt.datetime:
    if isinstance(value, dt.datetime) and timezone.is_aware(value):
        return timezone.localtime(value)
    return value


def cn_date(value: dt.date | dt.datetime | None) -> str:
    """2026年11月24日（周二）; aware datetimes in local time; None or "" gives —."""
    if not value:
        return "—"
    day = _local(value)
    return f"{day.year}年{day.month}月{day.day}日（周{WEEKDAYS[day.weekday()]}）"


def cn_datetime(value: dt.datetime | None) -> str:
    """2026年11月24日 14:32; aware datetimes in local time; None or "" gives —."""
    if not value:
        return "—"
    moment = _local(value)
    return f"{moment.year}年{moment.month}月{moment.day}日 {moment:%H:%M}"


def cn_time(value: dt.datetime | None) -> str:
    """14:32:05 in local time; None or "" gives —."""
    if not value:
        return "—"
    return f"{_local(value):%H:%M:%S}"


def due_words(deadline: dt.date | dt.datetime, today: dt.date | None = None) -> tuple[str, DueTone]:
    """How far a deadline is, in whole days; a deadline ends with its day.

    Args:
        deadline: the last day; of a datetime its local date counts.
        today: the day to count from; the local day when left out.

    Returns:
        (words, tone): 还剩 6 天 far or soon (within a week), 今天到期 today, 逾期 3 天 over.
    """
    day = _local(deadline)
    if isinstance(day, dt.datetime):
        day = day.date()
    left = (day - (today or timezone.localdate())).days
    if left < 0:
        return f"逾期 {-left} 天", "over"
    if left == 0:
        return "今天到期", "today"
    return f"还剩 {left} 天", "soon" if left <= SOON_DAYS else "far"


def storable(text: str) -> str:
    """Typed text as PostgreSQL can hold it: no NUL, one kind of line end."""
    return text.replace("\x00", "").replace("\r\n", "\n")


def percent(part: int, whole: int) -> int | None:
    """Whole percents of `whole`, rounded down: 100 only when nothing is missing; None of nothing.

    The one rule for shares on pages, in charts and in workbooks.
    """
    return 100 * part // whole if whole else None


def u_label(domain: str) -> str:
    """The readable form of a domain name, label by label (IDNA 2008, RFC 5890).

    A label that is no valid A-label stays as it stands, because a page must show what is recorded
    even where it is wrong.
    """
    labels = []
    for label in domain.split("."):
        if label.lower().startswith("xn--"):
            with contextlib.suppress(idna.IDNAError):
                label = idna.decode(label)
        labels.append(label)
    return ".".join(labels)
