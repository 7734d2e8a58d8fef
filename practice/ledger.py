"""The account book: who connected where and what was said, so that tests can assert zero."""

from __future__ import annotations

import contextlib
import socket
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

#: Commands that carry a credential. USER and APOP's banner alone do not.
AUTH_VERBS = frozenset({"AUTH", "LOGIN", "AUTHENTICATE", "PASS", "APOP", "POST"})


@dataclass
class Account:
    """What one address has seen. Gaps are seconds between the starts of two connections."""

    host: str
    address: str
    connections: int = 0
    peak_open: int = 0
    shortest_gap: float | None = None
    early_talkers: int = 0
    ports: Counter[int] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)
    recent: dict[int, deque[float]] = field(default_factory=dict)
    last: float | None = None
    visitors: set[socket.socket] = field(default_factory=set)

    @property
    def open(self) -> int:
        """How many clients have not hung up yet, by the kernel's word.

        The event loop may take up a client's next connection before it has noticed the end of the
        last one; counting its own tasks would accuse a polite scanner.
        """
        return sum(_established(sock) for sock in self.visitors)

    def arrive(self, port: int, visitor: socket.socket) -> None:
        """Counts a TCP connection to a (standard) port, before a byte is read."""
        now = time.monotonic()
        if self.last is not None:
            gap = now - self.last
            self.shortest_gap = gap if self.shortest_gap is None else min(gap, self.shortest_gap)
        self.last = now
        self.connections += 1
        self.ports[port] += 1
        self.visitors.add(visitor)
        self.peak_open = max(self.peak_open, self.open)
        self.recent.setdefault(port, deque(maxlen=64)).append(now)

    def leave(self, visitor: socket.socket) -> None:
        """Forgets a connection that has ended."""
        self.visitors.discard(visitor)

    def within_a_minute(self, port: int) -> int:
        """Returns how many connections to a port began in the last 60 s, this one included."""
        since = time.monotonic() - 60
        return sum(1 for moment in self.recent.get(port, ()) if moment >= since)

    def summary(self) -> dict[str, Any]:
        """Returns the account as JSON values."""
        return {
            "address": self.address,
            "connections": self.connections,
            "open": self.open,
            "peak_open": self.peak_open,
            "shortest_gap_s": None if self.shortest_gap is None else round(self.shortest_gap, 3),
            "early_talkers": self.early_talkers,
            "ports": {str(port): count for port, count in sorted(self.ports.items())},
            "commands": dict(sorted(self.commands.items())),
            "data": self.commands["DATA"],
            "auth": sum(self.commands[verb] for verb in AUTH_VERBS),
        }


def _established(sock: socket.socket) -> bool:
    """Says whether the peer still holds a connection: no FIN and no RST has come."""
    with contextlib.suppress(OSError):
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\x01"
    return False


class Ledger:
    """All accounts of a range: hosts, canaries, DNS queries."""

    def __init__(self) -> None:
        self.hosts: dict[str, Account] = {}
        self.canaries: dict[str, Account] = {}
        self.queries: Counter[str] = Counter()

    def host(self, name: str, address: str) -> Account:
        """Returns the account of a host, opened on first use."""
        return self.hosts.setdefault(name, Account(name, address))

    def canary(self, address: str) -> Account:
        """Returns the account of an address that nobody may connect to."""
        return self.canaries.setdefault(address, Account(address, address))

    def reset(self) -> None:
        """Sets every count to zero; connections that are open now stay counted as open."""
        for account in (*self.hosts.values(), *self.canaries.values()):
            account.connections = 0
            account.peak_open = account.open
            account.shortest_gap = None
            account.last = None
            account.early_talkers = 0
            account.ports.clear()
            account.commands.clear()
            account.recent.clear()
        self.queries.clear()

    def summary(self) -> dict[str, Any]:
        """Returns all accounts as JSON values; `totals` first, then every host that saw a
        connection.
        """
        hosts = {name: account.summary() for name, account in self.hosts.items()}
        return {
            "totals": {
                "connections": sum(one["connections"] for one in hosts.values()),
                "data": sum(one["data"] for one in hosts.values()),
                "auth": sum(one["auth"] for one in hosts.values()),
                "early_talkers": sum(one["early_talkers"] for one in hosts.values()),
                "canary_connections": sum(one.connections for one in self.canaries.values()),
                "dns_queries": sum(self.queries.values()),
            },
            "hosts": {name: one for name, one in hosts.items() if one["connections"]},
            "canaries": {name: one.connections for name, one in self.canaries.items()},
            "dns": dict(sorted(self.queries.items())),
        }
