"""Values of observations: when their transcripts are gone, and nobody can ask for them any more.

A value says what was seen: a record, a banner, a certificate. Without its transcript it is the only
account of a look, so it is kept longer; the newest look at a domain keeps it in any case, for it
says how the system stands. Verdicts, with the words and the places that findings rest on, stay.
"""

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from inventory.models import MailSystem
from reports.retention import transcripts
from reports.retention.kind import Kind, Told
from scans.models import Observation, ScanRun, Wave


def _of_findings(units: Any, until: dt.date) -> QuerySet[Any]:
    return _over(units, until).filter(pk__in=transcripts.of_findings(units))


def _of_none(units: Any, until: dt.date) -> QuerySet[Any]:
    return _over(units, until).exclude(pk__in=transcripts.of_findings(units))


def _over(units: Any, until: dt.date) -> QuerySet[Any]:
    observations = Observation.objects.filter(wave=OuterRef("pk"))
    systems = MailSystem.objects.filter(unit__in=units)
    newest = ScanRun.objects.filter(domain__system__in=systems).latest_done()
    return (
        transcripts.over(units, until)
        .filter(
            Exists(observations.exclude(value={})), ~Exists(observations.exclude(transcript=[]))
        )
        .exclude(pk__in=newest.values("wave"))
    )


def _told(wave: Any) -> Told:
    kept = wave.observations.exclude(value={}).order_by("pk")
    return transcripts.told(wave, "观测结果", kept.values_list("pk", "value"))


def _empty(keys: Collection[int]) -> None:
    Observation.objects.filter(wave__in=keys).update(value={})


OF_FINDINGS = Kind(
    "value",
    Wave,
    _of_findings,
    transcripts.shown_of_findings,
    _told,
    _empty,
    mark="values_destroyed",
)
OF_NONE = Kind(
    "value_alone", Wave, _of_none, transcripts.shown, _told, _empty, mark="values_destroyed"
)
