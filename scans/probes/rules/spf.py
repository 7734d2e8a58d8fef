"""spf.policy and spf.lookups."""

from __future__ import annotations

from typing import Any

from ..model import Observation, Outcome, Result
from .base import Found, Seen, alone, unseen


def policy(seen: Seen) -> Found:
    """Does the record ask receivers to reject what it does not list (RFC 7208 5.1, 8)?

    `~all` counts as enforced where DMARC quarantines or rejects: receivers then act on DMARC.
    """
    spf = seen.first("dns.spf")
    if spf is None or not spf.outcome.seen:
        return unseen(spf)
    if spf.outcome is Outcome.ABSENT:
        return alone(Result.NONCONFORMING, "missing", spf)
    records = spf.value.get("records", [])
    line = " | ".join(records)
    if len(records) > 1:
        return alone(Result.NONCONFORMING, "several", spf, line=line, count=len(records))
    if spf.value.get("pass_all"):
        term = spf.value.get("pass_by", "")
        return alone(Result.NONCONFORMING, "pass_all", spf, line=line, term=term)
    ending = spf.value.get("all", "")
    if ending == "-":
        return alone(Result.CONFORMING, "ok", spf, line=line)
    if not ending and (failure := _cut_off(spf)):
        return alone(Result.UNKNOWN, "redirect_unknown", spf, line=failure["term"])
    if ending == "~":
        return _softfail(seen, spf, line)
    return alone(Result.NONCONFORMING, "neutral" if ending else "no_all", spf, line=line)


def _softfail(seen: Seen, spf: Observation, line: str) -> Found:
    dmarc = seen.first("dns.dmarc")
    if dmarc is None or not dmarc.outcome.seen:
        return alone(Result.UNKNOWN, "softfail_unknown", spf, line=line)
    if dmarc.value.get("policy") in ("quarantine", "reject"):
        return alone(Result.CONFORMING, "softfail_dmarc", spf, line=line)
    return alone(Result.NONCONFORMING, "softfail", spf, line=line)


def _cut_off(spf: Observation) -> dict[str, Any] | None:
    """Return the problem that hid where a redirect leads, if one did."""
    problems = spf.value.get("problems", [])
    return next(
        (
            problem
            for problem in problems
            if str(problem["term"]).lower().startswith("redirect=")
            and (problem["reason"].startswith("dns_") or problem["reason"] == "macro_not_followed")
        ),
        None,
    )


def lookups(seen: Seen) -> Found:
    """Can the record be evaluated at all (RFC 7208 4.6.4, permerror)?"""
    spf = seen.first("dns.spf")
    if spf is None or not spf.outcome.seen:
        return unseen(spf)
    records = spf.value.get("records", [])
    if not records:
        return alone(Result.NOT_APPLICABLE, "no_record", None)
    line = " | ".join(records)
    if len(records) > 1:
        return alone(Result.NONCONFORMING, "several", spf, line=line, count=len(records))
    counts = {"lookups": spf.value.get("lookups", 0), "voids": spf.value.get("void_lookups", 0)}
    problems = spf.value.get("problems", [])
    permanent = [problem for problem in problems if problem.get("permanent")]
    if permanent:
        first = permanent[0]
        kind = first["reason"] if first["reason"] in _KINDS else "syntax"
        return alone(
            Result.NONCONFORMING,
            kind,
            spf,
            line=line,
            term=first["term"],
            at=first["domain"],
            **counts,
        )
    hidden = [problem for problem in problems if problem["reason"].startswith("dns_")]
    if hidden:
        term = hidden[0]["term"]
        return alone(Result.UNKNOWN, "reference_unknown", spf, line=term, term=term, **counts)
    return alone(Result.CONFORMING, "ok", spf, line=line, **counts)


_KINDS = frozenset(
    {
        "too_many_lookups",
        "too_many_voids",
        "too_many_mx",
        "refers_to_none",
        "refers_to_several",
        "loop",
        "too_large",
    }
)
