"""What a start loads into the demonstration's database, and what it remembers of having done so.

Each step is stamped in var/prepared.json with the digest of what it was made from, so that only the
first start takes its time.
"""

import contextlib
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Mapping

from tools import environment
from tools.common import ROOT, VAR, ToolError, digest, say

QUESTIONNAIRE = "assessments/questionnaires/2026-1.toml"
PREPARED = VAR / "prepared.json"
DATABASE = VAR / "portal.sqlite3"
# Fonts, logs and what bootstrap remembers stay.
FOLDERS = ("audit", "broker", "practice", "uploads")
# Stands where the stamp of the demonstration will stand, as long as its load has not ended.
BEGUN = "begun"
LOADED = "1"


def remove_data() -> None:
    """Throw the embedded database away, with its uploads, its broker and its stamps."""
    PREPARED.unlink(missing_ok=True)
    # The write-ahead log first: a database without its log is older, a log alone is nothing.
    for name in (f"{DATABASE.name}-wal", f"{DATABASE.name}-shm", DATABASE.name):
        (VAR / name).unlink(missing_ok=True)
    for file in VAR.glob("celerybeat-schedule*"):
        file.unlink()
    for folder in FOLDERS:
        shutil.rmtree(VAR / folder, ignore_errors=True)


def holds_rows(table: str) -> bool:
    """Whether a table of the embedded database has a row; a missing table has none."""
    with contextlib.closing(sqlite3.connect(DATABASE)) as connection:
        try:
            return bool(connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone())  # noqa: S608
        except sqlite3.OperationalError:
            return False


class Preparation:
    """What the database already holds: each step with the digest of what it was made from.

    Arguments: env (of the commands), perform (runs a management command to its end: its name,
    the argv and the Chinese name of the step; raises ToolError when it fails).
    """

    def __init__(
        self, env: Mapping[str, str], perform: Callable[[str, list[str], str], None]
    ) -> None:
        self.env = env
        self.perform = perform
        self.database = env.get("DATABASE_URL", "")
        done = json.loads(PREPARED.read_text()) if PREPARED.exists() else {}
        same = done.get("database") == digest([], self.database)
        # A removed database file takes its stamps with it.
        self.done: dict[str, str] = done if same and (self.database or DATABASE.exists()) else {}

    def _note(self, **stamps: str) -> None:
        self.done |= {**stamps, "database": digest([], self.database)}
        # Replaced as a whole: a start may be killed at any moment.
        fresh = PREPARED.with_suffix(".new")
        fresh.write_text(json.dumps(self.done, indent=1, ensure_ascii=False))
        fresh.replace(PREPARED)

    def step(self, what: str, command: list[str], made_from: str) -> None:
        """Run a management command unless it was already run for the same sources."""
        if self.done.get(command[0]) == made_from:
            return
        say(f"{what}……")
        argv = [str(environment.PYTHON), "manage.py", *command]
        self.perform(command[0], argv, what)
        self._note(**{command[0]: made_from})

    def recover(self) -> None:
        """Begin anew where the last load of the demonstration was broken off.

        It knows only of the embedded database, and removes nothing once somebody has logged in to
        the torso: until then there is no person's work in it.
        Raises ToolError, with what to do, when somebody has.
        """
        if self.done.get("demo") != BEGUN:
            return
        if holds_rows("django_session"):
            raise ToolError(
                "上次载入演示数据时被中断，但此后已有人登录过，因此没有自动清除。\n"
                "如不需要其中的内容，请执行 make demo-reset，再执行 make run。"
            )
        say("上次载入演示数据时被中断，现在重新开始。")
        remove_data()
        self.done = {}

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
        """Whether the demonstration is in the database, whole."""
        return self.done.get("demo") == LOADED

    def demo(self) -> None:
        """The demonstration's cast and cases, once; they are looked at on the practice range."""
        # A database with units is somebody's; the command will refuse it, and so does recover().
        if not self.database and not self.has_demo() and not holds_rows("inventory_unit"):
            self._note(demo=BEGUN)
        self.step("载入演示数据（真实探测与文书，首次约需半分钟）", ["demo"], LOADED)

    def accounts(self) -> str:
        """The demonstration's accounts as text, asked once for each state of their source."""
        source = digest(sorted(ROOT.glob("emailsec/demo/*.*")), "accounts")
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
            self._note(accounts_source=source, accounts=shown.stdout.rstrip())
        return self.done["accounts"]
