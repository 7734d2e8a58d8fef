"""Verdict rules: pure functions over observations; their texts and versions are data.

The same observations always get the same verdicts, also when they come back from JSON, so that
a new rule version is judged over what was stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..model import Observation, Verdict
from . import dkim, dmarc, login, mx, smtp, spf, tls, web
from .base import Found, Seen
from .catalog import Catalog, Rule, load

#: Rule id → function, in the order in which verdicts are given.
JUDGES: Mapping[str, Callable[[Seen], Found]] = {
    "mx.valid": mx.valid,
    "mx.forbidden_address": mx.forbidden_address,
    "spf.policy": spf.policy,
    "spf.lookups": spf.lookups,
    "dkim.key": dkim.key,
    "dmarc.policy": dmarc.policy,
    "smtp.starttls": smtp.starttls,
    "smtp.auth_before_tls": login.smtp_auth,
    "submission.auth_before_tls": login.submission_auth,
    "imap.plain_login": login.imap_login,
    "pop3.plain_login": login.pop3_login,
    "smtp.vrfy": smtp.vrfy,
    "smtp.relay": smtp.relay,
    "tls.versions": tls.versions,
    "cert.valid": tls.certificate,
    "web.https_redirect": web.https_redirect,
    "web.hsts": web.hsts,
}


def judge(observations: Iterable[Observation | Mapping[str, Any]]) -> list[Verdict]:
    """Say what every rule says of one domain's observations.

    Args:
        observations: of one domain and one wave, as objects or in their JSON form.

    Returns:
        One verdict per rule, in the order of JUDGES.

    Raises:
        KeyError, ValueError: a malformed JSON form.
    """
    objects = [o if isinstance(o, Observation) else Observation.from_json(o) for o in observations]
    catalog = load()
    seen = Seen(objects, catalog.thresholds)
    verdicts = []
    for name, function in JUDGES.items():
        result, params = function(seen)
        verdicts.append(Verdict(name, catalog.rules[name].version, result, params))
    return verdicts


__all__ = ["JUDGES", "Catalog", "Rule", "judge", "load"]
