"""What DNS says of a domain: MX with every address, PTR, SPF, DKIM, DMARC, and its services."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from . import dkim, dmarc, spf
from .dns import Answer, BadName, DnsFailure, Resolver, to_ascii
from .guard import Guard
from .model import Endpoint, Observation, Outcome, observe
from .policy import ScanPolicy

_SRV = {
    "smtp": ("_submission._tcp", "_submissions._tcp"),
    "imap": ("_imap._tcp", "_imaps._tcp"),
    "pop3": ("_pop3._tcp", "_pop3s._tcp"),
}
# Longest host name; one of escaped bytes can be four times as long.
_HOST_MOST = 253
# A selector that nobody publishes: what answers to it answers to everything.
_NOBODY = "no-such-selector-7f3a9c"


@dataclass
class Hosts:
    """Where the domain's mail lives. `addresses` maps host → addresses to visit."""

    addresses: dict[str, tuple[str, ...]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Names:
    """Asks about one domain.

    Args:
        resolver, guard, policy: of the wave.
        domain: A-label.
    """

    resolver: Resolver
    guard: Guard
    policy: ScanPolicy
    domain: str

    async def mx(self) -> tuple[Observation, Hosts]:
        """Return the dns.mx observation and the MX hosts, at most `mx_hosts` of them."""
        target = Endpoint(self.domain)
        try:
            answer = await self.resolver.query(self.domain, "MX")
        except (DnsFailure, BadName) as error:
            return _failed("dns.mx", target, error, f"{self.domain} MX"), Hosts()
        lines = answer.lines()
        value: dict[str, Any] = {
            "records": [],
            "exists": answer.exists,
            "null_mx": any(name in ("", ".") for _, name in answer.mx),
            "implicit": False,
            "total": len(answer.mx),
        }
        pairs = [pair for pair in answer.mx if pair[1] not in ("", ".")]
        if not answer.mx and answer.exists:
            # RFC 5321 5.1: without MX the domain's own address takes the mail.
            implicit = await self._host(0, self.domain, lines)
            value["implicit"] = bool(implicit["addresses"])
            hidden = implicit["problem"] == "dns_failure"
            value["records"] = [implicit] if implicit["addresses"] or hidden else []
            hosts = self._hosts(value["records"])
            return observe("dns.mx", target, Outcome.ABSENT, value, lines), hosts
        pairs = pairs[: self.policy.limits.mx_hosts]
        value["records"] = [await self._host(*pair, lines) for pair in pairs]
        outcome = Outcome.OBSERVED if answer.mx else Outcome.ABSENT
        return observe("dns.mx", target, outcome, value, lines), self._hosts(value["records"])

    async def _host(self, preference: int, host: str, lines: list[str]) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "preference": preference,
            "host": host,
            "addresses": [],
            "problem": "",
            "cname": "",
        }
        try:
            ipaddress.ip_address(host)
        except ValueError:
            pass
        else:
            entry["problem"] = "ip_literal"
            return entry
        if host == "localhost" or host.endswith(".localhost"):
            entry["problem"] = "localhost"
            return entry
        try:
            to_ascii(host)
        except BadName:
            entry["problem"] = "not_a_hostname"
            return entry
        answers: list[Answer] = []
        for kind in ("A", "AAAA"):
            try:
                answers.append(await self.resolver.query(host, kind))
            except (DnsFailure, BadName) as error:
                # Many name servers know A and fail at AAAA: what is known counts.
                entry["reason"] = getattr(error, "reason", "bad_name")
                lines.append(f"# {host} {kind}: {entry['reason']}")
        found = [address for answer in answers for address in answer.records]
        if not found and "reason" in entry:
            entry["problem"] = "dns_failure"
            return entry
        for answer in answers:
            lines += answer.lines()
        entry["addresses"] = [
            {"address": a, "kind": self.guard.kind(a), "allowed": self.guard.allowed(a)}
            for a in found
        ]
        aliases = [name for answer in answers for name in answer.cnames]
        if not found:
            entry["problem"] = "no_address"
        elif aliases:
            entry["problem"], entry["cname"] = "cname", aliases[-1]
        return entry

    def _hosts(self, records: Sequence[dict[str, Any]]) -> Hosts:
        hosts = Hosts()
        for record in records:
            if record["problem"] == "dns_failure":
                hosts.failures[record["host"]] = record["reason"]
            elif record["problem"] in ("no_address", "ip_literal", "localhost", "not_a_hostname"):
                hosts.failures[record["host"][:_HOST_MOST]] = record["problem"]
            elif record["addresses"]:
                found = [entry["address"] for entry in record["addresses"]]
                hosts.addresses[record["host"]] = self.choose(found)
        return hosts

    def choose(self, found: Sequence[str]) -> tuple[str, ...]:
        """Return the addresses to visit: the same ones each time, IPv4 first, a few at most.

        Forbidden ones are left out beside one that may be contacted (`mx.forbidden_address` tells
        of them from dns.mx); alone, the guard's refusal becomes the observation.
        """
        ordered = [a for a in found if ":" not in a] + [a for a in found if ":" in a]
        reachable = [a for a in ordered if self.guard.allowed(a)]
        return tuple(reachable[: self.policy.limits.addresses_per_host] or ordered[:1])

    async def ptr(self, hosts: Hosts) -> list[Observation]:
        """Return dns.ptr for every MX address that may be contacted."""
        pairs = [
            (host, address)
            for host, addresses in hosts.addresses.items()
            for address in addresses
            if self.guard.allowed(address)
        ]
        return list(await asyncio.gather(*(self._ptr(*pair) for pair in pairs)))

    async def _ptr(self, host: str, address: str) -> Observation:
        target = Endpoint(host, address)
        name = ipaddress.ip_address(address).reverse_pointer
        try:
            answer = await self.resolver.query(name, "PTR")
            confirmed = []
            for found in answer.records[:10]:
                if address in await self.resolver.addresses(found):
                    confirmed.append(found)
        except (DnsFailure, BadName) as error:
            return _failed("dns.ptr", target, error, f"{name} PTR")
        value = {"names": list(answer.records[:10]), "confirmed": confirmed}
        outcome = Outcome.OBSERVED if answer.records else Outcome.ABSENT
        return observe("dns.ptr", target, outcome, value, answer.lines())

    async def spf(self) -> Observation:
        """Return dns.spf: the record and the audit of everything it refers to."""
        report = await spf.audit(self.resolver, self.domain, self.policy.limits.spf_nodes)
        target = Endpoint(self.domain)
        lines = _bounded(report.lines, self.policy)
        if report.failure:
            value = {"reason": report.failure}
            return observe("dns.spf", target, Outcome.DNS_FAILURE, value, lines)
        outcome = Outcome.OBSERVED if report.records else Outcome.ABSENT
        return observe("dns.spf", target, outcome, report.value(), lines)

    async def dmarc(self, *, exists: bool) -> Observation:
        """Return dns.dmarc: the policy that applies, found by the tree walk."""
        found = await dmarc.discover(self.resolver, self.domain, exists=exists)
        target = Endpoint(f"_dmarc.{self.domain}")
        lines = _bounded(found.lines, self.policy)
        if found.failure:
            value = {"reason": found.failure, "walk": found.steps}
            return observe("dns.dmarc", target, Outcome.DNS_FAILURE, value, lines)
        outcome = Outcome.OBSERVED if found.record else Outcome.ABSENT
        return observe("dns.dmarc", target, outcome, found.value(), lines)

    async def dkim(self, selectors: Sequence[str]) -> list[Observation]:
        """Return dns.dkim per given selector; without any, of usual selectors that exist.

        The last observation is about `_domainkey` itself: NXDOMAIN there means that no selector
        exists at all (RFC 8020).
        """
        given = [selector.strip().lower().rstrip(".") for selector in selectors if selector.strip()]
        tried = given or list(self.policy.discover.dkim_selectors)
        found = list(await asyncio.gather(*(self._selector(s, bool(given)) for s in tried)))
        if given:
            return found
        wild = await self._selector(_NOBODY, declared=False)
        keys = [o for o in found if o.outcome is Outcome.OBSERVED]
        if wild.outcome is Outcome.OBSERVED:  # a wildcard answers for every selector
            keys = keys[:1]
        if keys:
            return keys
        base = f"_domainkey.{self.domain}"
        target = Endpoint(base)
        try:
            answer = await self.resolver.query(base, "TXT")
        except (DnsFailure, BadName) as error:
            return [_failed("dns.dkim", target, error, f"{base} TXT")]
        value = {"selector": None, "declared": False, "tried": tried, "branch": answer.exists}
        outcome = Outcome.OBSERVED if answer.exists else Outcome.ABSENT
        return [observe("dns.dkim", target, outcome, value, answer.lines())]

    async def _selector(self, selector: str, declared: bool) -> Observation:
        name = f"{selector}._domainkey.{self.domain}"
        target = Endpoint(name)
        try:
            answer = await self.resolver.query(name, "TXT")
        except (DnsFailure, BadName) as error:
            return _failed("dns.dkim", target, error, f"{name} TXT")
        keys = [text for text in answer.records if dkim.looks_like_key(text)]
        value: dict[str, Any] = {"selector": selector, "declared": declared}
        if not keys:
            return observe("dns.dkim", target, Outcome.ABSENT, value, answer.lines())
        value |= dkim.parse(keys[0])
        value["cname"] = answer.cnames[-1] if answer.cnames else ""
        if len(keys) > 1:
            value["problems"].append("several_records")
        return observe("dns.dkim", target, Outcome.OBSERVED, value, answer.lines())

    async def service(self, kind: str, mx: Hosts) -> tuple[str, ...]:
        """Find undeclared hosts of `smtp`, `imap`, `pop3` or `webmail`.

        SRV records (RFC 6186) decide; else usual names that exist; else, for mail protocols, the
        MX hosts.

        Raises:
            DnsFailure: nothing found and at least one question unanswered.
        """
        failure: DnsFailure | None = None
        if kind in _SRV:
            asked = [self._ask(f"{name}.{self.domain}", "SRV") for name in _SRV[kind]]
            answers = await asyncio.gather(*asked)
            failure = next((a for a in answers if isinstance(a, DnsFailure)), None)
            records = [r for a in answers if isinstance(a, Answer) for r in a.records]
            if records:
                hosts = [record.split()[2] for record in records if len(record.split()) == 3]
                return tuple(dict.fromkeys(host for host in hosts if host != "."))
        usual = [f"{label}.{self.domain}" for label in getattr(self.policy.discover, kind)]
        known = []
        for name, found in zip(usual, await self._all_known(usual), strict=True):
            if isinstance(found, DnsFailure):
                failure = failure or found
            elif found:
                known.append(name)
        if known:
            return tuple(known)
        if failure is not None:
            raise failure
        return () if kind == "webmail" else tuple(mx.addresses)

    async def _ask(self, name: str, rdtype: str) -> Answer | DnsFailure | None:
        try:
            return await self.resolver.query(name, rdtype)
        except DnsFailure as failure:
            return failure
        except BadName:
            return None

    async def _all_known(self, names: Sequence[str]) -> list[bool | DnsFailure]:
        async def one(name: str) -> bool | DnsFailure:
            try:
                return bool(await self.resolver.addresses(name))
            except DnsFailure as failure:
                return failure
            except BadName:
                return False

        return list(await asyncio.gather(*(one(name) for name in names)))


def _failed(name: str, target: Endpoint, error: Exception, question: str) -> Observation:
    reason = getattr(error, "reason", "bad_name")
    lines = [f"C: {question}?", f"# {reason}"]
    return observe(name, target, Outcome.DNS_FAILURE, {"reason": reason}, lines)


def _bounded(lines: list[str], policy: ScanPolicy) -> list[str]:
    size = 0
    kept: list[str] = []
    for line in lines:
        size += len(line)
        if size > policy.limits.transcript_bytes:
            return [*kept, "# transcript cut here"]
        kept.append(line)
    return kept
