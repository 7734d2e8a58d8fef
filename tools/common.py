"""Paths, messages, stamps and the one lock that the programs of this folder share."""

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _folder(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or ROOT / default).resolve()


VAR = _folder("EMAILSEC_VAR_DIR", "var")
VENV = _folder("EMAILSEC_VENV", ".venv")


class ToolError(Exception):
    """The program cannot go on; its text says why and what to do, and is shown as it is."""


def say(text: str = "") -> None:
    """Print one line at once, also when the output is a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def digest(paths: Iterable[Path], *extra: str) -> str:
    """SHA-256 (hex) over the names and contents of files, in the given order, and extra texts.

    A missing file counts as absent rather than as an error: its later arrival changes the digest.
    """
    total = hashlib.sha256()
    for path in paths:
        content = path.read_bytes() if path.is_file() else b"\0absent"
        total.update(path.name.encode() + b"\0" + hashlib.sha256(content).digest())
    for text in extra:
        total.update(text.encode() + b"\0")
    return total.hexdigest()


def stamped(stamp: Path, value: str) -> bool:
    """Whether the stamp file holds this value, that is, whether the work was done for it."""
    try:
        return stamp.read_text().strip() == value
    except OSError:
        return False


def write_stamp(stamp: Path, value: str) -> None:
    """Record that the work is done; written last, so that a broken run is repeated."""
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(value + "\n")


@contextlib.contextmanager
def only_one(name: str, *, busy: str) -> Iterator[None]:
    """Hold var/<name>.lock for the block; another holder makes this raise ToolError(busy)."""
    VAR.mkdir(parents=True, exist_ok=True)
    with (VAR / f"{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ToolError(busy) from None
        yield


@contextlib.contextmanager
def waiting_turn(name: str) -> Iterator[None]:
    """Hold var/<name>.lock for the block, waiting for another holder to finish first."""
    VAR.mkdir(parents=True, exist_ok=True)
    with (VAR / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(
    command: Sequence[str | Path],
    *,
    what: str,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    quiet: bool = True,
) -> None:
    """Run a command to its end.

    Arguments: command (argv), what (Chinese name of the step, for the error), env (added to the
    environment), quiet (keep the output and show it only on failure).
    Raises ToolError with the end of the output when the command fails or does not exist.
    """
    argv = [str(part) for part in command]
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if quiet else None,
            stderr=subprocess.STDOUT if quiet else None,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise ToolError(f"{what}失败：无法启动 {argv[0]}（{error.strerror}）") from None
    if done.returncode:
        tail = "\n".join((done.stdout or "").splitlines()[-25:])
        cause = f"{what}失败（退出码 {done.returncode}）：{' '.join(argv)}"
        raise ToolError(f"{cause}\n{tail}".rstrip())


def main_guard(main: Callable[[list[str]], int]) -> None:
    """Run a main function; a ToolError is shown as its text, Ctrl-C as one line; both fail."""
    try:
        sys.exit(main(sys.argv[1:]))
    except ToolError as stop:
        sys.stderr.write(f"{stop}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("已中断。\n")
        sys.exit(130)
