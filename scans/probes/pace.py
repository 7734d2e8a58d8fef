"""Politeness: one connection at a time per address, spacing, back-off, a cap per host.

State lives in one object per wave. A deployment with several workers keeps the hosts of a wave
in one worker, so that this object sees every connection to an address.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from .policy import Pace


class Held(Exception):
    """The pacer allows no connection now.

    Args:
        reason: `backoff` (the host asked us to slow down), `connection_budget` or `slow_host`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class _State:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    connections: int = 0
    free_at: float = 0.0
    silent: int = 0
    backoff: dict[int, float] = field(default_factory=dict)  # port → seconds
    port_free_at: dict[int, float] = field(default_factory=dict)


class Pacer:
    """Hands out connection slots per address.

    Args:
        pace: the `[pace]` table of the policy, seconds and counts.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._states: dict[str, _State] = {}

    def connections(self, address: str) -> int:
        """Return how many connections were opened to `address` in this wave."""
        return self._states[address].connections if address in self._states else 0

    @asynccontextmanager
    async def slot(self, address: str, port: int) -> AsyncIterator[None]:
        """Wait for the turn at `address`; hold it while the body runs.

        Spacing and the cap hold for the address; a back-off holds for the port that asked for it.

        Raises:
            Held: the budget is used up, the host is in the slow lane, or the wait is too long.
        """
        state = self._states.setdefault(address, _State())
        async with state.lock:
            if state.connections >= self._pace.connections_per_host:
                raise Held("connection_budget")
            if state.silent >= self._pace.slow_after_timeouts:
                raise Held("slow_host")
            free_at = max(state.free_at, state.port_free_at.get(port, 0.0))
            wait = free_at - time.monotonic()
            if wait > self._pace.max_wait:
                raise Held("backoff")
            if wait > 0:
                await asyncio.sleep(wait)
            state.connections += 1
            try:
                yield
            finally:
                state.free_at = time.monotonic() + self._pace.spacing

    def rate_limited(self, address: str, port: int) -> None:
        """Note a 421, 450 or 4.7.x: the next connection waits, four times as long each time."""
        state = self._states.setdefault(address, _State())
        longer = state.backoff.get(port, 0.0) * self._pace.backoff_factor
        wait = min(max(self._pace.spacing_after_4xx, longer), self._pace.backoff_max)
        state.backoff[port] = wait
        state.port_free_at[port] = time.monotonic() + wait

    def silent(self, address: str) -> None:
        """Note a session in which the host accepted and then said nothing in time."""
        self._states.setdefault(address, _State()).silent += 1

    def spoke(self, address: str) -> None:
        """Note that the host answered: the count of silent sessions starts again."""
        self._states.setdefault(address, _State()).silent = 0

    def forgive(self, address: str) -> None:
        """Take a host out of the slow lane for its one later retry."""
        state = self._states.setdefault(address, _State())
        state.silent = max(0, self._pace.slow_after_timeouts - 1)
