"""Passwords in the clear: AUTH before TLS on 25 and 587, plain log-in on 143 and 110."""

from __future__ import annotations

from ..model import Observation, Outcome, Result
from .base import GOOD, SKIP, Found, Seen, Sight, unknown, worst
from .smtp import at_mx

# SCRAM and the like do not send the password; an offer before TLS is then no leak by itself.
_PLAIN = frozenset({"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"})


def _auth(observation: Observation) -> Sight:
    if observation.outcome is Outcome.ABSENT:
        return GOOD
    if observation.outcome is Outcome.OBSERVED:
        offered = observation.value.get("mechanisms", [])
        line = str(observation.value.get("line", ""))
        if _PLAIN & set(offered):
            return Sight(Result.NONCONFORMING, "plain", line)
        return Sight(Result.WARNING, "challenge", line)
    return unknown(observation)


def smtp_auth(seen: Seen) -> Found:
    """Does an MX host offer AUTH on port 25 before TLS (RFC 4954 4)?"""
    return worst(seen.named("smtp.auth_before_tls"), _auth, nothing=at_mx(seen))


def submission_auth(seen: Seen) -> Found:
    """Does port 587 offer AUTH before TLS (RFC 8314 3.3)? A closed port is no offer."""

    def look(observation: Observation) -> Sight:
        return (
            SKIP
            if observation.outcome is Outcome.REFUSED and _closed(observation)
            else _auth(observation)
        )

    return worst(seen.named("submission.auth_before_tls"), look)


def imap_login(seen: Seen) -> Found:
    """May a password be sent on 143 before TLS (RFC 3501 11.1, RFC 8314 3.2)?"""
    return worst(seen.named("imap.auth_before_tls"), _plain_login)


def pop3_login(seen: Seen) -> Found:
    """May a password be sent on 110 before TLS (RFC 2595 2.2, RFC 8314 3.1)?"""
    return worst(seen.named("pop3.auth_before_tls"), _plain_login)


def _plain_login(observation: Observation) -> Sight:
    if _closed(observation):
        return SKIP
    if observation.outcome is Outcome.ABSENT:
        return GOOD
    if observation.outcome is Outcome.OBSERVED:
        return Sight(Result.NONCONFORMING, "plain", str(observation.value.get("line", "")))
    return unknown(observation)


def _closed(observation: Observation) -> bool:
    reason = observation.value.get("reason")
    return observation.outcome is Outcome.REFUSED and reason == "connection_refused"
