"""What the tests of the tools share."""

import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def eventually(condition: Callable[[], object], seconds: float) -> bool:
    """Whether a condition comes to hold within the time."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if condition():
            return True
        time.sleep(0.05)
    return False


def running(pid: int) -> bool:
    """Whether a process exists and is not a zombie that waits to be collected."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
