"""Write what a look saw: observations, verdicts, and what two looks have confirmed.

Everything here may run twice over the same result: rows are inserted with ON CONFLICT DO NOTHING
and a run is finished by exactly one conditional UPDATE under its wave's lease.
"""

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from emailsec.lib.wake import wake
from scans.models import Observation, Result, RunObservation, ScanRun, Verdict
from scans.policy import scan_policy
from scans.probes import model as probed
from scans.probes.text import describe
from scans.queue import keep

INGEST = "assessments.tasks.ingest_finished_runs"

_Key = tuple[str, str, str, int]


def store(run: ScanRun, result: probed.DomainResult, token: str) -> int | None:
    """Write one domain's result and finish its run.

    Args:
        run: the running run.
        result: what the probes handed over.
        token: of the lease; a worker that lost it writes nothing.

    Returns:
        How many verdicts were confirmed for the first time; None if nothing was written.
    """
    with transaction.atomic():
        if not keep(run.wave_id, token):
            return None
        now = timezone.now()
        unseen = sum(v.result == probed.Result.UNKNOWN for v in result.verdicts)
        status = ScanRun.Status.PARTIAL if unseen else ScanRun.Status.DONE
        problem = f"{unseen} 项未能观测" if unseen else ""
        if note := run.problem:
            problem = f"{note}；{problem}" if problem else note
        won = ScanRun.objects.filter(pk=run.pk, status=ScanRun.Status.RUNNING).update(
            status=status, problem=problem[:300], finished_at=now
        )
        if not won:
            return None
        run.status, run.finished_at = status, now
        _observations(run, result)
        _verdicts(run, result)
        fresh = confirm(run)
        wake(INGEST)
    return fresh


def _key(observation: probed.Observation) -> _Key:
    where = observation.target
    return observation.name, where.host or "", where.address or "", where.port or 0


def _observations(run: ScanRun, result: probed.DomainResult) -> None:
    rows = [
        Observation(
            wave_id=run.wave_id,
            name=one.name,
            host=one.target.host or "",
            address=one.target.address or "",
            port=one.target.port or 0,
            outcome=str(one.outcome),
            value=dict(one.value),
            transcript=list(one.transcript),
            attempts=one.attempts,
            seen_at=parse_datetime(one.at) or timezone.now(),
        )
        for one in result.observations
    ]
    Observation.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    # Rows that another run of the wave wrote first are shared: look all of them up by their key.
    stored = {
        (name, host, address, port): pk
        for pk, name, host, address, port in Observation.objects.filter(
            wave_id=run.wave_id
        ).values_list("pk", "name", "host", "address", "port")
    }
    links = [
        RunObservation(run=run, observation_id=stored[key])
        for key in dict.fromkeys(_key(one) for one in result.observations)
    ]
    RunObservation.objects.bulk_create(links, ignore_conflicts=True, batch_size=500)


def _verdicts(run: ScanRun, result: probed.DomainResult) -> None:
    rows = [
        Verdict(
            run=run,
            rule=one.rule,
            rule_version=str(one.version),
            result=str(one.result),
            params=dict(one.params),
            text=describe(one),
        )
        for one in result.verdicts
    ]
    Verdict.objects.bulk_create(rows, ignore_conflicts=True)


def confirm(run: ScanRun) -> int:
    """Mark what this run and the last sighting before it both saw, far enough apart.

    Only a non-conformity seen in both counts, and of the same thing: the same host, port and kind.
    What could not be observed in between neither confirms nor clears anything.

    Returns:
        How many verdicts were confirmed for the first time.
    """
    now_bad = list(run.verdicts.filter(result=Result.NONCONFORMING))
    if not now_bad or run.started_at is None:
        return 0
    before = _last_sightings(run, [verdict.rule for verdict in now_bad])
    gap = dt.timedelta(seconds=scan_policy().wave.confirm_after)
    both: list[int] = []
    fresh = 0
    for verdict in now_bad:
        earlier = before.get(verdict.rule)
        if earlier is None or earlier.result != Result.NONCONFORMING:
            continue
        ended = earlier.run.finished_at
        if ended is None or run.started_at - ended < gap:
            continue
        if _sights(earlier.params) & _sights(verdict.params):
            both += [verdict.pk, earlier.pk]
            fresh += not earlier.confirmed
    Verdict.objects.filter(pk__in=both).update(confirmed=True)
    return fresh


def _last_sightings(run: ScanRun, rules: list[str]) -> dict[str, Verdict]:
    seen = (
        Verdict.objects.filter(run__domain=run.domain_id, run_id__lt=run.pk, rule__in=rules)
        .filter(run__in=ScanRun.objects.finished())
        .exclude(result=Result.UNKNOWN)
    )
    last = dict(seen.values_list("rule").annotate(last=Max("run_id")))
    rows = seen.filter(run_id__in=set(last.values())).select_related("run")
    return {row.rule: row for row in rows if last[row.rule] == row.run_id}


def _sights(params: dict[str, Any]) -> set[tuple[str, int, str]]:
    offenders = params.get("offenders") or [{"kind": params.get("kind", "")}]
    return {
        (str(one.get("host") or ""), int(one.get("port") or 0), str(one.get("kind") or ""))
        for one in offenders
    }
