"""Carry out a leased batch of looks: plan what each letter allows, probe, write as results come."""

import asyncio
import dataclasses
import datetime as dt
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from audit.trail import SYSTEM, record
from inbox.actions import tell_office, tell_unit
from inventory.models import EndpointKind, MailDomain, MailSystem
from scans import queue
from scans.models import Result, ScanRun, Verdict, Wave
from scans.permission import Permission, Refusal, is_provider_host, may_probe
from scans.policy import Outside, PolicyRefused, outside, scan_policy
from scans.probes import probe_domains
from scans.probes.dns import BadName, DnsFailure, Resolver, system_resolver
from scans.probes.model import DomainResult, Outcome, Target
from scans.queue import Lease
from scans.writing import store

log = logging.getLogger(__name__)

CONCURRENCY = 16
#: Seconds between two looks at whether the batch is still ours.
LOOK_AROUND = 2.0
_KINDS = {
    EndpointKind.SUBMISSION: "smtp",
    EndpointKind.IMAP: "imap",
    EndpointKind.POP3: "pop3",
    EndpointKind.WEBMAIL: "webmail",
}


@dataclass
class Plan:
    """What a batch is going to look at.

    Attributes:
        runs: domain name (A-label) → the run that its result belongs to.
        targets: what the probes get.
        waves: the waves that may proceed, by id.
        fresh: wave id → verdicts confirmed for the first time.
    """

    runs: dict[str, ScanRun] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    waves: dict[int, Wave] = field(default_factory=dict)
    permissions: dict[str, Permission] = field(default_factory=dict)
    fresh: dict[int, int] = field(default_factory=dict)


def run_batch(lease: Lease) -> None:
    """Do all that a lease holds. Never leaves a wave without a row that says how it stands."""
    try:
        way = outside()
    except PolicyRefused as refused:
        for wave in Wave.objects.open().filter(pk__in=lease.wave_ids, lease=lease.token):
            queue.give_up(wave, lease.token, str(refused))
        return
    plan = _plan(lease)
    # Said only of waves that are still open at the end; normally there are none.
    problem, interrupted = "部分域名没有得到结果，稍后自动重试。", False
    try:
        if plan.targets and (ill := _ill(way)):
            problem = ill
        elif plan.targets:
            interrupted = _probe(plan, lease, way)
    except SoftTimeLimitExceeded:
        problem = "本批探测超过时限，剩余部分稍后重试。"
    except Exception:
        error_id = uuid.uuid4().hex[:10]
        log.exception("error_id=%s waves=%s", error_id, lease.wave_ids)
        problem = f"探测程序出错（编号 {error_id}），稍后自动重试。"
    # What has ended stays ended; only the rest is tried again.
    for wave in plan.waves.values():
        finish(wave, lease.token, plan.fresh.get(wave.pk, 0))
    if interrupted:
        queue.release(lease)
    else:
        queue.put_back(lease, problem)


# --- plan --------------------------------------------------------------------------------------


def _plan(lease: Lease) -> Plan:
    """Create the runs that are missing and refuse what no letter allows (any more)."""
    plan = Plan()
    waves = (
        Wave.objects.open()
        .filter(pk__in=lease.wave_ids, lease=lease.token)
        .select_related("system__unit", "requested_by")
        .prefetch_related("system__domains", "system__endpoints", "system__authorizations")
    )
    for wave in waves:
        if wave.attempts > queue.MAX_ATTEMPTS:
            queue.give_up(wave, lease.token, "探测多次中断，未能完成；请联系平台管理员。")
            continue
        plan.waves[wave.pk] = wave
        _plan_wave(plan, wave, lease)
    return plan


def _plan_wave(plan: Plan, wave: Wave, lease: Lease) -> None:
    permission = may_probe(wave.system)
    domains = list(wave.system.domains.all())
    with transaction.atomic():
        if not queue.keep(wave.pk, lease.token):
            del plan.waves[wave.pk]
            return
        ensure_runs(wave, domains)
        runs = list(wave.runs.exclude(status__in=ScanRun.ENDED).select_related("domain"))
        if isinstance(permission, Refusal):
            refuse_runs(wave, permission.reason)
            return
        wave.authorization = permission.authorization
        wave.problem = ""
        wave.save(update_fields=["authorization", "problem"])
        _start(plan, wave, runs, permission)


def _start(plan: Plan, wave: Wave, runs: list[ScanRun], permission: Permission) -> None:
    now = timezone.now()
    for run in runs:
        if run.domain.removed_on:
            run.status, run.finished_at = ScanRun.Status.REFUSED, now
            run.problem = "此域名已从邮件系统移除"
            continue
        if not permission.covers(run.domain.name):
            run.status, run.finished_at = ScanRun.Status.REFUSED, now
            run.problem = f"授权书（{permission.authorization.number}）没有列明此域名"
            continue
        target, left_out = target_of(wave.system, run.domain, permission)
        run.status, run.started_at = ScanRun.Status.RUNNING, now
        run.problem = f"授权书没有列明、未探测：{'、'.join(left_out)}"[:250] if left_out else ""
        plan.runs[run.domain.name] = run
        plan.permissions[run.domain.name] = permission
        plan.targets.append(target)
    ScanRun.objects.bulk_update(runs, ["status", "started_at", "finished_at", "problem"])


def ensure_runs(wave: Wave, domains: list[MailDomain]) -> None:
    """Create a queued run for every domain that has none in this wave."""
    rows = [ScanRun(wave=wave, domain=domain) for domain in domains]
    ScanRun.objects.bulk_create(rows, ignore_conflicts=True)


def refuse_runs(wave: Wave, reason: str) -> None:
    """Leave refused runs with the reason, and end the wave."""
    now = timezone.now()
    wave.runs.exclude(status__in=ScanRun.ENDED).update(
        status=ScanRun.Status.REFUSED, problem=reason[:300], finished_at=now
    )
    Wave.objects.filter(pk=wave.pk).update(
        status=Wave.Status.VOID, problem=reason[:300], finished_at=now, lease="", leased_until=None
    )


def target_of(
    system: MailSystem, domain: MailDomain, permission: Permission
) -> tuple[Target, list[str]]:
    """Return what the probes may look at for one domain, and the declared hosts left out."""
    hosts: dict[str, list[str]] = {name: [] for name in _KINDS.values()}
    left_out: list[str] = []
    for endpoint in system.endpoints.all():
        if (name := _KINDS.get(EndpointKind(endpoint.kind))) is None:
            continue
        if permission.covers(endpoint.host):
            hosts[name].append(endpoint.host)
        else:
            left_out.append(endpoint.host)
    target = Target(
        domain=domain.name,
        dkim_selectors=tuple(domain.selectors),
        smtp=tuple(hosts["smtp"]),
        imap=tuple(hosts["imap"]),
        pop3=tuple(hosts["pop3"]),
        webmail=tuple(hosts["webmail"]),
        extras=permission.extras,
        discover=False,
    )
    return target, list(dict.fromkeys(left_out))


# --- probe -------------------------------------------------------------------------------------


def _ill(way: Outside) -> str:
    """Look at our own control domain; say what is wrong with our side, "" if nothing is."""
    if not way.control:
        return ""
    [result] = asyncio.run(
        probe_domains([Target(domain=way.control, discover=False)], **way.options())
    )
    seen = {one.name for one in result.observations if one.outcome is Outcome.OBSERVED}
    absent = {one.name for one in result.observations if one.outcome is Outcome.ABSENT}
    if "dns.mx" not in seen:
        return "本平台域名解析自检未通过，不是对方的问题；稍后自动重试。"
    if "smtp.banner" not in seen:
        return "本平台 25 端口出网自检未通过，不是对方的问题；稍后自动重试。"
    if "smtp.starttls" in absent:
        # Some firewalls strike STARTTLS out on the way; every host would seem to lack it.
        return (
            "自检对照主机应提供 STARTTLS 而未观测到，可能被本平台出网途中的设备删除；稍后自动重试。"
        )
    return ""


def _probe(plan: Plan, lease: Lease, way: Outside) -> bool:
    """Probe the batch in one event loop; between its steps this thread writes what has come.

    Every other second it asks whether all waves are still ours: a letter withdrawn meanwhile stops
    the probes at once, and the rest of the batch goes back to the queue.

    Returns:
        True if it was stopped so.
    """
    waiting = {run.wave_id for run in plan.runs.values()}
    with asyncio.Runner() as runner:  # leaving it cancels what still runs
        results: asyncio.Queue[DomainResult] = asyncio.Queue()
        work = runner.get_loop().create_task(
            _work(plan.targets, plan.permissions, way, results.put_nowait)
        )
        while True:
            result = runner.run(_next(work, results))
            if result is not None:
                _write(plan, lease, result)
            elif work.done():
                work.result()
                return False
            elif not queue.holds(lease, waiting):
                return True


def _write(plan: Plan, lease: Lease, result: DomainResult) -> None:
    """Store one result; a result that cannot be stored fails its own run only."""
    run = plan.runs[result.domain]
    try:
        fresh = store(run, result, lease.token)
    except Exception:
        error_id = uuid.uuid4().hex[:10]
        log.exception("error_id=%s run=%s", error_id, run.pk)
        problem = f"结果未能保存（编号 {error_id}），请联系平台管理员。"
        ScanRun.objects.filter(pk=run.pk, status=ScanRun.Status.RUNNING).update(
            status=ScanRun.Status.FAILED, problem=problem, finished_at=timezone.now()
        )
        return
    if fresh is not None:
        plan.fresh[run.wave_id] = plan.fresh.get(run.wave_id, 0) + fresh


def look_once(
    targets: list[Target],
    permissions: Mapping[str, Permission],
    way: Outside,
    on_result: Callable[[DomainResult], None],
) -> None:
    """Probe without storing anything, under the same rules as a stored look."""
    asyncio.run(_work(targets, permissions, way, on_result))


async def _work(
    targets: list[Target],
    permissions: Mapping[str, Permission],
    way: Outside,
    on_result: Callable[[DomainResult], None],
) -> None:
    targets = await _without_foreign_relays(targets, permissions, way)
    await probe_domains(targets, on_result=on_result, concurrency=CONCURRENCY, **way.options())


async def _next(
    work: "asyncio.Task[None]", results: "asyncio.Queue[DomainResult]"
) -> DomainResult | None:
    """Return the next result; None once the work is done, or to let the caller look around."""
    if results.empty():
        waiting = asyncio.ensure_future(results.get())
        await asyncio.wait(
            {work, waiting}, timeout=LOOK_AROUND, return_when=asyncio.FIRST_COMPLETED
        )
        if waiting.done():
            return waiting.result()
        waiting.cancel()
    return None if results.empty() else results.get_nowait()


async def _without_foreign_relays(
    targets: list[Target], permissions: Mapping[str, Permission], way: Outside
) -> list[Target]:
    """Take the extras from domains whose mail goes to a host that the letter does not name.

    The letter is signed by the unit; where its MX points is written in DNS, perhaps to a provider
    who never agreed to anything.
    """
    if not any(target.extras for target in targets):
        return targets
    resolver = Resolver(way.resolver or system_resolver(), way.policy.dns)
    try:
        return [await _own_relay(one, permissions[one.domain], resolver) for one in targets]
    finally:
        resolver.close()


async def _own_relay(target: Target, permission: Permission, resolver: Resolver) -> Target:
    if not target.extras:
        return target
    try:
        answer = await resolver.query(target.domain, "MX")
    except (BadName, DnsFailure):
        return _plain(target)
    names = [name.rstrip(".").lower() for _, name in answer.mx]
    own = bool(names) and all(
        permission.covers(name) and not is_provider_host(name) for name in names
    )
    return target if own else _plain(target)


def _plain(target: Target) -> Target:
    return dataclasses.replace(target, extras=frozenset())


# --- finish ------------------------------------------------------------------------------------


def finish(wave: Wave, token: str, fresh: int) -> bool:
    """End a wave whose runs have all ended; plan its second look and tell who waits for it."""
    with transaction.atomic():
        if not queue.keep(wave.pk, token):
            return False
        runs = list(wave.runs.all())
        if not all(run.ended for run in runs):
            return False
        now = timezone.now()
        Wave.objects.filter(pk=wave.pk).update(
            status=Wave.Status.DONE, finished_at=now, lease="", leased_until=None
        )
        bad = Verdict.objects.filter(run__wave=wave, result=Result.NONCONFORMING)
        open_questions = bad.filter(confirmed=False).count()
        if open_questions and wave.reason != Wave.Reason.CONFIRM:
            _plan_second_look(wave, now)
        details = {
            "letter": wave.authorization.number if wave.authorization else "",
            "runs": {str(run.domain_id): run.status for run in runs},
        }
        record("scan.finish", wave, by=SYSTEM, details=details)
        _tell(wave, bad.count(), fresh)
    return True


def _plan_second_look(wave: Wave, now: dt.datetime) -> None:
    pause = scan_policy().wave.confirm_after
    second = Wave(
        system=wave.system,
        reason=Wave.Reason.CONFIRM,
        confirms=wave,
        due_at=now + dt.timedelta(seconds=pause),
    )
    Wave.objects.bulk_create([second], ignore_conflicts=True)
    queue.wake_drain(after=pause + 1)


def _tell(wave: Wave, bad: int, fresh: int) -> None:
    url = reverse("scans:system_view", args=[wave.system_id])
    asked = wave.requested_by
    if asked is not None:
        found = f"发现 {bad} 项不符合" if bad else "没有发现不符合"
        title = f"“{wave.system.name}”探测完成：{found}"
        if asked.is_office_side:
            tell_office(asked.office, title=title, url=url)
        else:
            tell_unit(wave.system.unit, title=title, url=url)
    if fresh:
        tell_unit(
            wave.system.unit,
            title=f"外部观测两次确认“{wave.system.name}”有 {fresh} 项不符合",
            body="请打开外部观测页查看原始应答和整改办法；整改后可在该页立即复测。",
            url=url,
        )
