"""What is due for destruction: the periods of retention.toml, and when a case has ended."""

import datetime as dt
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from assessments.models import Evidence, SelfCheck
from emailsec.lib.workdays import today
from inventory.models import Office, Supervision
from rectification.models import Finding, FindingSource, Notice, ReplyEvidence
from reports.models import DestroyedFile, Destruction

PATH: Final = Path(__file__).with_name("retention.toml")
# 移送: the case goes on elsewhere.
_OVER: Final = (Finding.Status.CLOSED, Finding.Status.FALSE_ALARM)


@dataclass(frozen=True)
class Kind:
    """One kind of file.

    Attributes:
        slug: its name in retention.toml and in the record.
        model: the rows, with `file`, `name`, `sha256` and `unit`.
        ended: of the units of an office, the rows whose case had ended by a day, with `ended_on`
            and `concluded_on` (either may be empty), the later of which counts.
    """

    slug: str
    model: Any
    ended: Callable[[Any, dt.date], QuerySet[Any]]


def _evidence(units: Any, until: dt.date) -> QuerySet[Any]:
    sources = FindingSource.objects.filter(sheet__selfcheck=OuterRef("sheet__selfcheck"))
    going_on = ~Q(finding__status__in=_OVER) | Q(finding__closed_on__gt=until)
    last = sources.filter(finding__closed_on__isnull=False).order_by("-finding__closed_on")
    return (
        Evidence.objects.filter(
            ~Exists(sources.filter(going_on)),
            sheet__selfcheck__unit__in=units,
            sheet__selfcheck__status=SelfCheck.Status.ACCEPTED,
            sheet__selfcheck__concluded_on__lte=until,
        )
        .annotate(ended_on=Subquery(last.values("finding__closed_on")[:1]))
        .select_related("sheet__selfcheck__unit")
    )


def _reply_evidence(units: Any, until: dt.date) -> QuerySet[Any]:
    return (
        ReplyEvidence.objects.filter(
            reply__finding__unit__in=units,
            reply__finding__status=Finding.Status.CLOSED,
            reply__finding__closed_on__lte=until,
            reply__notice__status__in=(Notice.Status.FINISHED, Notice.Status.VOID),
        )
        .annotate(ended_on=Subquery(_closed_on()))
        .select_related("reply__finding__unit")
    )


def _closed_on() -> Any:
    return Finding.objects.filter(pk=OuterRef("reply__finding")).values("closed_on")[:1]


KINDS: Final[Mapping[str, Kind]] = {
    kind.slug: kind
    for kind in (
        Kind("evidence", Evidence, _evidence),
        Kind("reply_evidence", ReplyEvidence, _reply_evidence),
    )
}


@dataclass(frozen=True)
class Rule:
    """How long a kind is kept: `days`, at least 1, after the end of its case."""

    label: str
    days: int


@cache
def rules() -> Mapping[str, Rule]:
    """Return the periods by kind.

    Raises:
        ValueError: a kind that is unknown, or a label or number of days that is missing.
    """
    found = {}
    for slug, told in tomllib.loads(PATH.read_text(encoding="utf-8")).items():
        if slug not in KINDS or set(told) != {"label", "days"}:
            raise ValueError(f"{PATH.name}: {slug} is no kind, or has more than label and days")
        if type(told["days"]) is not int or told["days"] < 1 or not told["label"]:
            raise ValueError(f"{PATH.name}: {slug} needs a label and a whole number of days")
        found[slug] = Rule(**told)
    return found


@dataclass(frozen=True)
class Due:
    """One file whose period is over; `ended_on` is the day from which it ran."""

    kind: Kind
    row: Any
    ended_on: dt.date


def due(
    office: Office, *, on: dt.date | None = None, within: Destruction | None = None
) -> Iterator[Due]:
    """Return what an office may destroy: files of the units that it supervises itself, whose period
    is over and which stand in no list that waits.

    Args:
        on: the day looked from; today by default.
        within: a list of the office itself, whose files count as well.
    """
    units = Supervision.objects.filter(office=office, kind=office.kind).values("unit")
    for slug, rule in rules().items():
        kind = KINDS[slug]
        until = (on or today()) - dt.timedelta(days=rule.days)
        taken = DestroyedFile.objects.filter(kind=slug, object_id=OuterRef("pk"), released=False)
        taken = taken.exclude(destruction=within) if within else taken
        rows = kind.ended(units, until).filter(~Exists(taken), destroyed_at=None).exclude(file="")
        for row in rows.order_by("pk"):
            yield Due(kind, row, _ended_on(row))


def _ended_on(row: Any) -> dt.date:
    concluded = row.sheet.selfcheck.concluded_on if isinstance(row, Evidence) else None
    days = [day for day in (row.ended_on, concluded) if day is not None]
    return max(days)
