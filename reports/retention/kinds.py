"""What is due for destruction: the periods of retention.toml, and when a case has ended."""

import datetime as dt
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.db.models import Exists, OuterRef, QuerySet

from emailsec.lib.workdays import today
from inventory.models import Office, Supervision
from reports.models import DestroyedFile, Destruction
from reports.retention import files, transcripts, values
from reports.retention.kind import Kind

PATH: Final = Path(__file__).with_name("retention.toml")

KINDS: Final[Mapping[str, Kind]] = {
    kind.slug: kind
    for kind in (
        files.EVIDENCE,
        files.REPLY_EVIDENCE,
        transcripts.OF_FINDINGS,
        transcripts.OF_NONE,
        values.OF_FINDINGS,
        values.OF_NONE,
    )
}


@dataclass(frozen=True)
class Rule:
    """How long a kind is kept: `days`, at least 1, after `since` (Chinese)."""

    label: str
    since: str
    days: int


@cache
def rules() -> Mapping[str, Rule]:
    """Return the periods by kind.

    Raises:
        ValueError: a kind that is unknown, or a label, beginning or number of days that is missing.
    """
    found = {}
    for slug, told in tomllib.loads(PATH.read_text(encoding="utf-8")).items():
        if slug not in KINDS or set(told) != {"label", "since", "days"}:
            raise ValueError(f"{PATH.name}: {slug} is no kind, or not label, since and days")
        if type(told["days"]) is not int or told["days"] < 1:
            raise ValueError(f"{PATH.name}: {slug} needs a whole number of days")
        if not told["label"] or not told["since"]:
            raise ValueError(f"{PATH.name}: {slug} needs a label and the day that it runs from")
        found[slug] = Rule(**told)
    return found


@dataclass(frozen=True)
class Due:
    """One row whose period is over; `ended_on` is the day from which it ran."""

    kind: Kind
    row: Any
    ended_on: dt.date


def due(
    office: Office, *, most: int, on: dt.date | None = None, within: Destruction | None = None
) -> Iterator[Due]:
    """Return what an office may destroy: of the units that it supervises itself, what is past its
    period and stands in no list that waits.

    Args:
        most: at most so many.
        on: the day looked from; today by default.
        within: a list of the office itself; only what it names.
    """
    left = most
    for slug in rules():
        kind = KINDS[slug]
        rows = list(kind.shown(_due(office, kind, on, within)).order_by("pk")[:left])
        left -= len(rows)
        for row in rows:
            yield Due(kind, row, row.ended_on)


def count_due(office: Office) -> Counter[str]:
    """Return how much `due` would give without a limit, by kind."""
    return Counter({slug: _due(office, KINDS[slug]).count() for slug in rules()})


def _due(
    office: Office, kind: Kind, on: dt.date | None = None, within: Destruction | None = None
) -> QuerySet[Any]:
    units = Supervision.objects.filter(office=office, kind=office.kind).values("unit")
    until = (on or today()) - dt.timedelta(days=rules()[kind.slug].days)
    rows = kind.ended(units, until).filter(**{f"{kind.mark}_at": None})
    if within is not None:
        named = within.files.filter(kind=kind.slug).values("object_id")
        return rows.filter(pk__in=named)
    alike = [k.slug for k in KINDS.values() if (k.model, k.mark) == (kind.model, kind.mark)]
    taken = DestroyedFile.objects.filter(
        kind__in=alike,
        object_id=OuterRef("pk"),
        released=False,
    )
    return rows.filter(~Exists(taken))
