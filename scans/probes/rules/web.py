"""web.https_redirect and web.hsts."""

from __future__ import annotations

from ..model import Observation, Outcome, Result
from ..web import not_now
from .base import SKIP, Found, Seen, Sight, unknown, worst


def https_redirect(seen: Seen) -> Found:
    """Can the webmail be used over plain HTTP (RFC 9110 15.4, RFC 6797 7.2)?"""
    secure = {
        (o.target.host, o.target.address)
        for o in seen.named("web.cert")
        if o.outcome is Outcome.OBSERVED
    }

    def look(observation: Observation) -> Sight:
        value = observation.value
        https = (observation.target.host, observation.target.address) in secure
        if observation.outcome is Outcome.REFUSED:
            return Sight(Result.CONFORMING, "http_closed") if https else SKIP
        if observation.outcome is not Outcome.OBSERVED:
            return unknown(observation)
        status = int(value.get("status", 0))
        line = f"HTTP {status} {value.get('location', '')}".strip()
        if value.get("https"):
            last = value.get("hops", [])[-1]
            if last.get("outcome") == Outcome.OBSERVED:
                return Sight(Result.CONFORMING, "ok", line)
            return Sight(Result.UNKNOWN, "target_unknown", last.get("reason", ""))
        if any(hop.get("outcome") != Outcome.OBSERVED for hop in value.get("hops", [])):
            return Sight(Result.UNKNOWN, "chain_unknown", value["hops"][-1].get("reason", ""))
        final = int(value.get("final_status", 0))
        if not_now(final):
            return Sight(Result.UNKNOWN, "server_error", f"HTTP {final}")
        if final == 404:
            # Nothing at "/", which says nothing of a log-in page below it.
            return Sight(Result.UNKNOWN, "not_found", f"HTTP {final}")
        if str(value.get("refresh", "")).startswith("https://"):
            return Sight(Result.WARNING, "by_page", str(value["refresh"]))
        if 300 <= final < 400:
            return Sight(Result.UNKNOWN, "chain_unknown", value["hops"][-1].get("reason", ""))
        if final >= 400 and final != 401:
            return Sight(Result.CONFORMING, "nothing_served", f"HTTP {final}")
        kind = "served" if https else "no_https"
        return Sight(Result.NONCONFORMING, kind, line, {"url": value.get("url", "")})

    return worst(seen.named("web.redirect"), look)


def hsts(seen: Seen) -> Found:
    """Does HTTPS tell browsers to stay with HTTPS (RFC 6797)?"""

    def look(observation: Observation) -> Sight:
        if observation.outcome is Outcome.ABSENT:
            return Sight(Result.NONCONFORMING, "missing")
        if observation.outcome is Outcome.REFUSED:
            return SKIP
        if observation.outcome is not Outcome.OBSERVED:
            return unknown(observation)
        line = str(observation.value.get("header", ""))
        age = observation.value.get("max_age")
        if age is None:
            return Sight(Result.NONCONFORMING, "unreadable", line)
        if age == 0:
            return Sight(Result.NONCONFORMING, "switched_off", line)
        if age < seen.thresholds["hsts_seconds_min"]:
            return Sight(Result.WARNING, "short", line)
        return Sight(Result.CONFORMING, "ok", line)

    return worst(seen.named("web.hsts"), look)
