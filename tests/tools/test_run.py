"""`make run`: its address, and what it refuses before anything starts."""

import os
import socket
import subprocess

import pytest

from tests.tools.common import ROOT
from tools import common, run


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


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.9", "http://127.0.0.9:8123"),
        ("0.0.0.0", "http://127.0.0.1:8123"),
        ("::", "http://[::1]:8123"),
        ("::1", "http://[::1]:8123"),
        ("portal.example", "http://portal.example:8123"),
    ],
)
def test_the_shown_address_can_be_opened(
    monkeypatch: pytest.MonkeyPatch, host: str, shown: str
) -> None:
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    assert run.child_environment(host, 8123)["PUBLIC_URL"] == shown


def test_a_taken_port_is_told_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(common.ToolError) as raised:
            run.require_free("127.0.0.1", port)
    assert f"端口 {port} 已被占用" in str(raised.value)
    assert f"make run PORT={port + 1 if port < 65535 else 8001}" in str(raised.value)
    run.require_free("127.0.0.1", port)


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(common.ToolError, match=r"HOST=192\.0\.2\.1 不是本机可用的地址"):
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
