"""What a start loads, once; what a broken-off load and `make demo-reset` remove, and what not."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.tools.common import ROOT
from tools import common, preparation
from tools.preparation import Preparation

ALL_STEPS = ["migrate", "load_divisions", "load_questionnaire", "demo"]


class Commands:
    """Stands for the management commands: remembers their names; one of them may break off."""

    def __init__(self, database: Path) -> None:
        self.names: list[str] = []
        self.broken = ""
        self.database = database

    def perform(self, name: str, argv: list[str], what: str) -> None:
        assert argv[1:3] == ["manage.py", name]
        assert what
        if name == "migrate" and not self.database.exists():
            self.write("CREATE TABLE inventory_unit (id)", "CREATE TABLE django_session (id)")
        if name == self.broken:
            raise common.ToolError(what)
        self.names.append(name)

    def write(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            for statement in statements:
                connection.execute(statement)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Commands:
    """The commands of preparations in a var folder of this test's own."""
    monkeypatch.setattr(preparation, "VAR", tmp_path)
    monkeypatch.setattr(preparation, "PREPARED", tmp_path / "prepared.json")
    monkeypatch.setattr(preparation, "DATABASE", tmp_path / "portal.sqlite3")
    return Commands(tmp_path / "portal.sqlite3")


def prepare(commands: Commands, **env: str) -> None:
    """What a start does."""
    started = Preparation(env, commands.perform)
    started.recover()
    started.load()
    started.demo()


def break_off(commands: Commands, name: str) -> None:
    """A start that ends within the named command."""
    commands.broken = name
    with pytest.raises(common.ToolError):
        prepare(commands)
    commands.broken = ""


def test_data_is_loaded_once(commands: Commands) -> None:
    prepare(commands)
    assert commands.names == ALL_STEPS
    prepare(commands)
    assert commands.names == ALL_STEPS


def test_a_removed_or_other_database_is_loaded_again(commands: Commands) -> None:
    prepare(commands)
    commands.database.unlink()
    prepare(commands)
    assert commands.names == ALL_STEPS * 2
    prepare(commands, DATABASE_URL="postgresql://elsewhere/portal")
    assert commands.names == ALL_STEPS * 3


def test_only_what_changed_is_loaded_again(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    prepare(commands)
    commands.names.clear()
    changed = tmp_path / "2026-2.toml"
    changed.write_text("version = '2026-2'")
    monkeypatch.setattr(preparation, "QUESTIONNAIRE", str(changed))
    prepare(commands)
    assert commands.names == ["load_questionnaire"]


def test_accounts_are_asked_once(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(commands)
    asked: list[str] = []

    def answer(argv: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(argv[-1])
        return subprocess.CompletedProcess(argv, 0, "jia-tianbao 填报人\n", "")

    monkeypatch.setattr(preparation.subprocess, "run", answer)
    for _ in range(2):
        assert Preparation({}, commands.perform).accounts() == "jia-tianbao 填报人"
    assert asked == ["--accounts"]


def test_a_step_that_failed_is_repeated(commands: Commands) -> None:
    break_off(commands, "load_questionnaire")
    prepare(commands)
    assert commands.names == ALL_STEPS


# --- A load that was broken off ---------------------------------------------------------------


def test_after_a_broken_off_load_the_next_start_begins_anew(
    commands: Commands, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "half.pdf").touch()
    (tmp_path / "fonts").mkdir()
    break_off(commands, "demo")
    commands.write("INSERT INTO inventory_unit VALUES (1)")
    prepare(commands)
    assert "被中断，现在重新开始" in capsys.readouterr().out
    assert commands.names == [*ALL_STEPS[:-1], *ALL_STEPS]
    assert not preparation.holds_rows("inventory_unit")
    assert not (tmp_path / "uploads").exists()
    assert (tmp_path / "fonts").exists()


def test_where_somebody_has_logged_in_nothing_is_removed(commands: Commands) -> None:
    break_off(commands, "demo")
    commands.write("INSERT INTO inventory_unit VALUES (1)", "INSERT INTO django_session VALUES (1)")
    with pytest.raises(common.ToolError, match=r"已有人登录过.*\n.*make demo-reset"):
        prepare(commands)
    assert preparation.holds_rows("inventory_unit")


def test_units_from_before_are_never_taken_for_a_broken_off_load(commands: Commands) -> None:
    """The command refuses a database with units; the next start must not clear it away."""
    commands.perform("migrate", ["", "manage.py", "migrate"], "x")
    commands.write("INSERT INTO inventory_unit VALUES (1)")
    break_off(commands, "demo")
    break_off(commands, "demo")
    assert preparation.holds_rows("inventory_unit")


def test_a_named_database_is_never_removed(commands: Commands) -> None:
    commands.broken = "demo"
    url = "postgresql://elsewhere/portal"
    for _ in range(2):
        with pytest.raises(common.ToolError, match="载入演示数据"):
            prepare(commands, DATABASE_URL=url)
    assert commands.names == ALL_STEPS[:-1]  # kept: the second time only the demonstration


# --- make demo-reset --------------------------------------------------------------------------


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
