"""One wave: every domain's DNS, every host once, one connection at a time per address."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from . import mailbox, smtp, web
from .certs import TrustStore
from .dns import BadName, DnsFailure, Resolver, system_resolver, to_ascii
from .guard import Guard
from .model import DomainResult, Endpoint, Observation, Outcome, Target, observe
from .names import Hosts, Names
from .pace import Pacer
from .policy import ScanPolicy, load
from .rules import judge
from .session import Tools

T = TypeVar("T")
OnResult = Callable[[DomainResult], None]

_PORTS = {"smtp": (587, 465), "imap": (143, 993), "pop3": (110, 995), "webmail": (443,)}


@dataclass(frozen=True, slots=True)
class Job:
    """One visit to one port; equal jobs of several domains are done once."""

    host: str
    address: str
    port: int
    relay: bool = False

    async def run(self, tools: Tools, resolver: Resolver) -> list[Observation]:
        """Do the visit; never raises for anything the peer does."""
        target = Endpoint(self.host, self.address, self.port)
        if self.port in smtp.PREFIXES:
            return await smtp.probe(tools, target, relay=self.relay)
        if self.port in mailbox.PREFIXES:
            return await mailbox.probe(tools, target)
        return await web.probe(tools, resolver, target)

    def unseen(self, outcome: Outcome, reason: str) -> list[Observation]:
        """Return the observations that this visit owes, all with one outcome."""
        return unseen(self.host, self.address, self.port, outcome, reason, relay=self.relay)


def unseen(
    host: str, address: str | None, port: int, outcome: Outcome, reason: str, *, relay: bool = False
) -> list[Observation]:
    """Return every observation of a port with one outcome, for a visit that could not be made."""
    if port in smtp.PREFIXES:
        prefix, names = smtp.PREFIXES[port], smtp.names_of(port, relay=relay and port == 25)
    elif port in mailbox.PREFIXES:
        prefix, names = mailbox.PREFIXES[port], mailbox.names_of(port)
    else:
        prefix, names = "web", web.NAMES
    value = {"reason": reason}
    return [
        observe(
            f"{prefix}.{name}",
            Endpoint(host, address, 80 if name == "redirect" else port),
            outcome,
            value,
            [f"# {reason}"],
        )
        for name in names
    ]


class Wave:
    """Everything that the domains of one wave share."""

    def __init__(self, policy: ScanPolicy, resolver: Resolver, guard: Guard, tools: Tools) -> None:
        self.policy = policy
        self.resolver = resolver
        self.guard = guard
        self.tools = tools
        self._jobs: dict[tuple[Job, int], asyncio.Task[list[Observation]]] = {}

    async def domain(self, target: Target) -> DomainResult:
        """Observe and judge one domain within the domain budget."""
        started = _now()
        deadline = time.monotonic() + self.policy.budget.domain
        try:
            name = to_ascii(target.domain)
        except BadName:
            bad = [
                observe(n, Endpoint(target.domain), Outcome.DNS_FAILURE, {"reason": "bad_name"})
                for n in ("dns.mx", "dns.spf", "dns.dkim", "dns.dmarc")
            ]
            return DomainResult(target.domain, tuple(bad), tuple(judge(bad)), started, _now())
        names = Names(self.resolver, self.guard, self.policy, name)
        # A zone may be built to answer slowly for ever: DNS gets half of the domain's time.
        half = deadline - self.policy.budget.domain / 2
        observations, mx = await self._dns(names, target, half)
        everything = [
            observation
            for port in (25, *(port for ports in _PORTS.values() for port in ports))
            for observation in unseen(
                name,
                None,
                port,
                Outcome.DNS_FAILURE,
                "deadline",
                relay="smtp.relay" in target.extras,
            )
        ]
        jobs, missed = await _within(half, self._jobs_of(names, target, mx), ([], everything))
        observations += missed + await self._visit(jobs, deadline)
        verdicts = judge(observations)
        return DomainResult(name, tuple(observations), tuple(verdicts), started, _now())

    async def _dns(
        self, names: Names, target: Target, deadline: float
    ) -> tuple[list[Observation], Hosts]:
        def late(name: str, host: str = names.domain) -> Observation:
            return observe(name, Endpoint(host), Outcome.DNS_FAILURE, {"reason": "deadline"})

        (mx, hosts), spf, dkim = await asyncio.gather(
            _within(deadline, names.mx(), (late("dns.mx"), Hosts())),
            _within(deadline, names.spf(), late("dns.spf")),
            _within(deadline, names.dkim(target.dkim_selectors), [late("dns.dkim")]),
        )
        exists = mx.value.get("exists", True) is not False
        no_policy = late("dns.dmarc", f"_dmarc.{names.domain}")
        dmarc, ptr = await asyncio.gather(
            _within(deadline, names.dmarc(exists=exists), no_policy),
            _within(deadline, names.ptr(hosts), []),
        )
        return [mx, spf, *dkim, dmarc, *ptr], hosts

    async def _jobs_of(
        self, names: Names, target: Target, mx: Hosts
    ) -> tuple[list[Job], list[Observation]]:
        relay = "smtp.relay" in target.extras
        jobs = [Job(h, a, 25, relay) for h, found in mx.addresses.items() for a in found]
        missed = [
            observation
            for host, reason in mx.failures.items()
            for observation in unseen(host, None, 25, Outcome.DNS_FAILURE, reason, relay=relay)
        ]
        services = (self._service(names, target, mx, kind) for kind in _PORTS)
        for found, unfound in await asyncio.gather(*services):
            jobs += found
            missed += unfound
        return list(dict.fromkeys(jobs)), missed

    async def _service(
        self, names: Names, target: Target, mx: Hosts, kind: str
    ) -> tuple[list[Job], list[Observation]]:
        """Return the visits to one kind of service, and what cannot be visited for want of DNS."""
        ports, failed = _PORTS[kind], Outcome.DNS_FAILURE
        declared: Sequence[str] = getattr(target, kind)
        try:
            hosts = await self._endpoints(names, kind, declared, mx, discover=target.discover)
        except DnsFailure as failure:
            return [], [
                o for p in ports for o in unseen(names.domain, None, p, failed, failure.reason)
            ]
        jobs: list[Job] = []
        missed: list[Observation] = []
        for host in hosts[: self.policy.limits.endpoint_hosts]:
            try:
                addresses = names.choose(await self.resolver.addresses(host))
                reason = "no_address"
            except (DnsFailure, BadName) as error:
                addresses, reason = (), getattr(error, "reason", "bad_name")
            for port in ports:
                jobs += [Job(host, address, port) for address in addresses]
                if not addresses:
                    missed += unseen(host, None, port, failed, reason)
        return jobs, missed

    @staticmethod
    async def _endpoints(
        names: Names, kind: str, declared: Sequence[str], mx: Hosts, *, discover: bool
    ) -> tuple[str, ...]:
        if declared:
            hosts = []
            for address in declared:
                try:
                    hosts.append(web.host_of(address))
                except (BadName, ValueError):
                    hosts.append(address)  # ends as an observation with outcome dns_failure
            return tuple(dict.fromkeys(hosts))
        return await names.service(kind, mx) if discover else ()

    async def _visit(self, jobs: Sequence[Job], deadline: float) -> list[Observation]:
        """Make all visits, then repeat once those that met silence."""
        first = await self._round(jobs, 0, deadline)
        silent = [job for job in jobs if _silent(first[job])]
        left = deadline - time.monotonic() - self.policy.pace.retry_delay
        if silent and left > 0:
            await asyncio.sleep(self.policy.pace.retry_delay)
            for job in silent:
                self.tools.pacer.forgive(job.address)
            second = await self._round(silent, 1, deadline)
            for job, observations in second.items():
                if not all(o.value.get("reason") == "deadline" for o in observations):
                    first[job] = _better(first[job], observations)
        return [observation for job in jobs for observation in first[job]]

    async def _round(
        self, jobs: Sequence[Job], number: int, deadline: float
    ) -> dict[Job, list[Observation]]:
        tasks = {job: self._task(job, number) for job in jobs}
        if tasks:
            await asyncio.wait(tasks.values(), timeout=max(0.0, deadline - time.monotonic()))
        return {
            job: task.result() if task.done() else job.unseen(Outcome.TIMEOUT, "deadline")
            for job, task in tasks.items()
        }

    def _task(self, job: Job, number: int) -> asyncio.Task[list[Observation]]:
        key = (job, number)
        if key not in self._jobs:
            self._jobs[key] = asyncio.ensure_future(job.run(self.tools, self.resolver))
        return self._jobs[key]

    async def close(self) -> None:
        """Cancel what no domain waits for any more and close the resolver's socket."""
        left = [task for task in self._jobs.values() if not task.done()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self.resolver.close()


async def _within(deadline: float, work: Coroutine[Any, Any, T], late: T) -> T:
    """Return what `work` gives, or `late` where it is not done by the monotonic `deadline`."""
    try:
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
            return await work
    except TimeoutError:
        return late


def _better(first: Sequence[Observation], second: Sequence[Observation]) -> list[Observation]:
    """Return the second visit's observations; what only the first one saw stays seen."""
    before = {one.name: one for one in first}
    return [
        before[one.name]
        if not one.outcome.seen and one.name in before and before[one.name].outcome.seen
        else dataclasses.replace(one, attempts=2)
        for one in second
    ]


def _silent(observations: Sequence[Observation]) -> bool:
    return any(
        o.outcome is Outcome.TIMEOUT and o.value.get("reason") != "deadline" for o in observations
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def probe_domains(
    targets: Iterable[Target],
    *,
    policy: ScanPolicy | None = None,
    resolver: str | None = None,
    allow_net: Sequence[str] = (),
    ca_file: Path | str | None = None,
    port_map: Mapping[int, int] | None = None,
    concurrency: int = 8,
    on_result: OnResult | None = None,
) -> list[DomainResult]:
    """Observe and judge domains; every host is visited once, whoever uses it.

    Args:
        targets: what to look at. The library asks for no authorisation; the caller does.
        policy: default the production policy.
        resolver: `IP` or `IP:PORT`; default the system's first name server.
        allow_net: networks of the practice range; when given, only they are contacted.
        ca_file: PEM file of further trusted roots.
        port_map: logical port → real port, only with allow_net inside 127.0.0.0/8.
        concurrency: domains looked at at the same time.
        on_result: called with each result as it comes, in the event loop's thread.

    Returns:
        Results in the order of `targets`.

    Raises:
        ValueError: a port map without loopback-only allow_net, a malformed network or resolver.
        OSError: unreadable ca_file.
        ExceptionGroup: bugs of ours, once all other domains are done (on_result has seen them).
    """
    policy = policy or load()
    if not policy.identity.ehlo:
        identity = dataclasses.replace(policy.identity, ehlo=socket.getfqdn())
        policy = dataclasses.replace(policy, identity=identity)
    pacer = Pacer(policy.pace)
    guard = Guard(policy, pacer, allow_net, port_map)
    tools = Tools(policy, guard, pacer, TrustStore(ca_file))
    wave = Wave(policy, Resolver(resolver or system_resolver(), policy.dns), guard, tools)
    gate = asyncio.Semaphore(concurrency)

    async def one(target: Target) -> DomainResult:
        async with gate:
            result = await wave.domain(target)
        if on_result is not None:
            on_result(result)
        return result

    try:
        done = await asyncio.gather(*(one(target) for target in targets), return_exceptions=True)
    finally:
        await wave.close()
    if bugs := [error for error in done if isinstance(error, BaseException)]:
        raise BaseExceptionGroup("domains that could not be looked at", bugs)
    return [result for result in done if isinstance(result, DomainResult)]


def probe_domains_sync(targets: Iterable[Target], **options: Any) -> list[DomainResult]:
    """Run `probe_domains` in an event loop of its own, for callers without one (a Celery task)."""
    run: Coroutine[Any, Any, list[DomainResult]] = probe_domains(targets, **options)
    return asyncio.run(run)
