"""One foreground supervisor: starts children, watches them, stops them all together.

It restarts nothing: a child that dies ends the whole, with its name, its cause and the end of its
log, because a portal that runs without its worker looks well and is not.
"""

import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tools.common import ToolError
from tools.processes import GRACE_SECONDS, Keeper, end_groups, spawn

POLL_SECONDS = 0.05
LOG_LIMIT = 10 * 1024 * 1024
TAIL_LINES = 20


class StopRequested(BaseException):
    """Ctrl-C, SIGTERM or SIGHUP: the person wants everything to stop."""


@dataclass
class Child:
    """A started program: its name on screen, its process, its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    log_start: int
    ends: bool = False

    def tail(self) -> str:
        """The last lines that it has written since it was started."""
        with self.log.open("rb") as file:
            file.seek(self.log_start)
            lines = file.read()[-20_000:].decode(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-TAIL_LINES:])


def cause(returncode: int) -> str:
    """How a process ended, in words: its exit code or the signal that ended it."""
    if returncode >= 0:
        return f"退出码 {returncode}"
    return f"被信号 {signal.Signals(-returncode).name} 终止"


class Supervisor:
    """Use as a context manager; leaving the block stops every child, within five seconds."""

    def __init__(self, log_folder: Path) -> None:
        self.log_folder = log_folder
        self.children: list[Child] = []
        self.killed: list[str] = []
        self._grace = GRACE_SECONDS
        self._stopping = False

    def __enter__(self) -> "Supervisor":
        self.log_folder.mkdir(parents=True, exist_ok=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        # Under nohup a closed terminal is meant to change nothing.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._on_signal)
        self._keeper = Keeper()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._stop()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._stopping:
            self._grace = 0.0  # asked twice: no more patience
            return
        self._stopping = True
        raise StopRequested

    def start(self, name: str, argv: Sequence[str], *, env: Mapping[str, str]) -> Child:
        """Start a child whose output goes to <log folder>/<name>.log (rotated once at 10 MB)."""
        log = self.log_folder / f"{name}.log"
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            begun = output.tell()
            try:
                process = spawn(argv, output=output, env=env)
            except OSError as error:
                raise ToolError(f"无法启动 {name}：{error}") from None
        self._keeper.add(process.pid)
        child = Child(name, process, log, begun)
        self.children.append(child)
        return child

    def perform(self, name: str, argv: Sequence[str], *, env: Mapping[str, str], what: str) -> None:
        """Run a program to its end beside the children and under the same care.

        Arguments: name, argv and env as for start(), what (Chinese name of the step).
        Raises ToolError when it fails, or when one of the children dies meanwhile.
        """
        child = self.start(name, argv, env=env)
        child.ends = True
        while (code := child.process.poll()) is None:
            self.check()
            time.sleep(POLL_SECONDS)
        self.children.remove(child)
        self._keeper.forget(child.process.pid)
        if code:
            raise ToolError(f"{what}失败（{cause(code)}）：{shlex.join(argv)}\n{child.tail()}")

    def check(self) -> None:
        """Raise ToolError, with the end of its log, if any child has ended that should stay."""
        for child in self.children:
            code = child.process.poll()
            if code is not None and not child.ends:
                raise ToolError(
                    f"{child.name} 意外退出（{cause(code)}），全部停止。"
                    f"日志 {child.log} 的末尾：\n{child.tail()}"
                )

    def wait_until(self, ready: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Wait until ready() holds; raise ToolError when a child dies or the time is up."""
        limit = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > limit:
                raise ToolError(f"等待{what}超过 {seconds:.0f} 秒，请查看 {self.log_folder}")
            time.sleep(POLL_SECONDS)

    def watch(self) -> None:
        """Stay until a signal comes or a child dies (then raises ToolError)."""
        while True:
            self.check()
            time.sleep(0.3)

    def _stop(self) -> None:
        def reap() -> None:
            for child in self.children:
                child.process.poll()

        names = {child.process.pid: child.name for child in self.children}
        # Also groups whose leader has died already: its own children may still be there.
        left = end_groups(names, grace=lambda: self._grace, reap=reap)
        self.killed = [names[pgid] for pgid in left]
        for child in self.children:
            child.process.wait()
            self._keeper.forget(child.process.pid)
        self._keeper.close()
