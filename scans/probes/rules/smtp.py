"""smtp.starttls, smtp.vrfy, smtp.relay."""

from __future__ import annotations

import re

from ..model import Observation, Outcome, Result
from .base import GOOD, Found, Seen, Sight, alone, unknown, unseen, worst

# Refusals of the client, its name or its sender. Many servers keep them back until RCPT (Postfix:
# smtpd_delay_reject); they say nothing of what another client would be allowed.
_ABOUT_US = re.compile(
    r"client host|sender address|helo command|\b(?:block|black)(?:ed|list)|\brbl\b|\bdnsbl\b"
    r"|spamhaus|reputation|\bspf\b|\bdmarc\b|reverse (?:dns|hostname)|\bptr\b",
    re.IGNORECASE,
)


def _about_us(line: str) -> bool:
    return "relay" not in line.lower() and _ABOUT_US.search(line) is not None


def at_mx(seen: Seen) -> Found:
    """Return what to say where no MX host left an observation on port 25."""
    if seen.takes_no_mail:
        return alone(Result.NOT_APPLICABLE, "null_mx", None)
    return unseen(seen.first("dns.mx")) if _mx_hidden(seen) else _no_mx(seen)


def _mx_hidden(seen: Seen) -> bool:
    mx = seen.first("dns.mx")
    return mx is None or not mx.outcome.seen


def _no_mx(seen: Seen) -> Found:
    return alone(Result.UNKNOWN, "no_mx_host", seen.first("dns.mx"))


def starttls(seen: Seen) -> Found:
    """Does every MX host offer STARTTLS on port 25 (RFC 3207)?

    Only a complete answer to EHLO without STARTTLS is "absent"; everything else that stops the
    session leaves it unknown.
    """

    def look(observation: Observation) -> Sight:
        if observation.outcome is Outcome.OBSERVED:
            return GOOD
        if observation.outcome is Outcome.ABSENT:
            kind = "helo_only" if observation.value.get("helo_only") else "absent"
            return Sight(Result.NONCONFORMING, kind, str(observation.value.get("line", "")))
        return unknown(observation)

    return worst(seen.named("smtp.starttls"), look, nothing=at_mx(seen))


def vrfy(seen: Seen) -> Found:
    """Do VRFY or EXPN give the directory away (RFC 5321 3.5, 7.3)?"""

    def look(observation: Observation) -> Sight:
        if not observation.outcome.seen:
            return unknown(observation)
        line = str(observation.value.get("line", ""))
        if observation.value.get("enumerable"):
            return Sight(Result.NONCONFORMING, "vrfy", line)
        if observation.value.get("expands"):
            return Sight(Result.NONCONFORMING, "expn", line)
        return GOOD

    return worst(seen.named("smtp.vrfy", "smtp.expn"), look, nothing=at_mx(seen))


def relay(seen: Seen) -> Found:
    """Does a host accept a recipient that is foreign to it, from a foreign sender?

    A 250 to RCPT means "accepts, delivery not tried"; the sentence says so.
    """

    def look(observation: Observation) -> Sight:
        if not observation.outcome.seen:
            return unknown(observation)
        line = str(observation.value.get("line", ""))
        if observation.value.get("accepted"):
            recipient = str(observation.value.get("recipient", ""))
            return Sight(Result.NONCONFORMING, "accepted", line, {"recipient": recipient})
        asks_login = observation.value.get("code") in (530, 538)
        if _about_us(line):
            return Sight(Result.UNKNOWN, "scanner_refused", line)
        if observation.value.get("stage") == "MAIL" and not asks_login:
            # Our sender was refused before the question could be put.
            return Sight(Result.UNKNOWN, "sender_refused", line)
        return Sight(Result.CONFORMING, "ok", line)

    found = seen.named("smtp.relay")
    if not found and seen.named("smtp.banner"):
        return alone(Result.NOT_APPLICABLE, "not_authorised", None)
    return worst(found, look, nothing=at_mx(seen))
