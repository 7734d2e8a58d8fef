"""House rules of the suite as a pytest plugin (`-p tools.pytest_house`).

Browser journeys stay together on one worker and begin first; every other file stays whole, so that
what a module starts once is started once. REQUIRE_SERVICES=1 turns a skip into a failure: a test
that CI leaves out proves nothing.
"""

import os
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

JOURNEYS = "e2e"


@cache
def has_journeys(file: Path) -> bool:
    """Whether a test file marks anything as a browser journey."""
    return "mark.e2e" in file.read_text(encoding="utf-8")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files with journeys first: they take longest."""
    items.sort(key=lambda item: not has_journeys(item.path))


class JourneysTogether(LoadScopeScheduling):
    """All files with journeys are one unit of work; each other file is one of its own.

    xdist's own `--dist=loadgroup` sets a private attribute that pytest 9.2 no longer reads.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return JOURNEYS if has_journeys(self.config.rootpath / file) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> JourneysTogether:
    """Hand out work in the order of collection instead of by size."""
    config.option.loadscopereorder = False
    return JourneysTogether(config, log)


def skips_forbidden() -> bool:
    """Whether the environment says that every test must run."""
    return os.environ.get("REQUIRE_SERVICES") == "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report a skip as a failure where skips are forbidden; an expected failure stays one."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and skips_forbidden():
        reason = call.excinfo.value if call.excinfo else ""
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, but REQUIRE_SERVICES=1: {reason}"
    return report
