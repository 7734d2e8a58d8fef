"""SPF in audit mode: the whole tree as it costs and decides for a sender that nothing lists.

A receiver stops at the first match; a forger's message matches nothing and walks everything, so
the worst case reported here is exactly the path that matters. Macros cost their lookup and are
not expanded.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from ..dns import BadName, DnsFailure, Lookup
from .check import MAX_LOOKUPS, MAX_NAMES, MAX_VOIDS
from .record import COSTLY, Record, Term, parse, select

# A network this wide (more than an eighth of all IPv4) is "everybody" in all but name.
_WIDE = {4: 3, 6: 3}


@dataclass
class Audit:
    """What the walk found.

    Args:
        records: SPF records at the domain itself, as published.
        lookups, voids: worst case along the evaluation path.
        all: qualifier of the `all` that decides, through redirects; "" where none does.
        pass_all: any address at all gets pass; `pass_by` is the term that causes it.
        problems: {domain, term, reason}; `permanent` ones make the record a permerror.
        tree: per record {domain, record, terms: [{term, cost, void, child}]}.
        lines: transcript.
    """

    records: list[str] = field(default_factory=list)
    lookups: int = 0
    voids: int = 0
    all: str = ""
    pass_all: bool = False
    pass_by: str = ""
    problems: list[dict[str, Any]] = field(default_factory=list)
    tree: dict[str, Any] | None = None
    lines: list[str] = field(default_factory=list)
    failure: str = ""

    def value(self) -> dict[str, Any]:
        """Return the `value` of the dns.spf observation."""
        return {
            "records": self.records,
            "record": self.records[0] if len(self.records) == 1 else None,
            "lookups": self.lookups,
            "void_lookups": self.voids,
            "all": self.all,
            "pass_all": self.pass_all,
            "pass_by": self.pass_by,
            "problems": self.problems,
            "tree": self.tree,
        }


async def audit(dns: Lookup, domain: str, nodes: int = 64) -> Audit:
    """Walk the SPF record of `domain` and everything that it includes.

    Args:
        dns: where to ask.
        domain: A-label domain.
        nodes: most terms followed; beyond, a problem `too_large` is noted.

    Returns:
        An Audit; `failure` is set where the domain's own TXT records could not be had.
    """
    walk = _Walk(dns, nodes)
    report = walk.report
    try:
        answer = await dns.query(domain, "TXT")
    except (DnsFailure, BadName) as error:
        report.failure = getattr(error, "reason", "bad_name")
        report.lines = [f"C: {domain} TXT?", f"# {report.failure}"]
        return report
    report.lines += answer.lines()
    report.records = select(answer.records)
    if len(report.records) != 1:
        return report
    node, all_, passes = await walk.record(domain, report.records[0], (domain,))
    report.tree, report.all = node, all_
    report.pass_all, report.pass_by = bool(passes), passes
    if report.lookups > MAX_LOOKUPS:
        walk.problem(domain, "", "too_many_lookups")
    if report.voids > MAX_VOIDS:
        walk.problem(domain, "", "too_many_voids")
    return report


class _Walk:
    def __init__(self, dns: Lookup, nodes: int) -> None:
        self.dns = dns
        self.left = nodes
        self.report = Audit()

    def problem(self, domain: str, term: str, reason: str, *, permanent: bool = True) -> None:
        entry = {"domain": domain, "term": term, "reason": reason, "permanent": permanent}
        if entry not in self.report.problems:
            self.report.problems.append(entry)

    async def record(
        self, domain: str, text: str, path: tuple[str, ...]
    ) -> tuple[dict[str, Any], str, str]:
        """Walk one record. Returns (tree node, deciding `all`, term that passes everybody)."""
        record = parse(text)
        for word, reason in record.errors:
            self.problem(domain, word, reason)
        terms: list[dict[str, Any]] = []
        node = {"domain": domain, "record": text, "terms": terms}
        passes = ""
        # Addresses of a and mx do not change the walk: ask ahead, all at once.
        ahead = record.mechanisms[:MAX_LOOKUPS]
        await asyncio.gather(*(self._prefetch(term, domain) for term in ahead))
        for term in record.mechanisms:
            if term.kind == "all":
                terms.append({"term": term.text, "cost": 0})
                return node, term.qualifier, passes or (term.text if term.qualifier == "+" else "")
            entry, everybody = await self.mechanism(term, domain, path)
            terms.append(entry)
            if everybody and term.qualifier == "+":
                passes = passes or term.text
        return await self._redirected(record, domain, path, node, passes)

    async def _redirected(
        self, record: Record, domain: str, path: tuple[str, ...], node: dict[str, Any], passes: str
    ) -> tuple[dict[str, Any], str, str]:
        if record.redirect is None:
            return node, "", passes
        self.report.lookups += 1
        entry: dict[str, Any] = {"term": record.redirect.text, "cost": 1}
        node["terms"].append(entry)
        child, all_, everybody = await self.referred(record.redirect, domain, path)
        if child is not None:
            entry["child"] = child
        return node, all_, passes or everybody

    async def mechanism(
        self, term: Term, domain: str, path: tuple[str, ...]
    ) -> tuple[dict[str, Any], bool]:
        """Walk one mechanism. Returns (entry of the tree, whether it matches everybody)."""
        cost = int(term.kind in COSTLY)
        self.report.lookups += cost
        entry: dict[str, Any] = {"term": term.text, "cost": cost}
        if term.net is not None:
            return entry, term.net.prefixlen <= _WIDE[term.net.version]
        if self.left <= 0:
            self.problem(domain, term.text, "too_large")
            return entry, False
        self.left -= 1
        if term.kind == "include":
            child, _, everybody = await self.referred(term, domain, path)
            if child is not None:
                entry["child"] = child
            return entry, bool(everybody)
        if term.kind in ("a", "mx", "exists") and not term.has_macro:
            await self._resolve(term, domain, entry)
        if term.kind == "ptr":
            self.problem(domain, term.text, "ptr_discouraged", permanent=False)
        wide = term.kind in ("a", "mx") and term.cidr[0] <= _WIDE[4] and not entry.get("void")
        return entry, wide

    async def referred(
        self, term: Term, domain: str, path: tuple[str, ...]
    ) -> tuple[dict[str, Any] | None, str, str]:
        """Follow an include or redirect. Returns (tree node or None, all, passing term)."""
        if term.has_macro:
            self.problem(domain, term.text, "macro_not_followed", permanent=False)
            return None, "", ""
        name = _plain(term.domain)
        if name in path:
            self.problem(domain, term.text, "loop")
            return None, "", ""
        if len(path) > 2 * MAX_LOOKUPS:
            self.problem(domain, term.text, "too_large")
            return None, "", ""
        try:
            answer = await self.dns.query(name, "TXT")
        except DnsFailure as failure:
            self.problem(domain, term.text, f"dns_{failure.reason}", permanent=False)
            return None, "", ""
        except BadName:
            self.problem(domain, term.text, "bad_domain")
            return None, "", ""
        self.report.lines += answer.lines()
        records = select(answer.records)
        if not answer.records:
            self.report.voids += 1
        if len(records) != 1:
            self.problem(domain, term.text, "refers_to_several" if records else "refers_to_none")
            return None, "", ""
        return await self.record(name, records[0], (*path, name))

    async def _resolve(self, term: Term, domain: str, entry: dict[str, Any]) -> None:
        name = _plain(term.domain) or domain
        try:
            if term.kind == "mx":
                answer = await self.dns.query(name, "MX")
                if len(answer.mx) > MAX_NAMES:
                    self.problem(domain, term.text, "too_many_mx")
                found = bool(answer.mx)
            else:
                kinds = ("A",) if term.kind == "exists" else ("A", "AAAA")
                answers = [await self.dns.query(name, kind) for kind in kinds]
                found = any(answer.records for answer in answers)
        except DnsFailure as failure:
            self.problem(domain, term.text, f"dns_{failure.reason}", permanent=False)
            return
        except BadName:
            self.problem(domain, term.text, "bad_domain", permanent=False)
            return
        if not found:
            self.report.voids += 1
            entry["void"] = True

    async def _prefetch(self, term: Term, domain: str) -> None:
        if term.kind not in ("a", "mx", "exists", "include") or term.has_macro or self.left <= 0:
            return
        rdtype = {"a": "A", "mx": "MX", "exists": "A", "include": "TXT"}[term.kind]
        try:
            await self.dns.query(_plain(term.domain) or domain, rdtype)
        except (DnsFailure, BadName):
            return


def _plain(spec: str) -> str:
    text = spec.replace("%%", "%").replace("%_", " ").replace("%-", "%20")
    return text.lower().removesuffix(".")
