"""Children that never outlive their starter, tried on real processes."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.common import ROOT, eventually, running
from tools import common, processes, supervise

# A child that ignores SIGTERM and has a child of its own that does so as well.
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pid = os.fork()
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()}\\n")
time.sleep(120)
"""
# A supervisor that starts one such child and stays.
SUPERVISED = """
import sys
from pathlib import Path
from tools.supervise import Supervisor, StopRequested
folder = Path(sys.argv[1])
supervisor = Supervisor(folder / "log")
try:
    with supervisor:
        program = (folder / "child.py").read_text()
        supervisor.start("child", [sys.executable, "-c", program, str(folder / "pids")], env={})
        (folder / "up").touch()
        supervisor.watch()
except StopRequested:
    print("stopped, killed:", supervisor.killed)
"""


@contextlib.contextmanager
def supervised(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A running supervisor and the process numbers of its child and grandchild."""
    (folder / "child.py").write_text(STUBBORN)
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISED, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    pids = folder / "pids"
    try:
        assert eventually(lambda: pids.exists() and pids.read_text().count("\n") == 2, 15)
        yield process, [int(line) for line in pids.read_text().split()]
    finally:
        for pid in [process.pid, *(int(line) for line in pids.read_text().split())]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopping_ends_even_stubborn_grandchildren(tmp_path: Path, number: int) -> None:
    with supervised(tmp_path) as (process, pids):
        begun = time.monotonic()
        process.send_signal(number)
        output, _ = process.communicate(timeout=10)
        assert time.monotonic() - begun < 5.5
        assert output == "stopped, killed: ['child']\n"
        assert eventually(lambda: not any(map(running, pids)), 1)


@pytest.mark.slow
def test_a_second_request_ends_the_patience(tmp_path: Path) -> None:
    with supervised(tmp_path) as (process, pids):
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
        assert time.monotonic() - begun < 2
        assert eventually(lambda: not any(map(running, pids)), 1)


@pytest.mark.slow
def test_killing_the_supervisor_leaves_no_orphan(tmp_path: Path) -> None:
    with supervised(tmp_path) as (process, pids):
        process.kill()
        process.wait()
        assert eventually(lambda: not any(map(running, pids)), processes.GRACE_SECONDS + 2)


def test_the_kernel_tells_a_child_that_its_starter_died(tmp_path: Path) -> None:
    """Without any keeper: the starter is killed and its quick child follows."""
    starter = (
        "import sys, time; from tools.processes import spawn\n"
        "print(spawn([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True)\n"
        "time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", starter], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    assert running(pid)
    process.kill()
    process.communicate()
    assert eventually(lambda: not running(pid), 3)


@pytest.fixture
def signals() -> Iterator[None]:
    """Give back the handlers that a supervisor inside this process has taken."""
    taken = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in taken}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("program", "cause"),
    [
        ("print('out of paper'); raise SystemExit(3)", "退出码 3"),
        ("import os; print('out of paper', flush=True); os.kill(os.getpid(), 9)", "SIGKILL"),
    ],
)
@pytest.mark.usefixtures("signals")
def test_a_dead_child_is_named_with_cause_and_log(tmp_path: Path, program: str, cause: str) -> None:
    log = tmp_path / "printer.log"
    log.write_text("from an earlier day\n")
    with supervise.Supervisor(tmp_path) as supervisor:
        supervisor.start("printer", [sys.executable, "-c", program], env={})
        with pytest.raises(common.ToolError) as raised:
            supervisor.watch()
    message = str(raised.value)
    assert "printer 意外退出" in message
    assert cause in message
    assert "out of paper" in message
    assert "from an earlier day" not in message


@pytest.mark.usefixtures("signals")
def test_waiting_ends_when_a_child_dies_or_time_is_up(tmp_path: Path) -> None:
    with supervise.Supervisor(tmp_path) as supervisor:
        with pytest.raises(common.ToolError, match="门户"):
            supervisor.wait_until(lambda: False, seconds=0.2, what="门户")
        supervisor.start("brief", [sys.executable, "-c", ""], env={})
        with pytest.raises(common.ToolError, match="brief"):
            supervisor.wait_until(lambda: False, seconds=20, what="门户")


@pytest.mark.usefixtures("signals")
def test_a_program_is_run_to_its_end_beside_the_children(tmp_path: Path) -> None:
    with supervise.Supervisor(tmp_path) as supervisor:
        supervisor.start("stays", [sys.executable, "-c", "import time; time.sleep(60)"], env={})
        done = "from pathlib import Path; Path(__import__('os').environ['OUT']).touch()"
        out = tmp_path / "out"
        argv = [sys.executable, "-c", done]
        supervisor.perform("load", argv, env={"OUT": str(out)}, what="载入")
        assert out.exists()
        supervisor.check()
        argv = [sys.executable, "-c", "raise SystemExit('no paper')"]
        with pytest.raises(common.ToolError, match=r"载入失败（退出码 1）(.|\n)*no paper"):
            supervisor.perform("load", argv, env={}, what="载入")


@pytest.mark.usefixtures("signals")
def test_a_child_that_dies_ends_the_program_that_needs_it(tmp_path: Path) -> None:
    with supervise.Supervisor(tmp_path) as supervisor:
        brief = [sys.executable, "-c", "import time; time.sleep(0.3)"]
        supervisor.start("range", brief, env={})
        long = [sys.executable, "-c", "import time; time.sleep(60)"]
        with pytest.raises(common.ToolError, match="range 意外退出"):
            supervisor.perform("load", long, env={}, what="载入")
        [_, loading] = supervisor.children
    assert not running(loading.process.pid)


@pytest.mark.parametrize("made", [True, False])
def test_a_killed_make_takes_its_program_along(made: bool) -> None:
    program = (
        "import time; from tools.processes import stop_with_make\n"
        "stop_with_make(); print(flush=True); time.sleep(60)"
    )
    starter = (
        "import subprocess, sys, time\n"
        "print(subprocess.Popen([sys.executable, '-c', sys.argv[1]]).pid, flush=True)\n"
        "time.sleep(60)"
    )
    env = {key: value for key, value in os.environ.items() if key != "MAKELEVEL"}
    process = subprocess.Popen(
        [sys.executable, "-c", starter, program],
        cwd=ROOT,
        env=env | ({"MAKELEVEL": "1"} if made else {}),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.stdout.readline()  # it has asked the kernel
    process.kill()
    process.wait()
    try:
        assert eventually(lambda: not running(pid), 3 if made else 0.3) == made
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        process.stdout.close()


@pytest.mark.slow
def test_under_nohup_a_closed_terminal_changes_nothing(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup hands on
    try:
        with supervised(tmp_path) as (process, _):
            assert eventually((tmp_path / "up").exists, 5)
            process.send_signal(signal.SIGHUP)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)
    finally:
        signal.signal(signal.SIGHUP, before)
