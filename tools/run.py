"""`make run`: the whole portal on one machine: SQLite, a file-system broker, the practice range.

PORT and HOST say where it listens. What it has loaded is stamped in var/prepared.json, so that
only the first start takes its time. DATABASE_URL and REDIS_URL are honoured when set.
"""

import http.client
import json
import os
import socket
import subprocess
import time
from pathlib import Path

from tools import environment
from tools.bootstrap import bootstrap
from tools.common import ROOT, VAR, ToolError, digest, main_guard, only_one, run, say
from tools.supervise import StopRequested, Supervisor

QUESTIONNAIRE = "assessments/questionnaires/2026-1.toml"
PREPARED = VAR / "prepared.json"
DATABASE = VAR / "portal.sqlite3"
RANGE = VAR / "practice"
RANGE_SECONDS = 60.0
PORTAL_SECONDS = 90.0


def address() -> tuple[str, int]:
    """HOST and PORT from the environment; raises ToolError when PORT is no port number."""
    host = os.environ.get("HOST") or "127.0.0.1"
    text = os.environ.get("PORT") or "8000"
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise ToolError(f"PORT={text} 不是有效的端口号（1–65535）")
    return host, int(text)


def require_free(host: str, port: int) -> None:
    """Raise ToolError, with what to do, when the address cannot be listened on."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror:
        raise ToolError(f"HOST={host} 不是本机可用的地址") from None
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(place)
        except PermissionError:
            raise ToolError(f"无权使用端口 {port}，请换一个：make run PORT=8000") from None
        except OSError as error:
            raise ToolError(
                f"无法使用 {host}:{port}（{error.strerror}），端口可能已被占用。"
                f"请换一个端口：make run PORT={port + 1 if port < 65535 else 8001}"
            ) from None


def child_environment(host: str, port: int) -> dict[str, str]:
    """The environment of every child process."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104
    return {
        "PUBLIC_URL": f"http://{shown}:{port}",
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "emailsec.settings",
        "EMAILSEC_VAR_DIR": str(VAR),
        "PYTHONUNBUFFERED": "1",
    }


class Preparation:
    """What the database already holds: each step with the digest of what it was made from."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        self.database = env.get("DATABASE_URL", "")
        done = json.loads(PREPARED.read_text()) if PREPARED.exists() else {}
        same = done.get("database") == digest([], self.database)
        # A removed database file takes its stamps with it.
        self.done: dict[str, str] = done if same and (self.database or DATABASE.exists()) else {}

    def step(self, what: str, command: list[str], made_from: str) -> None:
        """Run a management command unless it was already run for the same sources."""
        if self.done.get(command[0]) == made_from:
            return
        say(f"{what}……")
        run([environment.PYTHON, "manage.py", *command], what=what, env=self.env)
        self.done |= {command[0]: made_from, "database": digest([], self.database)}
        PREPARED.write_text(json.dumps(self.done, indent=1))

    def load(self) -> None:
        """Tables, divisions and questionnaire; each again when its source changes."""
        packages = ROOT / "requirements.txt"
        self.step(
            "建立数据库",
            ["migrate", "--no-input", "--verbosity=0"],
            digest([packages, *sorted(ROOT.glob("*/migrations/*.py"))]),
        )
        divisions = ROOT.glob("inventory/**/*divisions*.py")
        self.step("载入行政区划", ["load_divisions"], digest([packages, *sorted(divisions)]))
        self.step(
            "载入自查表",
            ["load_questionnaire", QUESTIONNAIRE],
            digest([ROOT / QUESTIONNAIRE]),
        )

    def has_demo(self) -> bool:
        """Whether the demonstration is in the database."""
        return "demo" in self.done

    def demo(self) -> None:
        """The demonstration's cast and cases, once; they are looked at on the practice range."""
        self.step("载入演示数据（真实探测与文书，首次约需一两分钟）", ["demo"], "1")

    def accounts(self) -> str:
        """The demonstration's accounts as text, asked once for each state of their source."""
        source = digest(sorted(ROOT.glob("emailsec/demo/*.toml")), "accounts")
        if self.done.get("accounts_source") != source:
            shown = subprocess.run(
                [environment.PYTHON, "manage.py", "demo", "--accounts"],
                cwd=ROOT,
                env=self.env,
                capture_output=True,
                text=True,
                check=False,
            )
            if shown.returncode:
                raise ToolError(f"无法列出演示账号：\n{shown.stderr.rstrip()}")
            self.done |= {"accounts_source": source, "accounts": shown.stdout.rstrip()}
            PREPARED.write_text(json.dumps(self.done, indent=1, ensure_ascii=False))
        return self.done["accounts"]


def start_range(supervisor: Supervisor, env: dict[str, str]) -> None:
    """Start the practice range; range_stands() tells when it listens."""
    RANGE.mkdir(parents=True, exist_ok=True)
    # One from an earlier start would name ports of the past.
    (RANGE / "range.json").unlink(missing_ok=True)
    python = str(environment.PYTHON)
    serve_range = [python, "-m", "practice", "serve", "--state", str(RANGE)]
    supervisor.start("practice", serve_range, env=env)


def range_stands() -> bool:
    """Whether the practice range has written where it listens, its last act of starting."""
    return (RANGE / "range.json").exists()


def start_portal(supervisor: Supervisor, env: dict[str, str], host: str, port: int) -> None:
    """Start the web server and the worker, which also is the scheduler."""
    python = str(environment.PYTHON)
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    web = [python, "-m", "gunicorn", "emailsec.wsgi:application", "--bind", place]
    web += ["--workers=2", "--threads=4", "--timeout=60", "--access-logfile=-"]
    # Loaded once and forked: half the work of a start.
    supervisor.start("web", [*web, "--preload", "--no-control-socket"], env=env)
    worker = [python, "-m", "celery", "-A", "emailsec", "worker", "--beat", "--concurrency=2"]
    worker += [f"--schedule={VAR / 'celerybeat-schedule'}", "--loglevel=INFO"]
    worker += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    supervisor.start("worker", worker, env=env)


def answers(host: str, port: int) -> bool:
    """Whether the portal answers a request for its first page."""
    connection = http.client.HTTPConnection(host or "127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def main(_arguments: list[str]) -> int:
    begun = time.monotonic()
    if os.environ.get("EMAILSEC_ENV") == "production":
        raise ToolError("make run 只用于演示和开发；生产部署见 docs/deployment.md。")
    host, port = address()
    bootstrap(dev=False)
    busy = f"这份检出已在运行（{VAR}）。请先停止它，或用 EMAILSEC_VAR_DIR 指定另一数据目录。"
    with only_one("run", busy=busy):
        require_free(host, port)
        env = child_environment(host, port)
        (VAR / "static").mkdir(exist_ok=True)  # WhiteNoise warns in each process without it
        supervisor = Supervisor(VAR / "log")
        try:
            with supervisor:
                serve(supervisor, env, host, port, begun)
        except StopRequested:
            # Celery's worker needs some seconds even without work; what it was doing is leased in
            # the database and done again, so ending it after the grace is nothing to report.
            forced = [name for name in supervisor.killed if name != "worker"]
            say("\n已停止。" if not forced else f"\n已停止（强制结束：{'、'.join(forced)}）。")
    return 0


def serve(supervisor: Supervisor, env: dict[str, str], host: str, port: int, begun: float) -> None:
    """Load what is missing, start all, say where and who, stay."""
    preparation = Preparation(env)
    preparation.load()
    start_range(supervisor, env)
    if not preparation.has_demo():
        supervisor.wait_until(range_stands, seconds=RANGE_SECONDS, what="演练靶场")
        preparation.demo()
    start_portal(supervisor, env, host, port)
    accounts = preparation.accounts()
    supervisor.wait_until(range_stands, seconds=RANGE_SECONDS, what="演练靶场")
    local = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    supervisor.wait_until(lambda: answers(local, port), seconds=PORTAL_SECONDS, what="门户响应")
    say()
    say(accounts)
    say()
    say(f"电子邮件系统安全自查与整改平台已启动（{time.monotonic() - begun:.1f} 秒）")
    say(f"  地址：{env['PUBLIC_URL']}/")
    say(f"  日志：{_shown(supervisor.log_folder)}/（web、worker、practice）")
    say("  按 Ctrl-C 停止。")
    supervisor.watch()


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


if __name__ == "__main__":
    main_guard(main)
