"""`make show-audit`: falsify the audit trail by direct SQL in every known way; all must be found.

On a test database of its own. A run without its line `tampered=… found=…`, or with two different
figures, counts as failed.
"""

import re

from tools.common import ToolError, main_guard
from tools.show import show

SHOW = "tests/audit/test_tampering.py::test_every_way_to_falsify_the_trail_is_found_and_named"
FIGURES = re.compile(r"tampered=(\d+) found=(\d+)")
LEAST = 40  # rows that the known ways falsify together


def figures(lines: list[str]) -> str:
    """The line of figures among the output.

    Raises ToolError when there is none, when it tells of less than LEAST, or of two figures.
    """
    for line in lines:
        if found := FIGURES.fullmatch(line.strip()):
            if found[1] != found[2] or int(found[1]) < LEAST:
                raise ToolError(f"改动没有全部被发现，或改动太少：{found[0]}")
            return found[0]
    raise ToolError("没有给出数字。")


def main(_arguments: list[str]) -> int:
    return show([SHOW, "-s"], figures)


if __name__ == "__main__":
    main_guard(main)
