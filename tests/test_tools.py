"""The programs behind `make`, tried on real processes, ports and folders."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import (
    audit,
    common,
    environment,
    frontend,
    main_line,
    processes,
    run,
    services,
    supervise,
    system,
)

ROOT = Path(__file__).resolve().parent.parent

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


def eventually(condition: object, seconds: float) -> bool:
    """Whether a condition comes to hold within the time."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


def running(pid: int) -> bool:
    """Whether a process exists and is not a zombie that waits to be collected."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


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


# --- Processes ------------------------------------------------------------------------------


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


# --- make run -------------------------------------------------------------------------------


@pytest.mark.parametrize("port", ["0", "65536", "abc", "-1", "8 0", "８０００"])
def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(common.ToolError, match="不是有效的端口号"):
        run.address()


def test_host_and_port_are_honoured_and_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    monkeypatch.setenv("HOST", "")
    assert run.address() == ("127.0.0.1", 8000)
    monkeypatch.setenv("PORT", "8123")
    monkeypatch.setenv("HOST", "127.0.0.9")
    assert run.address() == ("127.0.0.9", 8123)
    assert run.child_environment("127.0.0.9", 8123)["PUBLIC_URL"] == "http://127.0.0.9:8123"


def test_a_taken_port_is_told_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(common.ToolError) as raised:
            run.require_free("127.0.0.1", port)
    assert f"make run PORT={port + 1 if port < 65535 else 8001}" in str(raised.value)
    run.require_free("127.0.0.1", port)


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(common.ToolError, match=r"192\.0\.2\.1"):
        run.require_free("192.0.2.1", 8000)
    with pytest.raises(common.ToolError, match="HOST="):
        run.require_free("no such host", 8000)


def test_make_run_refuses_production() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "run"],
        cwd=ROOT,
        env={**os.environ, "EMAILSEC_ENV": "production"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "只用于演示" in done.stderr


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The management commands that the preparation would run, in a var folder of its own."""
    calls: list[str] = []
    monkeypatch.setattr(run, "run", lambda argv, **_: calls.append(argv[2]))
    monkeypatch.setattr(run, "PREPARED", tmp_path / "prepared.json")
    monkeypatch.setattr(run, "DATABASE", tmp_path / "portal.sqlite3")
    return calls


ALL_STEPS = ["migrate", "load_divisions", "load_questionnaire", "demo"]


def prepare(env: dict[str, str]) -> None:
    preparation = run.Preparation(env)
    preparation.load()
    preparation.demo()


def test_data_is_loaded_once(commands: list[str], tmp_path: Path) -> None:
    (tmp_path / "portal.sqlite3").touch()
    prepare({})
    assert commands == ALL_STEPS
    prepare({})
    assert commands == ALL_STEPS


def test_a_removed_or_other_database_is_loaded_again(commands: list[str], tmp_path: Path) -> None:
    (tmp_path / "portal.sqlite3").touch()
    prepare({})
    (tmp_path / "portal.sqlite3").unlink()
    prepare({})
    assert commands == ALL_STEPS * 2
    prepare({"DATABASE_URL": "postgresql://elsewhere/portal"})
    assert commands == ALL_STEPS * 3


def test_only_what_changed_is_loaded_again(
    commands: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "portal.sqlite3").touch()
    prepare({})
    commands.clear()
    changed = tmp_path / "2026-2.toml"
    changed.write_text("version = '2026-2'")
    monkeypatch.setattr(run, "QUESTIONNAIRE", str(changed))
    prepare({})
    assert commands == ["load_questionnaire"]


def test_accounts_are_asked_once(
    commands: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "portal.sqlite3").touch()
    prepare({})
    asked: list[str] = []

    def answer(argv: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(argv[-1])
        return subprocess.CompletedProcess(argv, 0, "jia-tianbao 填报人\n", "")

    monkeypatch.setattr(run.subprocess, "run", answer)
    assert run.Preparation({}).accounts() == "jia-tianbao 填报人"
    assert run.Preparation({}).accounts() == "jia-tianbao 填报人"
    assert asked == ["--accounts"]


def test_a_step_that_failed_is_not_stamped(
    commands: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "portal.sqlite3").touch()

    def fail(argv: list[str], **_: object) -> None:
        if argv[2] == "load_questionnaire":
            raise common.ToolError("载入自查表失败")
        commands.append(argv[2])

    with monkeypatch.context() as patch:
        patch.setattr(run, "run", fail)
        with pytest.raises(common.ToolError):
            prepare({})
    prepare({})
    assert commands == ALL_STEPS


# --- make demo-reset ------------------------------------------------------------------------


def demo_reset(var: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-m", "tools.demo_reset"],
        cwd=ROOT,
        env={**env, "EMAILSEC_VAR_DIR": str(var), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def filled_var(tmp_path: Path) -> Path:
    for name in ("portal.sqlite3", "portal.sqlite3-wal", "prepared.json", "uploads/unit/file.pdf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "fonts").mkdir()
    return tmp_path


def test_demo_reset_removes_data_and_keeps_fonts(filled_var: Path) -> None:
    done = demo_reset(filled_var)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in filled_var.iterdir()} == {"fonts", "run.lock"}


def test_demo_reset_touches_no_database_of_anyone(filled_var: Path) -> None:
    before = {path.name for path in filled_var.iterdir()}
    assert demo_reset(filled_var, DATABASE_URL="postgresql://db/portal").returncode != 0
    assert demo_reset(filled_var, EMAILSEC_ENV="production").returncode != 0
    assert {path.name for path in filled_var.iterdir()} == before


def test_demo_reset_waits_for_nobody(filled_var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "VAR", filled_var)
    with common.only_one("run", busy=""):
        done = demo_reset(filled_var)
    assert done.returncode != 0
    assert "正在运行" in done.stderr
    assert (filled_var / "portal.sqlite3").exists()


# --- Bootstrap ------------------------------------------------------------------------------


def test_a_second_bootstrap_does_nothing_quickly() -> None:
    env = {**os.environ, "EMAILSEC_VENV": str(Path(sys.prefix))}
    env.pop("EMAILSEC_VAR_DIR", None)
    command = [sys.executable, "-m", "tools.bootstrap"]
    subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True)
    begun = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    assert time.monotonic() - begun < 1
    assert done.stdout == ""


def absent() -> bool:
    return False


MUST = system.Need("排版", "libpango-1.0-0", absent)
WISH = system.Need("解析器", "unbound", absent, must=False)


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """The apt-get calls that would be made, in a var folder of its own."""
    calls: list[list[str]] = []
    monkeypatch.setattr(system, "run", lambda argv, **_: calls.append(list(argv)))
    monkeypatch.setattr(system, "VAR", tmp_path)
    monkeypatch.setattr(system.shutil, "which", lambda name, **_: f"/usr/bin/{name}")
    return calls


def test_without_root_the_one_command_is_named(
    monkeypatch: pytest.MonkeyPatch, installs: list[list[str]]
) -> None:
    monkeypatch.setattr(system.os, "geteuid", lambda: 1000)
    with pytest.raises(common.ToolError) as raised:
        system.ensure([MUST, WISH])
    assert str(raised.value).endswith(
        "\n  sudo apt-get update && sudo apt-get install -y libpango-1.0-0 unbound"
    )
    assert installs == []


def test_without_root_a_wish_stops_nobody_and_is_told_once(
    monkeypatch: pytest.MonkeyPatch,
    installs: list[list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(system.os, "geteuid", lambda: 1000)
    system.ensure([WISH])
    assert "unbound" in capsys.readouterr().out
    system.ensure([WISH])
    assert capsys.readouterr().out == ""


def test_as_root_what_is_missing_is_installed(
    monkeypatch: pytest.MonkeyPatch, installs: list[list[str]]
) -> None:
    monkeypatch.setattr(system.os, "geteuid", lambda: 0)
    answers = iter([False, True])
    system.ensure([system.Need("排版", "libpango-1.0-0", lambda: next(answers))])
    assert installs == [
        ["apt-get", "update"],
        ["apt-get", "install", "-y", "--no-install-recommends", "libpango-1.0-0"],
    ]


def test_an_installed_package_that_does_not_help_is_told(
    monkeypatch: pytest.MonkeyPatch, installs: list[list[str]]
) -> None:
    monkeypatch.setattr(system.os, "geteuid", lambda: 0)
    with pytest.raises(common.ToolError, match="仍不可用"):
        system.ensure([MUST])


def test_a_library_that_is_not_there_is_seen() -> None:
    assert not system.library("libnothing-of-the-kind.so.0")()
    assert system.library("libharfbuzz-subset.so.0")()
    assert system.noto_fonts()


def test_environment_without_ensurepip_is_filled_from_outside(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on Debian with python3-pip but without python3-venv."""
    venv = tmp_path / "venv"
    monkeypatch.setattr(environment, "VENV", venv)
    monkeypatch.setattr(environment, "PYTHON", venv / "bin" / "python")
    monkeypatch.setattr(environment, "can_make_venv", lambda: False)
    monkeypatch.setattr(environment, "has_pip", lambda: True)
    environment.create()
    assert environment.exists()
    assert environment._pip()[1:4] == ["-m", "pip", "--python"]
    monkeypatch.setattr(environment, "has_pip", lambda: False)
    monkeypatch.setattr(environment, "_debian_pip_wheel", lambda _folder: None)
    with pytest.raises(common.ToolError, match="apt-get install -y python3-venv"):
        environment.create()
    assert not venv.exists()


# --- Front-end files ------------------------------------------------------------------------


def test_collected_files_refer_to_nothing_that_is_missing() -> None:
    for target in frontend.SERVED:
        path = frontend.VENDOR / target
        assert path.is_file(), target
        text = path.read_bytes()
        assert b"sourceMappingURL" not in text
        if path.suffix == ".css":
            for reference in re.findall(rb"url\(\"?([^)\"?]+)", text):
                if not reference.startswith((b"data:", b"#")):
                    assert (path.parent / reference.decode()).is_file(), reference


def test_a_file_missing_from_the_packages_stops_the_collection(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(frontend, "MODULES", tmp_path / "node_modules")
    monkeypatch.setattr(frontend, "VENDOR", tmp_path / "vendor")
    with pytest.raises(common.ToolError, match="bootstrap"):
        frontend.collect(with_tests=False)


# --- Locks, audit, help ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "lock", ["requirements.txt", "requirements-dev.txt", "tools/requirements-node.txt"]
)
def test_python_locks_pin_and_hash_everything_and_name_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    requirements = [line for line in text.splitlines() if not line.startswith(" ")]
    assert requirements
    for line in requirements:
        assert re.match(r"[a-z0-9.\-]+==\S+", line), line
        assert line.endswith("\\"), line


def test_front_end_lock_names_no_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    for name, package in lock["packages"].items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-")


def test_audit_counts_what_it_skipped_as_a_failure() -> None:
    report = {
        "dependencies": [
            {"name": "sound", "version": "1", "vulns": []},
            {
                "name": "unsound",
                "version": "2",
                "vulns": [{"id": "CVE-2026-1", "fix_versions": ["2.1"]}],
            },
            {"name": "unknown", "skip_reason": "not found"},
        ]
    }
    lines = audit.complaints(report)
    assert len(lines) == 2
    assert "unsound 2：CVE-2026-1，修复版本 2.1" in lines
    assert "1 个包未能审计" in lines[1]
    assert "unknown" in lines[1]


def test_main_line_figures_are_complete_or_a_failure() -> None:
    line = "steps=31 pdfs=3 users=5 seconds=48"
    assert main_line.figures(["...", f"{line}", "1 passed in 50 s"]) == line
    for wrong in ("1 passed", line.replace("users=5", "users=4"), line.replace("pdfs=3", "pdfs=0")):
        with pytest.raises(common.ToolError):
            main_line.figures([wrong])
    assert (ROOT / main_line.JOURNEY).is_file()


def test_help_tells_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony is not None
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert set(re.findall(r"make (\S+)", shown)) == set(phony[1].split()) - {"python"}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_pages_link_to_what_exists(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_ci_runs_what_the_readme_says() -> None:
    script = (ROOT / ".ci" / "run").read_text().strip().splitlines()
    assert script[-1] == "exec make test"
    assert "make test " in (ROOT / "README.md").read_text()


def test_an_old_python_is_told() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "run", "PYTHON=/bin/false"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "需要 Python 3.11" in done.stderr


# --- Services of the tests ------------------------------------------------------------------


def test_the_suite_gets_a_database_name_of_its_own() -> None:
    url = services.with_name("postgresql://u:p%40x@db:5432/portal?sslmode=require", services.NAME)
    assert url == f"postgresql://u:p%40x@db:5432/{services.NAME}?sslmode=require"
    assert re.fullmatch(r"emailsec_[0-9a-f]{8}", services.NAME)


@pytest.mark.slow
def test_own_redis_starts_empty_and_leaves_nothing() -> None:
    if services.shutil.which("redis-server") is None:
        pytest.skip("no redis-server")
    with services.own_redis() as url:
        port = int(url.rpartition(":")[2].partition("/")[0])
        assert services.empty_redis_index(port) == 15
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"SELECT 15\r\nSET somebody here\r\n")
            assert connection.recv(100).startswith(b"+OK")
        assert eventually(lambda: services.empty_redis_index(port) == 14, 2)
    assert not services.listening(port)


# --- House rules of the suite ---------------------------------------------------------------

ORDINARY = """
import os, pytest

@pytest.mark.skip(reason="no printer")
def test_skipped():
    pass

@pytest.mark.xfail(reason="known")
def test_expected():
    assert False
"""
JOURNEY = """
import os, pytest

@pytest.mark.e2e
@pytest.mark.parametrize("n", range(4))
def test_journey(n):
    with open(os.environ["SEEN"], "a") as file:
        file.write(os.environ["PYTEST_XDIST_WORKER"] + chr(10))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("required", "code"), [("1", 1), ("", 0)])
def test_skips_fail_where_required_and_journeys_share_a_worker(
    tmp_path: Path, required: str, code: int
) -> None:
    (tmp_path / "test_a.py").write_text(ORDINARY)
    (tmp_path / "test_b.py").write_text(JOURNEY)
    (tmp_path / "test_c.py").write_text(JOURNEY)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  e2e: x\n")
    seen = tmp_path / "seen"
    env = {**os.environ, "REQUIRE_SERVICES": required, "SEEN": str(seen), "PYTHONPATH": str(ROOT)}
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"):
        env.pop(name, None)
    command = [sys.executable, "-m", "pytest", "-p", "tools.pytest_house", "-p", "no:django"]
    done = subprocess.run(
        [*command, "-n", "2", "-q", str(tmp_path)],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout
    expected = "8 passed, 1 xfailed, 1 error" if required else "8 passed, 1 skipped, 1 xfailed"
    assert expected in done.stdout
    assert ("was skipped, but REQUIRE_SERVICES=1" in done.stdout) == bool(required)
    workers = seen.read_text().split()
    assert len(workers) == 8
    assert len(set(workers)) == 1


@pytest.mark.slow
def test_fast_means_without_database_browser_and_patience(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(
        "import pytest\n"
        "@pytest.fixture\ndef db(): pass\n"
        "@pytest.fixture\ndef world(db): pass\n"
        "def test_plain(): pass\n"
        "def test_rows(world): pass\n"
        "@pytest.mark.slow\ndef test_slow(): pass\n"
        "@pytest.mark.e2e\ndef test_journey(): pass\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  e2e: x\n  slow: y\n")
    command = [sys.executable, "-m", "pytest", "-p", "tools.pytest_house", "-p", "no:django"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"):
        env.pop(name, None)
    done = subprocess.run(
        [*command, "--fast", "-v", str(tmp_path)],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed, 3 deselected" in done.stdout
    assert "test_plain PASSED" in done.stdout
