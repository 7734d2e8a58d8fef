"""check_host() of RFC 7208 section 4: what a receiver decides about one message.

The scanner itself uses `audit`; this evaluator proves parser, macros and limits against the
RFC 7208 suite and answers whether a given server may send for a domain.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace

from ..dns import Answer, BadName, DnsFailure, Lookup
from .macro import Context, expand
from .record import COSTLY, Term, parse, select

MAX_LOOKUPS = 10
MAX_VOIDS = 2
MAX_NAMES = 10

_RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}


class _Stop(Exception):
    def __init__(self, result: str) -> None:
        super().__init__(result)
        self.result = result


async def check_host(dns: Lookup, ip: str, domain: str, sender: str, helo: str) -> str:
    """Evaluate SPF for one client address.

    Args:
        dns: where to ask.
        ip: address of the SMTP client.
        domain: domain of MAIL FROM, or the HELO name for an empty MAIL FROM.
        sender: MAIL FROM mailbox, empty for bounces.
        helo: HELO name.

    Returns:
        One of none, neutral, pass, fail, softfail, temperror, permerror (RFC 7208 2.6).
    """
    address = ipaddress.ip_address(ip)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if not sender:
        sender = f"postmaster@{helo}"
    elif "@" not in sender:
        sender = f"postmaster@{sender}"
    elif sender.startswith("@"):
        sender = f"postmaster{sender}"
    context = Context(address, sender, helo, domain)
    try:
        return await _Check(dns).evaluate(context)
    except _Stop as stop:
        return stop.result


@dataclass
class _Check:
    dns: Lookup
    lookups: int = 0
    voids: int = 0

    async def evaluate(self, context: Context) -> str:
        labels = context.domain.removesuffix(".").split(".")
        if len(labels) < 2 or not all(0 < len(label) < 64 for label in labels):
            return "none"
        try:
            answer = await self.dns.query(context.domain, "TXT")
        except BadName:
            return "none"
        except DnsFailure:
            return "temperror"
        records = select(answer.records)
        if not records:
            return "none"
        if len(records) > 1:
            return "permerror"
        record = parse(records[0])
        if record.errors:
            return "permerror"
        for term in record.mechanisms:
            if await self.matches(term, context):
                return _RESULTS[term.qualifier]
        if record.redirect is not None:
            self.spend()
            domain = await self.target(record.redirect, context)
            result = await self.evaluate(replace(context, domain=domain))
            return "permerror" if result == "none" else result
        return "neutral"

    async def matches(self, term: Term, context: Context) -> bool:
        if term.kind in COSTLY:
            self.spend()
        if term.kind == "all":
            return True
        if term.net is not None:
            return context.ip.version == term.net.version and context.ip in term.net
        domain = await self.target(term, context)
        if term.kind == "include":
            result = await self.evaluate(replace(context, domain=domain))
            if result in ("temperror", "permerror", "none"):
                raise _Stop("permerror" if result == "none" else result)
            return result == "pass"
        if term.kind == "exists":
            answer = await self.ask(domain, "A")
            return answer is not None and bool(answer.records)
        if term.kind == "a":
            return await self.address_in(domain, term, context, count_void=True)
        if term.kind == "mx":
            answer = await self.ask(domain, "MX")
            if answer is None:
                return False
            if len(answer.mx) > MAX_NAMES:
                raise _Stop("permerror")
            for _, name in answer.mx:
                if name and await self.address_in(name, term, context, count_void=False):
                    return True
            return False
        names = await self.validated_names(context)
        wanted = domain.lower().removesuffix(".")
        return any(name == wanted or name.endswith("." + wanted) for name in names)

    async def address_in(
        self, name: str, term: Term, context: Context, *, count_void: bool
    ) -> bool:
        six = context.ip.version == 6
        answer = await self.ask(name, "AAAA" if six else "A", count_void=count_void)
        if answer is None:
            return False
        return any(
            context.ip in ipaddress.ip_network((record, term.cidr[six]), strict=False)
            for record in answer.records
        )

    async def target(self, term: Term, context: Context) -> str:
        if not term.domain:
            return context.domain
        if "%{p" in term.domain.lower():
            names = await self.validated_names(context)
            context = replace(context, validated=_choose(names, context.domain))
        return expand(term.domain, context)

    async def validated_names(self, context: Context) -> list[str]:
        """Return the PTR names whose addresses contain the client's (5.5); errors match nothing."""
        try:
            answer = await self.ask(context.ip.reverse_pointer, "PTR", count_void=False)
        except _Stop as stop:
            if stop.result == "temperror":
                return []
            raise
        rdtype = "AAAA" if context.ip.version == 6 else "A"
        names: list[str] = []
        for name in (answer.records if answer else ())[:MAX_NAMES]:
            try:
                forward = await self.dns.query(name, rdtype)
            except (DnsFailure, BadName):
                continue
            if any(ipaddress.ip_address(record) == context.ip for record in forward.records):
                names.append(name.lower().removesuffix("."))
        return names

    async def ask(self, name: str, rdtype: str, *, count_void: bool = True) -> Answer | None:
        """Ask for a term; None where the expanded name cannot exist (4.8)."""
        try:
            answer = await self.dns.query(name, rdtype)
        except BadName:
            return None
        except DnsFailure as failure:
            raise _Stop("temperror") from failure
        if count_void and not answer.records:
            self.voids += 1
            if self.voids > MAX_VOIDS:
                raise _Stop("permerror")
        return answer

    def spend(self) -> None:
        self.lookups += 1
        if self.lookups > MAX_LOOKUPS:
            raise _Stop("permerror")


def _choose(names: list[str], domain: str) -> str:
    """Pick the name of %{p}: the domain itself, else below it, else any (7.3)."""
    wanted = domain.lower().removesuffix(".")
    below = [name for name in names if name.endswith("." + wanted)]
    if wanted in names:
        return wanted
    return (below or names or ["unknown"])[0]
