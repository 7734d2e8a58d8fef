"""`make show-main-line`: only the browser journey of the whole case; the last line is its figures.

The journey writes `steps=… pdfs=… users=… seconds=…` to the file that MAIN_LINE_FIGURES names; a
passing journey without that line counts as failed.
"""

import os
import re
import tempfile
from pathlib import Path

from tools.bootstrap import bootstrap
from tools.common import ToolError, main_guard, say
from tools.test import pytest

JOURNEY = "tests/test_main_line.py"
FIGURES = re.compile(r"steps=\d+ pdfs=\d+ users=\d+ seconds=\d+(\.\d+)?")


def main(_arguments: list[str]) -> int:
    bootstrap(dev=True, tests=True)
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures"
        os.environ |= {"MAIN_LINE_FIGURES": str(figures), "REQUIRE_SERVICES": "1"}
        code = pytest([JOURNEY, "-q"], workers=0)
        line = figures.read_text().strip() if figures.exists() else ""
    if code:
        return code
    if not FIGURES.fullmatch(line):
        raise ToolError(f"主线没有给出数字：{line or '（空）'}")
    say(line)
    return 0


if __name__ == "__main__":
    main_guard(main)
