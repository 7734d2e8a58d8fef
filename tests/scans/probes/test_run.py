"""A wave's visits: what silence costs, and what is kept of it."""

from __future__ import annotations

import asyncio
import time

from scans.probes.dns import Resolver
from scans.probes.model import Observation
from scans.probes.run import Job, Wave

from .conftest import Bench


def test_what_only_the_first_visit_saw_is_kept_when_the_second_meets_silence(bench: Bench) -> None:
    async def moody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if bench.connections == 1:
            writer.write(b"220 mx.example.test ESMTP\r\n")
            await reader.readline()
            writer.write(b"250-mx.example.test\r\n250 STARTTLS\r\n")
        await reader.read()  # and not a word more

    async def main() -> list[Observation]:
        async with bench.serve(moody, 25) as (tools, _):
            resolver = Resolver("127.0.0.1:1", tools.policy.dns)
            wave = Wave(tools.policy, resolver, tools.guard, tools)
            try:
                job = Job("mx.example.test", "127.0.0.1", 25)
                return await wave._visit([job], time.monotonic() + 8)
            finally:
                await wave.close()

    seen = {one.name: one for one in asyncio.run(main())}
    assert bench.connections == 2
    assert [str(seen[f"smtp.{n}"].outcome) for n in ("banner", "ehlo")] == ["observed"] * 2
    assert str(seen["smtp.starttls"].outcome) == "timeout"
    assert (seen["smtp.banner"].attempts, seen["smtp.starttls"].attempts) == (1, 2)
