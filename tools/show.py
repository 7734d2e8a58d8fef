"""What the verbs `make show-…` share: run tests in sight, then say the figures they printed."""

from collections.abc import Callable

from tools.bootstrap import bootstrap
from tools.common import say
from tools.test import pytest


def show(arguments: list[str], figures: Callable[[list[str]], str], *, workers: int = 0) -> int:
    """Run pytest and show its output; then the line of figures. Returns the exit code.

    Args:
        arguments: to pytest.
        figures: makes the line of all lines, or raises ToolError where they tell too little.
        workers: as for `tools.test.pytest`.
    """
    bootstrap(dev=True, tests=True)
    lines: list[str] = []

    def on_line(line: str) -> None:
        lines.append(line)
        say(line)

    code = pytest([*arguments, "-q", "--strict-markers"], workers=workers, on_line=on_line)
    if code:
        return code
    say(figures(lines))
    return 0
