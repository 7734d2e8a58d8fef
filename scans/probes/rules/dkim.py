"""dkim.key."""

from __future__ import annotations

from typing import Any

from ..model import Observation, Outcome, Result
from .base import Found, Seen, Sight, alone, place, unknown, unseen


def key(seen: Seen) -> Found:
    """Is there at least one sound key (RFC 6376 3.6.1, RFC 8301 3.2)?

    One good key makes the domain conforming, a bad one beside it a warning: keys are rotated.
    """
    found = seen.named("dns.dkim")
    if not found:
        return unseen(None)
    sights = [(observation, _look(observation, seen)) for observation in found]
    good = [pair for pair in sights if pair[1].result is Result.CONFORMING]
    bad = [pair for pair in sights if pair[1].result is Result.NONCONFORMING]
    weak = [pair for pair in sights if pair[1].result is Result.WARNING]
    hidden = [pair for pair in sights if pair[1].result is Result.UNKNOWN]
    if not good and not weak and _sends_nothing(seen):
        return alone(Result.NOT_APPLICABLE, "parked", None)
    warnings = [place(*pair) for pair in weak + (bad if good or weak else [])]
    params: dict[str, Any] = {
        "offenders": [place(*pair) for pair in bad] if not good and not weak and not hidden else [],
        "warnings": warnings,
        "unknown": [place(*pair) for pair in hidden],
        "good": [place(*pair) for pair in good],
        "checked": len(sights),
    }
    if good:
        if warnings:
            return Result.WARNING, {"kind": warnings[0]["kind"], **params}
        return Result.CONFORMING, {"kind": "ok", **params}
    if weak:
        return Result.WARNING, {"kind": weak[0][1].kind, **params}
    if hidden:
        return Result.UNKNOWN, {"kind": hidden[0][1].kind, **params}
    return Result.NONCONFORMING, {"kind": bad[0][1].kind, **params}


def _look(observation: Observation, seen: Seen) -> Sight:
    value = observation.value
    selector = value.get("selector") or ""
    extra = {"selector": selector, "bits": value.get("bits", 0)}
    if not observation.outcome.seen:
        return unknown(observation)
    if observation.outcome is Outcome.ABSENT:
        kind = "selector_missing" if selector else "missing"
        return Sight(Result.NONCONFORMING, kind, "", extra)
    if not selector:
        # _domainkey has something below it, but no usual name: only the unit knows which.
        return Sight(Result.UNKNOWN, "selector_unknown", "", extra)
    line = str(value.get("record", ""))
    serious = {"bad_key", "no_key", "unknown_key_type", "bad_version", "not_for_mail"}
    dead = "revoked" if value.get("revoked") else ""
    if serious & set(value.get("problems", [])):
        dead = "broken"
    if dead and value.get("declared", True):
        return Sight(Result.NONCONFORMING, dead, line, extra)
    if dead:
        # A usual name that is out of use: the key that signs may have a name of the unit's own.
        return Sight(Result.UNKNOWN, "selector_unknown", line, extra)
    if value.get("key_type") == "rsa":
        if value.get("bits", 0) < seen.thresholds["dkim_rsa_bits_min"]:
            return Sight(Result.NONCONFORMING, "too_short", line, extra)
        if value.get("bits", 0) < seen.thresholds["dkim_rsa_bits_advised"]:
            return Sight(Result.WARNING, "short", line, extra)
    if value.get("testing"):
        return Sight(Result.WARNING, "testing", line, extra)
    if value.get("problems"):
        return Sight(Result.WARNING, "untidy", line, extra)
    return Sight(Result.CONFORMING, "ok", line, extra)


def _sends_nothing(seen: Seen) -> bool:
    """A parked domain: null MX and an SPF record that lists nobody (`v=spf1 -all`)."""
    spf = seen.first("dns.spf")
    record = str(spf.value.get("record") or "") if spf is not None else ""
    return seen.takes_no_mail and record.lower().split() == ["v=spf1", "-all"]
