"""Politeness: one at a time, spacing, the cap, back-off and the slow lane."""

from __future__ import annotations

import asyncio
import dataclasses
import time

import pytest

from scans.probes.pace import Held, Pacer
from scans.probes.policy import Pace, load


def pace(**changes: float) -> Pace:
    return dataclasses.replace(load().pace, **{"spacing": 0.0, **changes})


def test_one_connection_at_a_time_per_address() -> None:
    async def main() -> tuple[int, int]:
        pacer, open_now, most = Pacer(pace()), {"a": 0, "b": 0}, {"a": 0, "both": 0}

        async def visit(address: str) -> None:
            async with pacer.slot(address, 25):
                open_now[address] += 1
                most["a"] = max(most["a"], open_now["a"])
                most["both"] = max(most["both"], sum(open_now.values()))
                await asyncio.sleep(0.01)
                open_now[address] -= 1

        await asyncio.gather(*(visit(address) for address in "aaaabbbb"))
        return most["a"], most["both"]

    assert asyncio.run(main()) == (1, 2)


def test_spacing_between_two_connections() -> None:
    async def main() -> float:
        pacer = Pacer(pace(spacing=0.1))
        async with pacer.slot("a", 25):
            pass
        started = time.monotonic()
        async with pacer.slot("a", 587):
            return time.monotonic() - started

    assert asyncio.run(main()) >= 0.09


def test_the_cap_of_connections_per_host() -> None:
    async def main() -> int:
        pacer = Pacer(pace(connections_per_host=3))
        for _ in range(3):
            async with pacer.slot("a", 25):
                pass
        with pytest.raises(Held) as caught:
            async with pacer.slot("a", 25):
                pass
        assert caught.value.reason == "connection_budget"
        return pacer.connections("a")

    assert asyncio.run(main()) == 3


def test_backoff_grows_fourfold_and_holds_for_the_port_that_asked() -> None:
    async def main() -> None:
        pacer = Pacer(pace(spacing_after_4xx=0.05, backoff_factor=4.0, max_wait=0.3))
        pacer.rate_limited("a", 25)
        started = time.monotonic()
        async with pacer.slot("a", 25):
            assert time.monotonic() - started >= 0.04
        pacer.rate_limited("a", 25)
        pacer.rate_limited("a", 25)  # 0.05 → 0.2 → 0.8, longer than this wave waits
        with pytest.raises(Held) as caught:
            async with pacer.slot("a", 25):
                pass
        assert caught.value.reason == "backoff"
        started = time.monotonic()
        async with pacer.slot("a", 993):
            assert time.monotonic() - started < 0.04

    asyncio.run(main())


def test_a_silent_host_goes_to_the_slow_lane_until_forgiven_once() -> None:
    async def main() -> None:
        pacer = Pacer(pace(slow_after_timeouts=2))
        pacer.silent("a")
        pacer.spoke("a")
        pacer.silent("a")
        async with pacer.slot("a", 25):
            pass
        pacer.silent("a")
        with pytest.raises(Held) as caught:
            async with pacer.slot("a", 25):
                pass
        assert caught.value.reason == "slow_host"
        pacer.forgive("a")
        async with pacer.slot("a", 25):
            pass
        pacer.silent("a")
        with pytest.raises(Held):
            async with pacer.slot("a", 25):
                pass

    asyncio.run(main())
