"""tls.versions and cert.valid over every port that was seen."""

from __future__ import annotations

from collections.abc import Callable

from ..model import Observation, Outcome, Result
from .base import SKIP, Found, Seen, Sight, unknown, worst

PREFIXES = ("smtp", "submission", "smtps", "imap", "imaps", "pop3", "pop3s", "web")

# What to say first where a certificate has several faults.
_ORDER = (
    "expired",
    "not_yet_valid",
    "self_signed",
    "unknown_issuer",
    "incomplete_chain",
    "wrong_name",
    "weak_key",
    "weak_signature",
    "unreadable",
)


def versions(seen: Seen) -> Found:
    """Is TLS 1.1 or older accepted anywhere (RFC 8996)?"""

    def look(observation: Observation) -> Sight:
        old = observation.value.get("legacy", [])
        version = str(observation.value.get("version", ""))
        if old:
            kind = "only_old" if version in old else "old_accepted"
            return Sight(Result.NONCONFORMING, kind, ", ".join(old), {"version": version})
        if not observation.value.get("legacy_tested"):
            reason = str(observation.value.get("legacy_reason", ""))
            return Sight(Result.UNKNOWN, "old_not_tested", reason, {"version": version})
        return Sight(Result.CONFORMING, "ok", version)

    return _over_ports(seen, "tls", look)


def certificate(seen: Seen) -> Found:
    """Is every certificate valid, trusted and for the right name (RFC 5280, RFC 9525)?"""

    def look(observation: Observation) -> Sight:
        value = observation.value
        problems = value.get("problems", [])
        extra = {
            "not_after": str(value.get("not_after", ""))[:10],
            "not_before": str(value.get("not_before", ""))[:10],
            "issuer": str(value.get("issuer", "")),
            "names": ", ".join(value.get("names", [])[:5]) or "（空）",
            "bits": value.get("key_bits", 0),
            "problems": problems,
        }
        line = f"{value.get('subject', '')}; {extra['not_before']} – {extra['not_after']}"
        good = {"not_after": extra["not_after"]}
        kind = next((each for each in _ORDER if each in problems), "")
        if value.get("chain_cut") and kind in ("unknown_issuer", "incomplete_chain"):
            return Sight(Result.UNKNOWN, "chain_too_long", line, extra)
        if kind:
            return Sight(Result.NONCONFORMING, kind, line, extra)
        if int(value.get("days_left", 0)) < seen.thresholds["cert_days_warn"]:
            days = {"days": value.get("days_left", 0)}
            return Sight(Result.WARNING, "ends_soon", line, extra | days)
        return Sight(Result.CONFORMING, "ok", line, good)

    return _over_ports(seen, "cert", look)


def _over_ports(seen: Seen, what: str, look: Callable[[Observation], Sight]) -> Found:
    def one(observation: Observation) -> Sight:
        if observation.outcome is Outcome.OBSERVED:
            return look(observation)
        if observation.outcome is Outcome.ABSENT:
            return SKIP  # no TLS at all is another rule's business
        closed = observation.value.get("reason") == "connection_refused"
        if observation.outcome is Outcome.REFUSED and closed and observation.target.port != 25:
            return SKIP  # a client service that is not offered
        return unknown(observation)

    names = [f"{prefix}.{what}" for prefix in PREFIXES]
    found = seen.named(*names)
    nothing: Found | None = None
    if not found and not seen.takes_no_mail:
        nothing = (Result.UNKNOWN, {"kind": "no_endpoint", "offenders": [], "unknown": []})
    return worst(found, one, nothing=nothing)
