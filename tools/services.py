"""PostgreSQL and Redis for the tests: the given ones, else local ones, else own ones.

No database of anyone is touched: the suite only ever gets a database name of its own (Django puts
test_ before it) and, on a Redis that it did not start, an index that holds no key.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tools import environment
from tools.common import ROOT, ToolError, run
from tools.processes import Keeper, end_groups, spawn

LOCAL = "127.0.0.1"
POSTGRES_PORT = 5432
REDIS_PORT = 6379
START_SECONDS = 20.0
# Own name for each checkout, so that two of them can run their suites at the same time.
NAME = "emailsec_" + hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]

_CAN_CREATE = """
import sys, psycopg2
with psycopg2.connect(sys.argv[1], connect_timeout=3) as connection:
    cursor = connection.cursor()
    cursor.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
    sys.exit(not cursor.fetchone()[0])
"""


def listening(port: int) -> bool:
    """Whether something listens on a loopback TCP port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOCAL, port)) == 0


def postgres_programs() -> Path | None:
    """The folder of the newest installed PostgreSQL server (initdb and postgres)."""
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(installed, key=lambda path: int(path.parts[-3]), default=None)
    if newest is None and (found := shutil.which("initdb")):
        newest = Path(found)
    return newest.parent if newest else None


def postgres_available() -> bool:
    """Whether a PostgreSQL is named, seems to run here, or can be started."""
    named = bool(os.environ.get("DATABASE_URL"))
    return named or listening(POSTGRES_PORT) or postgres_programs() is not None


def redis_available() -> bool:
    """Whether a Redis is named, answers here, or can be started."""
    return (
        bool(os.environ.get("REDIS_URL"))
        or empty_redis_index(REDIS_PORT) is not None
        or shutil.which("redis-server") is not None
    )


def with_name(url: str, name: str) -> str:
    """The database address with another database name."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def may_create_databases(url: str) -> bool:
    """Whether the address can be reached and its role may create a test database."""
    probe = [str(environment.PYTHON), "-c", _CAN_CREATE, with_name(url, "postgres")]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def empty_redis_index(port: int) -> int | None:
    """A database index of the local Redis that holds no key; None without one (or with AUTH)."""
    try:
        with socket.create_connection((LOCAL, port), timeout=2) as connection:
            stream = connection.makefile("rwb")
            for index in range(15, 0, -1):
                stream.write(b"SELECT %d\r\nDBSIZE\r\n" % index)
                stream.flush()
                if stream.readline() == b"+OK\r\n" and stream.readline() == b":0\r\n":
                    return index
    except OSError:
        pass
    return None


def free_port() -> int:
    """A loopback TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def services() -> Iterator[dict[str, str]]:
    """DATABASE_URL and REDIS_URL for the block; own servers are stopped and removed at its end.

    Raises ToolError when a named service cannot be used or none can be started.
    """
    with contextlib.ExitStack() as stack:
        yield {
            "DATABASE_URL": with_name(stack.enter_context(_postgres()), NAME),
            "REDIS_URL": stack.enter_context(_redis()),
        }


@contextlib.contextmanager
def _postgres() -> Iterator[str]:
    if named := os.environ.get("DATABASE_URL"):
        if not named.startswith(("postgres://", "postgresql://")):
            raise ToolError("DATABASE_URL 不是 PostgreSQL 地址；测试需要 PostgreSQL。")
        if not may_create_databases(named):
            raise ToolError("DATABASE_URL 指定的 PostgreSQL 无法连接，或该角色无权创建测试数据库。")
        yield named
        return
    local = f"postgresql://postgres@{LOCAL}:{POSTGRES_PORT}/postgres"
    if listening(POSTGRES_PORT) and may_create_databases(local):
        yield local
        return
    programs = postgres_programs()
    if programs is None:
        raise ToolError(
            "本机的 PostgreSQL 不接受无口令连接。请用 DATABASE_URL 指定测试用的账号，"
            "或执行：sudo apt-get install -y postgresql"
        )
    with own_postgres(programs) as url:
        yield url


@contextlib.contextmanager
def own_postgres(programs: Path) -> Iterator[str]:
    """A throw-away cluster on a free loopback port, without fsync; yields its address."""
    # PostgreSQL refuses to run as root; Debian's package brings the account postgres.
    user = "postgres" if os.geteuid() == 0 else None
    password = secrets.token_urlsafe(16)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="emailsec-pg-") as name:
        folder = Path(name)
        word = folder / "password"
        word.write_text(password)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if user:
            for path in (folder, word, data):
                shutil.chown(path, user, user)
        initdb = [
            str(programs / "initdb"),
            "-D",
            str(data),
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        options = ["--locale=C.UTF-8", "-A", "scram-sha-256", f"--pwfile={word}"]
        prefix = ["runuser", "-u", user, "--"] if user else []
        run([*prefix, *initdb, *options], what="建立测试用 PostgreSQL", cwd=folder)
        settings = {
            "listen_addresses": LOCAL,
            "unix_socket_directories": "",
            "port": str(port),
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "max_connections": "60",
        }
        argv = [str(programs / "postgres"), "-D", str(data)]
        argv += [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        with _server(argv, folder, port=port, what="PostgreSQL", user=user):
            yield f"postgresql://postgres:{password}@{LOCAL}:{port}/postgres"


@contextlib.contextmanager
def _redis() -> Iterator[str]:
    if named := os.environ.get("REDIS_URL"):
        yield named
        return
    index = empty_redis_index(REDIS_PORT)
    if index is not None:
        yield f"redis://{LOCAL}:{REDIS_PORT}/{index}"
        return
    if shutil.which("redis-server") is None:
        raise ToolError(
            "没有可用的 Redis。请用 REDIS_URL 指定，或执行：sudo apt-get install -y redis-server"
        )
    with own_redis() as url:
        yield url


@contextlib.contextmanager
def own_redis() -> Iterator[str]:
    """A throw-away Redis on a free loopback port that keeps nothing on disk; yields its address."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="emailsec-redis-") as name:
        argv = ["redis-server", "--bind", LOCAL, "--port", str(port), "--dir", name]
        argv += ["--save", "", "--appendonly", "no"]
        with _server(argv, Path(name), port=port, what="Redis"):
            yield f"redis://{LOCAL}:{port}/0"


@contextlib.contextmanager
def _server(
    argv: list[str], folder: Path, *, port: int, what: str, user: str | None = None
) -> Iterator[None]:
    log = folder / "server.log"
    keeper = Keeper()
    with log.open("wb") as output:
        process = spawn(argv, output=output, cwd=folder, user=user)
    keeper.add(process.pid)
    try:
        limit = time.monotonic() + START_SECONDS
        while not listening(port):
            if process.poll() is not None or time.monotonic() > limit:
                raise ToolError(f"测试用 {what} 未能启动：\n{log.read_text(errors='replace')}")
            time.sleep(0.05)
        yield
    finally:
        # PostgreSQL would wait for clients at SIGTERM; the grace bounds that.
        end_groups([process.pid], grace=lambda: 3.0, reap=lambda: void(process.poll()))
        process.wait()
        keeper.forget(process.pid)
        keeper.close()


def void(_value: object) -> None:
    """Drop a value where only the side effect counts."""
