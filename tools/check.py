"""`make check`: what can be told without database and browser, in under a minute on two cores.

The checks are independent of each other, so the quick ones run side by side in two lanes; each is
shown with its time, and a failing one with the end of its output.
"""

import os
import shlex
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.bootstrap import bootstrap
from tools.common import ROOT, VENV, ToolError, main_guard, say
from tools.test import suite_environment


@dataclass(frozen=True)
class Check:
    """A check: its name on screen and the command after the environment's bin folder."""

    name: str
    program: str
    arguments: tuple[str, ...]


SHOWN_LINES = 40
TYPES = Check("类型（mypy）", "mypy", (".",))
TESTS = Check(
    "快速测试（pytest）",
    "python",
    ("-m", "pytest", "-p", "tools.pytest_house", "-q", "--fast"),
)
# The longest begins first in each lane.
LANES = (
    (TYPES, Check("模板（djlint）", "djlint", (".", "--lint", "--quiet"))),
    (
        TESTS,
        Check("迁移齐全（makemigrations）", "python", ("manage.py", "makemigrations", "--check")),
        Check("导入方向（import-linter）", "lint-imports", ()),
        Check("写法（ruff check）", "ruff", ("check", "--output-format=concise", ".")),
        Check("格式（ruff format）", "ruff", ("format", "--check", ".")),
    ),
)


def shown_command(check: Check) -> str:
    """The command as a person would type it, to see all of a check's output."""
    bin_folder = VENV.relative_to(ROOT) if VENV.is_relative_to(ROOT) else VENV
    return shlex.join([f"{bin_folder}/bin/{check.program}", *check.arguments])


def perform(check: Check, env: dict[str, str]) -> bool:
    """Run one check and show how it went; returns whether it passed."""
    begun = time.monotonic()
    done = subprocess.run(
        [str(VENV / "bin" / check.program), *check.arguments],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    passed = done.returncode == 0
    took = time.monotonic() - begun
    say(f"{'通过' if passed else '失败'}  {took:5.1f} 秒  {check.name}")
    if not passed:
        lines = done.stdout.strip().splitlines()
        # The end tells most for every one of them; the beginning of a long list is like its end.
        say("\n".join(lines[-SHOWN_LINES:]))
        if len(lines) > SHOWN_LINES:
            say(f"（共 {len(lines)} 行，全部：{shown_command(check)}）")
    return passed


def main(_arguments: list[str]) -> int:
    begun = time.monotonic()
    bootstrap(dev=True)
    with (
        tempfile.TemporaryDirectory(prefix="emailsec-check-") as name,
        ThreadPoolExecutor(len(LANES)) as lanes,
    ):
        env = suite_environment(Path(name), {})
        env["PATH"] = f"{VENV / 'bin'}{os.pathsep}{env.get('PATH', os.defpath)}"
        results = lanes.map(lambda lane: [perform(check, env) for check in lane], LANES)
        failed = sum(not passed for lane in results for passed in lane)
    took = time.monotonic() - begun
    if failed:
        raise ToolError(f"{failed} 项检查未通过（共 {took:.0f} 秒）")
    say(f"全部通过（共 {took:.0f} 秒）")
    return 0


if __name__ == "__main__":
    main_guard(main)
