"""`make show-access`: the walk over every route, and ten thousand cases against the oracle.

The last line sums them up: `routes=… roles=… cases=… leaks=0`. A test that fails, or a run that
shows less than the whole, counts as failed.
"""

import os
import re
import time

from tools.common import ToolError, main_guard
from tools.show import show

TESTS = "tests/access"
PROPERTY_CASES = 10_000
# What the two halves of the walk take. A route left out of it would not make it fail by itself.
LEAST = {"routes": 100, "roles": 19, "cases": 5_000}
WALK = re.compile(r"routes=(\d+) roles=(\d+) cases=(\d+) leaks=(\d+)")
PROPERTY = re.compile(r"property cases=(\d+) from world \d+")


def figures(lines: list[str]) -> str:
    """Return the line that sums up what the tests printed.

    Raises ToolError when a part is missing, too small, or has found a leak.
    """
    walks = [tuple(map(int, m.groups())) for line in lines if (m := WALK.fullmatch(line.strip()))]
    asked = [int(m[1]) for line in lines if (m := PROPERTY.fullmatch(line.strip()))]
    if not walks or not asked:
        raise ToolError("走查或对照没有给出数字。")
    routes, walked, leaks = (sum(walk[n] for walk in walks) for n in (0, 2, 3))
    roles = max(walk[1] for walk in walks)
    found = {"routes": routes, "roles": roles, "cases": walked}
    for name, least in LEAST.items():
        if found[name] < least:
            raise ToolError(f"走查不完整，{name} 应不少于 {least}，只有 {found[name]}。")
    if sum(asked) < PROPERTY_CASES:
        raise ToolError(f"对照不完整，应不少于 {PROPERTY_CASES} 例，只有 {sum(asked)}。")
    line = f"routes={routes} roles={roles} cases={walked + sum(asked)} leaks={leaks}"
    if leaks:
        raise ToolError(f"发现越权可见：{line}")
    return line


def main(_arguments: list[str]) -> int:
    # Other worlds each time; the number is printed, and ACCESS_SEED asks for the same ones again.
    os.environ.setdefault("ACCESS_SEED", str(int(time.time())))
    os.environ["ACCESS_CASES"] = str(PROPERTY_CASES)
    return show([TESTS, "-rA"], figures, workers=2)


if __name__ == "__main__":
    main_guard(main)
