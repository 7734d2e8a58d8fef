"""`make run` from a clean clone: SQLite, no broker, the log-in page, and nothing left behind."""

import contextlib
import http.client
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.tools.common import ROOT, eventually
from tools.services import free_port

FIRST_START_SECONDS = 600
SECOND_START_SECONDS = 120
STOP_SECONDS = 6.0
# Ten seconds on two cores, with room. Work is counted instead of time, because the suite's other
# worker has the same cores.
START_BUDGET = 16.0
# A person's terminal has none of these; the suite's environment does.
NOT_PASSED_ON = {"DATABASE_URL", "REDIS_URL", "EMAILSEC_VAR_DIR", "EMAILSEC_ENV", "CELERY_QUEUE"}
NOT_PASSED_ON |= {"DJANGO_SETTINGS_MODULE", "DJANGO_ALLOW_ASYNC_UNSAFE", "MAKEFLAGS", "MAKELEVEL"}

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of what is committed, with the downloads of this checkout to spare the network."""
    folder = tmp_path_factory.mktemp("clone") / "portal"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    shutil.copytree(ROOT / "static_build", folder / "static_build")
    if (ROOT / "var" / "fonts").is_dir():
        shutil.copytree(ROOT / "var" / "fonts", folder / "var" / "fonts")
    return folder


def processes_of(clone: Path) -> dict[int, str]:
    """The living processes that serve this clone, found by their environment, and their names."""
    mark = f"EMAILSEC_VAR_DIR={clone / 'var'}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            # A zombie has an empty environment.
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found[int(entry.name)] = command
    return found


def terminal_environment(clone: Path) -> dict[str, str]:
    """What a person's terminal would hand on, and the environment that saves the installation."""
    env = {key: value for key, value in os.environ.items() if key not in NOT_PASSED_ON}
    return env | {"EMAILSEC_VENV": sys.prefix, "EMAILSEC_VAR_DIR": str(clone / "var")}


class Run:
    """A `make run` in a session of its own, as a terminal would have it."""

    def __init__(self, clone: Path, port: int) -> None:
        self.clone = clone
        self.port = port
        self.output = clone.parent / f"output-{port}-{time.monotonic_ns()}"
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                ["make", "run", f"PORT={port}"],
                cwd=clone,
                env=terminal_environment(clone),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def text(self) -> str:
        return self.output.read_text()

    def wait_until_started(self, seconds: float) -> float:
        """Wait for the line that says it serves; returns the seconds that it names."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            if started := re.search(r"已启动（([\d.]+) 秒）", self.text()):
                return float(started[1])
            assert self.process.poll() is None, self.text()
            time.sleep(0.1)
        raise AssertionError(f"not started within {seconds} s:\n{self.text()}")

    def get(self, path: str) -> tuple[int, str, str]:
        """Ask the portal for a path; returns status, Location and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location", ""), answer.read().decode()
        finally:
            connection.close()

    def supervisor(self) -> int:
        """The process number of the program behind `make run`."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return int(children.split()[0])

    def end(self) -> None:
        """Leave nothing behind, whatever the test found."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pid in processes_of(self.clone):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def make_run(clone: Path, port: int) -> Iterator[Run]:
    run = Run(clone, port)
    try:
        yield run
    finally:
        run.end()


def make_run_refused(clone: Path, port: int) -> str:
    """A `make run` that is expected to end by itself; gives its output."""
    done = subprocess.run(
        ["make", "run", f"PORT={port}"],
        cwd=clone,
        env=terminal_environment(clone),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    return done.stdout + done.stderr


def processor_seconds(pids: Iterable[int]) -> float:
    """What processes have used of the processor, with their children that have ended."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime
    return ticks / os.sysconf("SC_CLK_TCK")


def left_after(clone: Path, seconds: float) -> dict[int, str]:
    """What still lives of the clone's processes after at most this time."""
    limit = time.monotonic() + seconds
    while (left := processes_of(clone)) and time.monotonic() < limit:
        time.sleep(0.05)
    return left


def units(clone: Path) -> int:
    """How many units the embedded database holds."""
    with contextlib.closing(sqlite3.connect(clone / "var" / "portal.sqlite3")) as connection:
        count: int = connection.execute("SELECT count(*) FROM inventory_unit").fetchone()[0]
        return count


def test_clean_clone_serves_the_login_page_and_stops(clone: Path) -> None:
    port = free_port()
    with make_run(clone, port) as run:
        # The first of all starts is killed in the middle of its load; the next makes it good.
        assert eventually(lambda: "载入演示数据" in run.text(), FIRST_START_SECONDS), run.text()
        assert eventually(lambda: units(clone) > 0, 60), run.text()
        os.kill(run.supervisor(), signal.SIGKILL)
        assert left_after(clone, STOP_SECONDS + 1) == {}
    with make_run(clone, port) as run:
        run.wait_until_started(FIRST_START_SECONDS)
        assert "被中断，现在重新开始" in run.text()
        assert f"http://127.0.0.1:{port}/" in run.text()
        status, location, _ = run.get("/")
        assert status == 302
        status, _, page = run.get(location)
        assert status == 200
        assert "登录" in page
        assert 'type="password"' in page
        assert run.get("/static/vendor/bootstrap.min.css")[0] == 200

        commands = " ".join(processes_of(clone).values())
        for program in ("gunicorn", "celery", "practice serve"):
            assert program in commands
        assert (clone / "var" / "portal.sqlite3").exists()
        assert (clone / "var" / "practice" / "range.json").exists()

        # A second start of the same checkout is told, not run into the first one's data.
        assert "已在运行" in make_run_refused(clone, free_port())

        begun = time.monotonic()
        os.killpg(run.process.pid, signal.SIGINT)  # Ctrl-C reaches make and its program
        run.process.wait(timeout=STOP_SECONDS + 5)
        assert time.monotonic() - begun < STOP_SECONDS
        assert "已停止" in run.text()
        assert left_after(clone, 1) == {}


def test_second_start_is_quick_and_a_killed_supervisor_leaves_no_orphan(clone: Path) -> None:
    if not (clone / "var" / "prepared.json").exists():
        pytest.fail("the first start did not load its data")
    port = free_port()
    with make_run(clone, port) as run:
        run.wait_until_started(SECOND_START_SECONDS)
        assert "载入" not in run.text()
        assert len(processes_of(clone)) >= 6
        assert processor_seconds(processes_of(clone)) < START_BUDGET
        os.kill(run.supervisor(), signal.SIGKILL)
        assert left_after(clone, STOP_SECONDS + 1) == {}
