"""ScanPolicy: every interval, budget and limit of scanning, read from one TOML file.

The loader fails closed: a missing or unknown key, or a value of another type, is an error, so
that a typing mistake can never lift a limit.
"""

from __future__ import annotations

import tomllib
import types
import typing
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

PRODUCTION = Path(__file__).resolve().parent.parent / "policy.toml"
PRACTICE = Path(__file__).resolve().parent.parent / "policy.practice.toml"


class PolicyError(ValueError):
    """The policy file is not what it must be."""


@dataclass(frozen=True, slots=True)
class Identity:
    ehlo: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Dns:
    tries: tuple[float, ...]
    tcp_timeout: float
    in_flight: int
    payload: int


@dataclass(frozen=True, slots=True)
class Budget:
    connect: float
    banner: float
    line: float
    session: float
    domain: float


@dataclass(frozen=True, slots=True)
class Limits:
    line_bytes: int
    reply_lines: int
    body_bytes: int
    chain_bytes: int
    transcript_bytes: int
    mx_hosts: int
    addresses_per_host: int
    endpoint_hosts: int
    redirects: int
    spf_nodes: int


@dataclass(frozen=True, slots=True)
class Pace:
    spacing: float
    spacing_after_4xx: float
    backoff_factor: float
    backoff_max: float
    max_wait: float
    connections_per_host: int
    slow_after_timeouts: int
    retry_delay: float


@dataclass(frozen=True, slots=True)
class Wave:
    confirm_after: int
    retest_interval: int
    interval: int
    retry_after: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GuardPolicy:
    ports: tuple[int, ...]
    internal_nets: tuple[str, ...]
    ipv6: bool


@dataclass(frozen=True, slots=True)
class Relay:
    sender: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Discover:
    smtp: tuple[str, ...]
    imap: tuple[str, ...]
    pop3: tuple[str, ...]
    webmail: tuple[str, ...]
    dkim_selectors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScanPolicy:
    """The whole file. `practice` marks the file that production refuses."""

    name: str
    practice: bool
    identity: Identity
    dns: Dns
    budget: Budget
    limits: Limits
    pace: Pace
    wave: Wave
    guard: GuardPolicy
    relay: Relay
    discover: Discover


def load(path: Path | str = PRODUCTION) -> ScanPolicy:
    """Read and check a policy file.

    Raises:
        PolicyError: unreadable file, unknown or missing key, wrong type, non-positive budget.
    """
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path}: {error}") from error
    policy: ScanPolicy = _build(ScanPolicy, data, Path(path).name)
    for name in ("connect", "banner", "line", "session", "domain"):
        if getattr(policy.budget, name) <= 0:
            raise PolicyError(f"budget.{name} must be positive")
    if not policy.dns.tries or min(policy.dns.tries) <= 0:
        raise PolicyError("dns.tries must hold positive seconds")
    for number in (policy.dns.in_flight, policy.pace.connections_per_host, *policy.guard.ports):
        if number <= 0:
            raise PolicyError("in_flight, connections_per_host and ports must be positive")
    return policy


def _build(kind: type[Any], data: object, where: str) -> Any:
    if not isinstance(data, dict):
        raise PolicyError(f"{where}: a table is needed")
    hints = typing.get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    if unknown := sorted(set(data) - set(names)):
        raise PolicyError(f"{where}: unknown keys {', '.join(unknown)}")
    if missing := [name for name in names if name not in data]:
        raise PolicyError(f"{where}: missing keys {', '.join(missing)}")
    return kind(**{name: _value(hints[name], data[name], f"{where}.{name}") for name in names})


def _value(hint: Any, raw: object, where: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, raw, where)
    if typing.get_origin(hint) is tuple:
        if not isinstance(raw, list):
            raise PolicyError(f"{where}: a list is needed")
        item = typing.get_args(hint)[0]
        return tuple(_value(item, entry, where) for entry in raw)
    if hint is float and type(raw) in (int, float):
        return float(typing.cast(float, raw))
    if isinstance(hint, type) and not isinstance(hint, types.GenericAlias) and type(raw) is hint:
        return raw
    raise PolicyError(f"{where}: {hint.__name__} is needed")
