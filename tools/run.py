"""`make run`: the whole portal on one machine: SQLite, a file-system broker, the practice range.

PORT and HOST say where it listens; DATABASE_URL and REDIS_URL are honoured when set. What the first
start loads is the matter of tools/preparation.py.
"""

import errno
import http.client
import os
import socket
import time
from pathlib import Path

from tools import environment
from tools.bootstrap import bootstrap
from tools.common import ROOT, VAR, ToolError, main_guard, only_one, say
from tools.preparation import Preparation
from tools.processes import stop_with_make
from tools.supervise import StopRequested, Supervisor

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
            if error.errno != errno.EADDRINUSE:
                raise ToolError(f"HOST={host} 不是本机可用的地址") from None
            free = port + 1 if port < 65535 else 8001
            raise ToolError(f"端口 {port} 已被占用，请换一个：make run PORT={free}") from None


def local(host: str) -> str:
    """Where this machine reaches what listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def child_environment(host: str, port: int) -> dict[str, str]:
    """The environment of every child process."""
    return {
        "PUBLIC_URL": f"http://{_bracketed(local(host))}:{port}",
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "emailsec.settings",
        "EMAILSEC_VAR_DIR": str(VAR),
        "PYTHONUNBUFFERED": "1",
    }


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


def start_web(supervisor: Supervisor, env: dict[str, str], host: str, port: int) -> None:
    """Start the web server; answers() tells when it serves."""
    place = f"{_bracketed(host)}:{port}"
    web = [str(environment.PYTHON), "-m", "gunicorn", "emailsec.wsgi:application", "--bind", place]
    web += ["--workers=2", "--threads=4", "--timeout=60", "--access-logfile=-"]
    # Loaded once and forked: half the work of a start.
    supervisor.start("web", [*web, "--preload", "--no-control-socket"], env=env)


def start_worker(supervisor: Supervisor, env: dict[str, str]) -> None:
    """Start the worker, which also is the scheduler."""
    worker = [str(environment.PYTHON), "-m", "celery", "-A", "emailsec", "worker", "--beat"]
    queue = env.get("CELERY_QUEUE", "emailsec")
    worker += [f"--queues={queue},{queue}-seal"]
    worker += ["--concurrency=2", f"--schedule={VAR / 'celerybeat-schedule'}", "--loglevel=INFO"]
    worker += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    supervisor.start("worker", worker, env=env)


def answers(host: str, port: int) -> bool:
    """Whether the portal answers a request for its first page."""
    connection = http.client.HTTPConnection(host, port, timeout=10)
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
        stop_with_make()
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

    def perform(name: str, argv: list[str], what: str) -> None:
        supervisor.perform(name, argv, env=env, what=what)

    preparation = Preparation(env, perform)
    preparation.recover()
    preparation.load()
    start_range(supervisor, env)
    if not preparation.has_demo():
        supervisor.wait_until(range_stands, seconds=RANGE_SECONDS, what="演练靶场")
        preparation.demo()
    start_web(supervisor, env, host, port)
    accounts = preparation.accounts()
    supervisor.wait_until(range_stands, seconds=RANGE_SECONDS, what="演练靶场")
    place = local(host)
    supervisor.wait_until(lambda: answers(place, port), seconds=PORTAL_SECONDS, what="门户响应")
    # Only now: on a busy machine it would double the time until the first page.
    start_worker(supervisor, env)
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
