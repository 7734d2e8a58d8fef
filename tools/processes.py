"""Child processes in groups of their own that never outlive the program that started them.

Celery's and gunicorn's children survive a `kill -9` of their parent. So every child leads a
process group, asks the kernel for a signal when its parent dies, and a keeper in a session of its
own ends all groups once the pipe that the starter holds open is closed, however that happened.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

from tools.common import ROOT, main_guard

GRACE_SECONDS = 4.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent(number: int = signal.SIGTERM) -> Callable[[], None]:
    """A preexec function that makes the kernel send the signal once the starter has died."""
    starter = os.getpid()

    def preexec() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != starter:  # it died between fork and prctl
            os._exit(1)

    return preexec


def stop_with_make() -> None:
    """Get a SIGTERM when the make that started this program is killed; without make do nothing."""
    if "MAKELEVEL" in os.environ:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def spawn(
    argv: Sequence[str],
    *,
    output: IO[bytes] | int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    user: str | None = None,
    death_signal: int = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a program as the leader of its own process group.

    Arguments: output (where stdout and stderr go, None inherits), env (the whole environment),
    user (run as this account; needs root), death_signal (sent when this program dies).
    Raises OSError when the program cannot be started.
    """
    return subprocess.Popen(
        argv,
        cwd=cwd,
        env=dict(env) if env is not None else None,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        process_group=0,
        user=user,
        group=user,
        extra_groups=[] if user else None,
        # Safe here: these programs have one thread.
        preexec_fn=die_with_parent(death_signal),
    )


def alive(pgid: int) -> bool:
    """Whether a process group still has a member that is not a zombie."""
    try:
        os.killpg(pgid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return any(state != "Z" for state in _states(pgid))


def _state(process: Path) -> tuple[str, int]:
    """State letter and process group from /proc/<pid>; OSError or ValueError when it is gone."""
    # "pid (name) state ppid pgrp ...": the name may itself hold blanks and brackets.
    state, _parent, group, *_ = (process / "stat").read_text().rpartition(")")[2].split()
    return state, int(group)


def _states(pgid: int) -> Iterable[str]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError):
                state, group = _state(entry)
                if group == pgid:
                    yield state


def end_groups(
    groups: Iterable[int], *, grace: Callable[[], float], reap: Callable[[], None]
) -> list[int]:
    """End process groups: SIGTERM first, then SIGKILL to what remains after the grace.

    The SIGTERM goes to the leader, who ends its children in order (Celery hangs when its children
    get it as well), and to the group where the leader is gone.

    Arguments: grace (seconds to wait, asked again and again, so that a second Ctrl-C can shorten
    it), reap (called while waiting, collects the starter's own children).
    Returns the groups that had to be killed.
    """
    begun = time.monotonic()
    left = list(groups)
    asked: set[tuple[int, bool]] = set()
    while True:
        reap()
        left = [pgid for pgid in left if alive(pgid)]
        for pgid in left:
            request = (pgid, _leads(pgid))
            if request not in asked:
                asked.add(request)
                _signal(os.kill if request[1] else os.killpg, pgid, signal.SIGTERM)
        if not left or time.monotonic() - begun >= grace():
            break
        time.sleep(0.05)
    for pgid in left:
        _signal(os.killpg, pgid, signal.SIGKILL)
    return left


def _leads(pgid: int) -> bool:
    """Whether the group's leader, whose number is the group's, still lives."""
    try:
        return _state(Path(f"/proc/{pgid}"))[0] != "Z"
    except (OSError, ValueError):
        return False


def _signal(how: Callable[[int, int], None], target: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        how(target, number)


class Keeper:
    """The process that ends all told groups when the one who started it is gone."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tools.processes"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def add(self, pgid: int) -> None:
        """Put a group under the keeper's care."""
        self._tell(f"+{pgid}")

    def forget(self, pgid: int) -> None:
        """Take a group that has ended out of its care; its number may be given out anew."""
        self._tell(f"-{pgid}")

    def _tell(self, line: str) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        pipe.write(line.encode() + b"\n")
        pipe.flush()

    def close(self) -> None:
        """Let the keeper go; what is still in its care, it ends."""
        pipe = self._process.stdin
        assert pipe is not None
        pipe.close()
        self._process.wait()


def _keep(_arguments: list[str]) -> int:
    def ignore(_number: int, _frame: FrameType | None) -> None:
        """A stop meant for the starter must not end the one who cleans up after it."""

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ignore)
    groups: set[int] = set()
    for line in sys.stdin:
        if line.startswith("+"):
            groups.add(int(line[1:]))
        else:
            groups.discard(int(line[1:]))
    end_groups(groups, grace=lambda: GRACE_SECONDS, reap=lambda: None)
    return 0


if __name__ == "__main__":
    main_guard(_keep)
