"""Transcripts of the scanner, look by look: when nothing rests on them any more.

A look (`Wave`) is destroyed whole: its runs share observations, and a person can judge a look but
not forty transcripts. What was seen (`Observation` with its value, see `values.py`) and what the
rules said of it stay.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Iterable
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Greatest, TruncDate

from assessments.models import Contradiction, SelfCheck
from emailsec.lib.words import cn_date
from inventory.models import MailSystem
from rectification.models import Finding, FindingSource, Recheck
from reports.retention.files import OVER
from reports.retention.kind import Kind, Told
from scans.models import Observation, ScanRun, Verdict, Wave

_LOOKED_ON: Final = TruncDate(Coalesce("finished_at", "due_at"))


def _of_findings(units: Any, until: dt.date) -> QuerySet[Any]:
    return over(units, until).filter(Exists(_kept()), pk__in=of_findings(units))


def _of_none(units: Any, until: dt.date) -> QuerySet[Any]:
    return over(units, until).filter(Exists(_kept())).exclude(pk__in=of_findings(units))


def _kept() -> Any:
    return Observation.objects.filter(wave=OuterRef("pk")).exclude(transcript=[])


def of_findings(units: Any) -> Any:
    """The looks on which findings rest, whatever became of these."""
    return _resting(Finding.objects.filter(unit__in=units))


def over(units: Any, until: dt.date) -> QuerySet[Any]:
    """Looks of that day or before on which nothing rests that goes on."""
    going_on = ~Q(status__in=OVER) | Q(closed_on__gt=until)
    findings = Finding.objects.filter(going_on, unit__in=units)
    return (
        Wave.objects.exclude(status=Wave.Status.OPEN)
        .alias(looked_on=_LOOKED_ON)
        .filter(system__unit__in=units, looked_on__lte=until)
        .exclude(pk__in=_resting(findings))
        .exclude(pk__in=_checked(units))
    )


def _resting(findings: Any) -> Any:
    """The looks on which findings rest: where it was seen, and where its repair was."""
    sources = FindingSource.objects.filter(finding__in=findings)
    verdicts = Verdict.objects.filter(
        Q(pk__in=sources.values("verdict")) | Q(pk__in=sources.values("contradiction__verdict"))
    )
    rechecks = Recheck.objects.filter(finding__in=findings)
    return pairs(Q(pk__in=verdicts.values("run__wave")) | Q(pk__in=rechecks.values("wave")))


def _checked(units: Any) -> Any:
    """The looks beside which a self-check under way stands, or a 疑点 that nobody has decided."""
    going_on = SelfCheck.objects.filter(unit__in=units).exclude(status=SelfCheck.Status.ACCEPTED)
    doubts = Contradiction.objects.filter(
        Q(status__in=Contradiction.UNDECIDED) | Q(sheet__selfcheck__in=going_on),
        sheet__selfcheck__unit__in=units,
    )
    systems = MailSystem.objects.filter(unit__in=going_on.values("unit"))
    newest = ScanRun.objects.filter(domain__system__in=systems).latest_done()
    return pairs(Q(pk__in=doubts.values("verdict__run__wave")) | Q(pk__in=newest.values("wave")))


def pairs(rule: Q) -> Any:
    """The looks of a rule with those that confirm them, and those that they confirm."""
    looks = Wave.objects.filter(rule).values("pk")
    return Wave.objects.filter(
        Q(pk__in=looks) | Q(confirms__in=looks) | Q(confirmation__in=looks)
    ).values("pk")


def shown(rows: Any) -> Any:
    return rows.annotate(ended_on=_LOOKED_ON).select_related("system__unit")


def shown_of_findings(rows: Any) -> Any:
    ours = Q()
    for way in ("sources__verdict__run__wave", "sources__contradiction__verdict__run__wave"):
        for pair in ("", "__confirms", "__confirmation"):
            ours |= Q(**{f"{way}{pair}": OuterRef("pk")})
    for pair in ("", "__confirms", "__confirmation"):
        ours |= Q(**{f"rechecks__wave{pair}": OuterRef("pk")})
    closed = Finding.objects.filter(ours, unit=OuterRef("system__unit"), closed_on__isnull=False)
    last = Subquery(closed.order_by("-closed_on").values("closed_on")[:1])
    # Greatest of anything and nothing is nothing on SQLite.
    ended_on = Greatest(_LOOKED_ON, Coalesce(last, _LOOKED_ON))
    return rows.annotate(ended_on=ended_on).select_related("system__unit")


def _told(wave: Any) -> Told:
    kept = wave.observations.exclude(transcript=[])
    return told(wave, "原始应答", kept.order_by("pk").values_list("pk", "transcript"))


def told(wave: Any, what: str, kept: Iterable[tuple[int, Any]]) -> Told:
    """What the record keeps of a look of which `kept` (key of an observation, content) goes."""
    digest, size, number = hashlib.sha256(), 0, 0
    for key, content in kept:
        line = json.dumps([key, content], ensure_ascii=False, separators=(",", ":")).encode()
        digest.update(line + b"\n")
        size, number = size + len(line) + 1, number + 1
    day = cn_date(wave.finished_at or wave.due_at)
    system = wave.system.name[:60]
    name = f"{system} {day}{wave.get_reason_display()}探测 #{wave.pk} 的{what} {number} 份"
    return Told(name, digest.hexdigest(), size)


def _empty(keys: Collection[int]) -> None:
    Observation.objects.filter(wave__in=keys).update(transcript=[])


OF_FINDINGS = Kind("transcript", Wave, _of_findings, shown_of_findings, _told, _empty)
OF_NONE = Kind("transcript_alone", Wave, _of_none, shown, _told, _empty)
