"""`make show-main-line`: only the browser journey of the whole case; the last line is its figures.

A journey that passes without its line `steps=… pdfs=… users=… seconds=…` counts as failed.
"""

import re

from tools.bootstrap import bootstrap
from tools.common import ToolError, main_guard, say
from tools.test import pytest

JOURNEY = "tests/e2e/test_main_line.py"
USERS = 5
FIGURES = re.compile(r"steps=[1-9]\d* pdfs=[1-9]\d* users=(\d+) seconds=\d+(\.\d+)?")


def figures(lines: list[str]) -> str:
    """The line of figures among a journey's output.

    Raises ToolError when there is none, or when not all the people took part.
    """
    for line in lines:
        if found := FIGURES.fullmatch(line.strip()):
            if int(found[1]) != USERS:
                raise ToolError(f"主线应有 {USERS} 个人参与：{line}")
            return found[0]
    raise ToolError("主线没有给出数字。")


def main(_arguments: list[str]) -> int:
    bootstrap(dev=True, tests=True)
    lines: list[str] = []

    def show(line: str) -> None:
        lines.append(line)
        say(line)

    code = pytest([JOURNEY, "-q", "--strict-markers"], workers=0, on_line=show)
    if code:
        return code
    say(figures(lines))
    return 0


if __name__ == "__main__":
    main_guard(main)
