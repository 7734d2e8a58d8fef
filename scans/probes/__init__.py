"""The outside view of a mail domain: a library without Django.

    from scans.probes import Target, probe_domains_sync
    results = probe_domains_sync([Target("example.com")], resolver="127.0.0.1")

`judge` is pure: stored observations get the same verdicts again. What each observation's value
holds is documented in docs/observations.md. The library asks for no authorisation; its caller must.
"""

from __future__ import annotations

from . import text
from .model import (
    EXTRAS,
    DomainResult,
    Endpoint,
    Observation,
    Outcome,
    Result,
    Target,
    Verdict,
)
from .policy import PolicyError, ScanPolicy
from .policy import load as load_policy
from .rules import JUDGES, Rule, judge
from .rules import load as load_rules
from .run import probe_domains, probe_domains_sync

__all__ = [
    "EXTRAS",
    "JUDGES",
    "DomainResult",
    "Endpoint",
    "Observation",
    "Outcome",
    "PolicyError",
    "Result",
    "Rule",
    "ScanPolicy",
    "Target",
    "Verdict",
    "judge",
    "load_policy",
    "load_rules",
    "probe_domains",
    "probe_domains_sync",
    "text",
]
