"""Helpers of the probe tests: a zone in a dict, scripted servers on loopback, a hasty policy."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from scans.probes.certs import TrustStore
from scans.probes.dns import Answer, BadName, DnsFailure
from scans.probes.guard import Guard
from scans.probes.model import Endpoint
from scans.probes.pace import Pacer
from scans.probes.policy import PRACTICE, ScanPolicy, load
from scans.probes.session import Tools

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Zone:
    """Answers from {name: {type: [values]}}; a value that is an exception is raised.

    Names that are neither in the dict nor above one of its names do not exist (RFC 8020).
    """

    def __init__(self, names: Mapping[str, Mapping[str, Any]]) -> None:
        self.names = names
        self.asked: list[tuple[str, str]] = []

    async def query(self, name: str, rdtype: str) -> Answer:
        self.asked.append((name, rdtype))
        if len(name) > 253 or not all(0 < len(label) < 64 for label in name.split(".")):
            raise BadName(name)
        if name not in self.names:
            exists = any(other.endswith("." + name) for other in self.names)
            return Answer(name, rdtype, exists)
        values = self.names[name].get(rdtype, [])
        if isinstance(values, DnsFailure):
            raise values
        if rdtype == "MX":
            return Answer(name, "MX", True, tuple(f"{p} {h}" for p, h in values), tuple(values))
        return Answer(name, rdtype, True, tuple(values))


@pytest.fixture
def policy() -> ScanPolicy:
    """The practice policy with budgets of fractions of a second."""
    base = load(PRACTICE)
    budget = dataclasses.replace(
        base.budget, connect=1.0, banner=0.4, line=0.4, session=3.0, domain=8.0
    )
    pace = dataclasses.replace(base.pace, spacing_after_4xx=0.05, retry_delay=0.05, max_wait=0.5)
    return dataclasses.replace(base, budget=budget, pace=pace)


class Bench:
    """Runs one scripted server and gives the tools that reach it as logical port `port`."""

    def __init__(self, policy: ScanPolicy) -> None:
        self.policy = policy
        self.connections = 0
        self.received: list[bytes] = []

    @asynccontextmanager
    async def serve(self, handler: Handler, port: int) -> AsyncIterator[tuple[Tools, Endpoint]]:
        async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            try:
                await handler(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(counted, "127.0.0.1", 0)
        real = server.sockets[0].getsockname()[1]
        pacer = Pacer(self.policy.pace)
        guard = Guard(self.policy, pacer, ["127.0.0.1/32"], {port: real})
        try:
            yield (
                Tools(self.policy, guard, pacer, TrustStore(system=False)),
                Endpoint("mx.example.test", "127.0.0.1", port),
            )
        finally:
            server.close()
            await server.wait_closed()

    def script(self, *steps: bytes | float, banner_first: bool = True) -> Handler:
        """Return a handler: send the first step, then after each received line the next one.

        A float waits that long; the connection closes after the last step.
        """

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            waiting = not banner_first
            for step in steps:
                if isinstance(step, float):
                    await asyncio.sleep(step)
                    continue
                if waiting:
                    line = await reader.readline()
                    self.received.append(line)
                    if not line:
                        return
                waiting = True
                writer.write(step)
                await writer.drain()

        return handler


@pytest.fixture
def bench(policy: ScanPolicy) -> Bench:
    return Bench(policy)
