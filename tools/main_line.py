"""`make show-main-line`: only the browser journey of the whole case; the last line is its figures.

A journey that passes without its line `steps=… pdfs=… users=… seconds=…`, or with less in it than
the whole case has, counts as failed.
"""

import re

from tools.common import ToolError, main_guard
from tools.show import show

JOURNEY = "tests/e2e/test_main_line.py"
# What the whole case takes. A step left out of the journey would not make it fail by itself.
LEAST = {"steps": 51, "pdfs": 5, "users": 5}
FIGURES = re.compile(r"steps=(\d+) pdfs=(\d+) users=(\d+) seconds=\d+(\.\d+)?")


def figures(lines: list[str]) -> str:
    """The line of figures among a journey's output.

    Raises ToolError when there is none, or when it tells less than LEAST.
    """
    for line in lines:
        if found := FIGURES.fullmatch(line.strip()):
            for name, shown in zip(LEAST, found.groups(), strict=False):
                if int(shown) < LEAST[name]:
                    raise ToolError(f"主线不完整，{name} 应不少于 {LEAST[name]}：{line.strip()}")
            return found[0]
    raise ToolError("主线没有给出数字。")


def main(_arguments: list[str]) -> int:
    return show([JOURNEY], figures)


if __name__ == "__main__":
    main_guard(main)
