"""House rules of the suite as a pytest plugin (`-p tools.pytest_house`).

Browser journeys stay on one worker, and REQUIRE_SERVICES=1 turns a skip into a failure: a test
that CI leaves out proves nothing.
"""

import os
from collections.abc import Iterable

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Give every browser journey the same xdist group, before xdist reads the groups."""
    for item in items:
        if item.get_closest_marker("e2e"):
            item.add_marker(pytest.mark.xdist_group("e2e"))


def skips_forbidden() -> bool:
    """Whether the environment says that every test must run."""
    return os.environ.get("REQUIRE_SERVICES") == "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterable[pytest.TestReport]:
    """Report a skip as a failure where skips are forbidden; an expected failure stays one."""
    report: pytest.TestReport = yield  # type: ignore[misc,assignment]
    if report.skipped and not hasattr(report, "wasxfail") and skips_forbidden():
        reason = call.excinfo.value if call.excinfo else ""
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, but REQUIRE_SERVICES=1: {reason}"
    return report  # type: ignore[return-value]
