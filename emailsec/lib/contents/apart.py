"""Work on hostile input in a child process that can neither hang nor exhaust this one."""

import os
import resource
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

_DONE: Final = b"+"
_GRACE: Final = 5  # seconds of waiting beyond the processor time, on a busy machine


class GaveUp(Exception):
    """The work failed, died or took more than it was given."""


def apart(work: Callable[[], str], *, seconds: int, memory: int) -> str:
    """Return what `work` returns, worked out in a forked child.

    Args:
        work: pure computation: no database, no files, no threads.
        seconds: of processor time.
        memory: bytes on top of what this process has.

    Raises:
        GaveUp: it raised, crashed, or ran out of time or memory.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        _work(work, write, seconds, memory)
    os.close(write)
    try:
        said = _hear(read, time.monotonic() + 2 * seconds + _GRACE)
    finally:
        os.close(read)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if not said.startswith(_DONE):
        raise GaveUp
    return said[len(_DONE) :].decode()


def _work(work: Callable[[], str], write: int, seconds: int, memory: int) -> None:
    """The child's whole life. Nothing of the parent is cleaned up here: it still needs it."""
    try:
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + memory, size + memory))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.write(write, _DONE + work().encode())
    finally:
        os._exit(0)


def _hear(read: int, until: float) -> bytes:
    """All that the child writes before it ends or the moment `until` comes."""
    said = b""
    while (left := until - time.monotonic()) > 0:
        if not select.select([read], [], [], left)[0]:
            break
        block = os.read(read, 65536)
        if not block:
            break
        said += block
    return said
