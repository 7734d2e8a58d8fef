"""Running a range: in the foreground for `serve`, in a thread of its own for tests."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import threading
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from practice.control import Control, NotRunningError, ask
from practice.fleet import Fleet
from practice.network import claim
from practice.tables import Domain, TableError, cast_from, read_domains

Answer = TypeVar("Answer")


async def _run(
    state: Path,
    net: str,
    cast: list[Domain],
    latency: float,
    ready: Callable[[Fleet], None],
    end: asyncio.Event,
) -> None:
    state.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(NotRunningError):
        running = ask(state, {"do": "describe"}, timeout=2)
        raise TableError(f"a practice range already runs in {state} (pid {running['pid']})")
    _allow_many_sockets()
    fleet = Fleet(state, claim(net), cast, latency)
    control = Control(fleet)
    try:
        await fleet.start()
        await control.start()
        ready(fleet)
        await end.wait()
    finally:
        await control.stop()
        await fleet.stop()


def _allow_many_sockets() -> None:
    """The whole cast listens on some 650 sockets; the usual limit of 1,024 leaves too few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard > soft:
        wanted = 8192 if hard == resource.RLIM_INFINITY else min(hard, 8192)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def serve(state: Path, net: str = "auto", latency: float = 0.0) -> None:
    """Serves the cast of domains.toml until SIGINT or SIGTERM.

    Arguments: state directory; `net` "auto" or "127.77.N.0/24"; `latency` in seconds. Errors:
    TableError, OSError.
    """

    def announce(fleet: Fleet) -> None:
        said = fleet.description()
        print(
            f"practice range ready: net={said['net']} resolver={said['resolver']}"
            f" domains={len(said['domains'])} state={state}",
            flush=True,
        )

    async def main() -> None:
        end = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, end.set)
        await _run(state, net, read_domains(), latency, announce, end)

    asyncio.run(main())


class Range:
    """A range that runs in a thread of this process; a context manager.

    `net`, `resolver` ("127.77.N.2:port"), `port_map` (standard port → port), `ca_file`,
    `canaries` say where it is.
    """

    def __init__(self, state: Path, net: str, cast: list[Domain], latency: float) -> None:
        self.state = state
        self._began = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._fleet: Fleet | None = None
        self._thread = threading.Thread(
            target=self._main, args=(net, cast, latency), name="practice-range", daemon=True
        )
        self._thread.start()
        self._began.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        said = self.describe()
        self.net: str = said["net"]
        self.resolver: str = said["resolver"]
        self.port_map: dict[int, int] = {int(k): v for k, v in said["port_map"].items()}
        self.ca_file = Path(said["ca_file"])
        self.port_map_file = Path(said["port_map_file"])
        self.canaries: list[str] = said["canaries"]

    def _main(self, net: str, cast: list[Domain], latency: float) -> None:
        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            self._end = asyncio.Event()
            await _run(self.state, net, cast, latency, self._ready, self._end)

        try:
            asyncio.run(main())
        except BaseException as error:  # handed to the thread that waits for the start
            self._failure = error
        finally:
            self._began.set()

    def _ready(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._began.set()

    def _call(self, work: Callable[[Fleet], Coroutine[Any, Any, Answer]]) -> Answer:
        assert self._loop is not None
        assert self._fleet is not None
        return asyncio.run_coroutine_threadsafe(work(self._fleet), self._loop).result(20)

    def describe(self) -> dict[str, Any]:
        """Returns what range.json says now."""

        async def work(fleet: Fleet) -> dict[str, Any]:
            return fleet.description()

        return self._call(work)

    def address(self, host: str) -> str:
        """Returns the address of a host, e.g. "mx.exemplary.test". Errors: KeyError."""
        for entry in self.describe()["domains"]:
            mail = entry["hosts"][f"mx.{entry['domain']}"]
            spots = dict.fromkeys(entry["services"].values(), mail) | entry["hosts"]
            if host in spots:
                return str(spots[host])
        raise KeyError(host)

    def set_posture(self, domain: str, posture: str) -> None:
        """Changes a posture; from its return on the hosts show it. Errors: TableError."""
        self._call(lambda fleet: fleet.set_posture(domain, posture))

    def stats(self) -> dict[str, Any]:
        """Returns the accounts: `totals`, `hosts`, `canaries`, `dns` (see ledger.py)."""

        async def work(fleet: Fleet) -> dict[str, Any]:
            return fleet.ledger.summary()

        return self._call(work)

    def reset_stats(self) -> None:
        """Sets every count to zero."""

        async def work(fleet: Fleet) -> None:
            fleet.ledger.reset()

        self._call(work)

    def stop(self) -> None:
        """Closes all sockets and waits for the thread; may be called twice."""
        if self._thread.is_alive() and self._loop is not None and self._end is not None:
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(20)
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_range(
    state_dir: Path,
    *,
    net: str = "auto",
    cast: Mapping[str, str] | None = None,
    latency: float = 0.0,
) -> Range:
    """Starts a range in a thread and returns when it answers.

    Arguments: `state_dir`, made if missing; `net` "auto" or "127.77.N.0/24"; `cast`, domain →
    posture, for few domains only (default: domains.toml); `latency`, seconds that connections and
    DNS answers are held back. Errors: TableError, OSError.
    """
    domains = read_domains() if cast is None else cast_from(cast)
    return Range(Path(state_dir), net, domains, latency)
