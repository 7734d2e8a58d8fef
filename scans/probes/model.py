"""What a probe hands over: observations and verdicts, in memory and as JSON.

An observation is what was seen, with its raw transcript; it never says good or bad. A verdict is
what a rule says of observations. Both survive a round trip through JSON, so that stored
observations can be judged again by a newer rule version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

#: Extras that need a written authorisation of their own (docs/observations.md).
EXTRAS = ("smtp.relay", "smtp.spoof", "host.ports", "web.admin")
#: Those of them that a look carries out; the others are reserved names.
CARRIED_OUT = frozenset({"smtp.relay"})


class Outcome(StrEnum):
    """How an attempt to observe ended. Only OBSERVED and ABSENT say something about the target."""

    OBSERVED = "observed"
    ABSENT = "absent"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    TEMP_FAILURE = "temp_failure"
    PROTOCOL_ERROR = "protocol_error"
    DNS_FAILURE = "dns_failure"
    BLOCKED_BY_GUARD = "blocked_by_guard"

    @property
    def seen(self) -> bool:
        """True when the thing was seen to be there or seen to be missing."""
        return self in (Outcome.OBSERVED, Outcome.ABSENT)


class Result(StrEnum):
    """What a rule says. UNKNOWN is never folded into another value."""

    CONFORMING = "conforming"
    NONCONFORMING = "nonconforming"
    WARNING = "warning"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where something was observed. `address` and `port` are None for DNS observations.

    `port` is the logical port (25, 587, …) even where the practice range maps it elsewhere.
    """

    host: str
    address: str | None = None
    port: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form, keys as documented in docs/observations.md."""
        return {"host": self.host, "address": self.address, "port": self.port}


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing seen, or not to be seen, at one endpoint.

    Args:
        name: fixed observation name, for example `smtp.starttls`.
        target: where.
        outcome: how the attempt ended.
        value: JSON-ready dict, schema per name in docs/observations.md.
        transcript: bounded lines, `C: ` sent, `S: ` received, `# ` our remark.
        at: UTC time of the observation, ISO 8601.
        attempts: number of attempts that led to this outcome.
    """

    name: str
    target: Endpoint
    outcome: Outcome
    value: Mapping[str, Any] = field(default_factory=dict)
    transcript: Sequence[str] = ()
    at: str = ""
    attempts: int = 1

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form that `from_json` reads."""
        return {
            "name": self.name,
            "target": self.target.to_json(),
            "outcome": str(self.outcome),
            "value": dict(self.value),
            "transcript": list(self.transcript),
            "at": self.at,
            "attempts": self.attempts,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Observation:
        """Read the JSON form. Raises KeyError or ValueError on a malformed one."""
        target = data["target"]
        return cls(
            name=data["name"],
            target=Endpoint(target["host"], target.get("address"), target.get("port")),
            outcome=Outcome(data["outcome"]),
            value=data.get("value") or {},
            transcript=tuple(data.get("transcript") or ()),
            at=data.get("at", ""),
            attempts=data.get("attempts", 1),
        )


def observe(
    name: str,
    target: Endpoint,
    outcome: Outcome,
    value: Mapping[str, Any] | None = None,
    transcript: Sequence[str] = (),
) -> Observation:
    """Return an observation of now, its texts made safe to store and show.

    What a server says may hold NUL, escape sequences or line separators, which databases refuse
    and terminals obey.
    """
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    lines = tuple(printable(line) for line in transcript)
    return Observation(name, target, outcome, _clean(value or {}), lines, at)


def printable(text: str) -> str:
    r"""Return `text` with every character that is not printable written as \xNN or \uNNNN."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode()
        for char in text
    )


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {str(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule version says of one domain.

    `params` always has `kind` (which sentence of rules.toml applies) and may have `offenders`,
    `warnings` and `unknown`: lists of {host, address, port, observation, kind, line, …}.
    """

    rule: str
    version: int
    result: Result
    params: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form that `from_json` reads."""
        return {
            "rule": self.rule,
            "version": self.version,
            "result": str(self.result),
            "params": dict(self.params),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Verdict:
        """Read the JSON form. Raises KeyError or ValueError on a malformed one."""
        return cls(data["rule"], data["version"], Result(data["result"]), data.get("params") or {})


@dataclass(frozen=True, slots=True)
class Target:
    """One mail domain to look at.

    Args:
        domain: mail domain, U-label or A-label; stored as A-label.
        dkim_selectors: selectors known from the inventory.
        smtp: declared submission hosts (ports 465 and 587).
        imap: declared IMAP hosts (143 and 993).
        pop3: declared POP3 hosts (110 and 995).
        webmail: declared webmail addresses, host names or http(s) URLs.
        extras: members of EXTRAS for which an authorisation exists.
        discover: look for undeclared services (SRV records, usual names). The portal passes False:
            an authorisation names its hosts.
    """

    domain: str
    dkim_selectors: tuple[str, ...] = ()
    smtp: tuple[str, ...] = ()
    imap: tuple[str, ...] = ()
    pop3: tuple[str, ...] = ()
    webmail: tuple[str, ...] = ()
    extras: frozenset[str] = frozenset()
    discover: bool = True


@dataclass(frozen=True, slots=True)
class DomainResult:
    """All that one wave saw of one domain and what the rules say of it."""

    domain: str
    observations: tuple[Observation, ...]
    verdicts: tuple[Verdict, ...]
    started: str
    finished: str

    def to_json(self) -> dict[str, Any]:
        """Return the object that the command prints as one line."""
        return {
            "domain": self.domain,
            "observations": [observation.to_json() for observation in self.observations],
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
            "started": self.started,
            "finished": self.finished,
        }
