"""Evidence: when its case has ended. The file leaves the disk, the row stays."""

import datetime as dt
from collections.abc import Callable, Collection
from typing import Any

from django.core.files.storage import default_storage
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Greatest

from assessments.models import Evidence, SelfCheck
from emailsec.lib.vault import Unreadable
from rectification.models import Finding, FindingSource, Notice, ReplyEvidence
from reports.retention.kind import Kind, Told

# 移送: the case goes on elsewhere.
OVER = (Finding.Status.CLOSED, Finding.Status.FALSE_ALARM)


def _evidence(units: Any, until: dt.date) -> QuerySet[Any]:
    going_on = ~Q(finding__status__in=OVER) | Q(finding__closed_on__gt=until)
    return Evidence.objects.filter(
        ~Exists(_sources().filter(going_on)),
        sheet__selfcheck__unit__in=units,
        sheet__selfcheck__status=SelfCheck.Status.ACCEPTED,
        sheet__selfcheck__concluded_on__lte=until,
    ).exclude(file="")


def _evidence_shown(rows: Any) -> Any:
    closed = _sources().filter(finding__closed_on__isnull=False).order_by("-finding__closed_on")
    concluded = F("sheet__selfcheck__concluded_on")
    last = Subquery(closed.values("finding__closed_on")[:1])
    # Greatest of anything and nothing is nothing on SQLite.
    ended_on = Greatest(concluded, Coalesce(last, concluded))
    return rows.annotate(ended_on=ended_on).select_related("sheet__selfcheck__unit")


def _sources() -> Any:
    return FindingSource.objects.filter(sheet__selfcheck=OuterRef("sheet__selfcheck"))


def _reply_evidence(units: Any, until: dt.date) -> QuerySet[Any]:
    return ReplyEvidence.objects.filter(
        reply__finding__unit__in=units,
        reply__finding__status=Finding.Status.CLOSED,
        reply__finding__closed_on__lte=until,
        reply__notice__status__in=(Notice.Status.FINISHED, Notice.Status.VOID),
    ).exclude(file="")


def _reply_evidence_shown(rows: Any) -> Any:
    ended_on = F("reply__finding__closed_on")
    return rows.annotate(ended_on=ended_on).select_related("reply__finding__unit")


def _told(row: Any) -> Told:
    return Told(row.name, row.sha256, _size(row.file.name), row.file.name)


def _size(path: str) -> int:
    """Bytes; nothing for a file that can no longer be read."""
    try:
        return int(default_storage.size(path))
    except (FileNotFoundError, Unreadable):
        return 0


def _emptier(model: Any) -> Callable[[Collection[int]], None]:
    def empty(keys: Collection[int]) -> None:
        model.objects.filter(pk__in=keys).update(file="")

    return empty


EVIDENCE = Kind("evidence", Evidence, _evidence, _evidence_shown, _told, _emptier(Evidence))
REPLY_EVIDENCE = Kind(
    "reply_evidence",
    ReplyEvidence,
    _reply_evidence,
    _reply_evidence_shown,
    _told,
    _emptier(ReplyEvidence),
)
