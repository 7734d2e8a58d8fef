"""What a fresh machine is given: system packages, environment, front-end files."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tools.common import ROOT
from tools import common, environment, frontend, system


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
