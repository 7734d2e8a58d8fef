"""dmarc.policy."""

from __future__ import annotations

from ..model import Outcome, Result
from .base import Found, Seen, alone, unseen


def policy(seen: Seen) -> Found:
    """Does the policy that applies to the domain quarantine or reject (RFC 9989 4.7, 4.10)?"""
    dmarc = seen.first("dns.dmarc")
    if dmarc is None or not dmarc.outcome.seen:
        return unseen(dmarc)
    value = dmarc.value
    line = str(value.get("record") or "")
    several = value.get("several_at", [])
    if dmarc.outcome is Outcome.ABSENT:
        if several:
            return alone(Result.NONCONFORMING, "several", dmarc, at=several[0])
        return alone(Result.NONCONFORMING, "missing", dmarc)
    extra = {"at": value.get("at", ""), "policy": value.get("policy", "")}
    if not value.get("usable"):
        return alone(Result.NONCONFORMING, "unusable", dmarc, line=line, **extra)
    if value.get("policy") == "none":
        softened = value.get("testing") and value.get("requested_policy") != "none"
        kind = "testing" if softened else "none"
        return alone(Result.NONCONFORMING, kind, dmarc, line=line, **extra)
    if several:
        return alone(Result.WARNING, "several_inherited", dmarc, line=line, **extra)
    if value.get("testing"):
        return alone(Result.WARNING, "testing_soft", dmarc, line=line, **extra)
    percent = value.get("percent")
    if percent is not None and percent < 100:
        # RFC 9989 dropped the tag; receivers of RFC 7489 still act on it.
        return alone(Result.WARNING, "percent", dmarc, line=line, percent=percent, **extra)
    if value.get("subdomain_policy") == "none":
        return alone(Result.WARNING, "subdomains_open", dmarc, line=line, **extra)
    kind = "inherited" if value.get("inherited") else str(value.get("policy"))
    return alone(Result.CONFORMING, kind, dmarc, line=line, **extra)
