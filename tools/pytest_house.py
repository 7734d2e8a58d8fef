"""House rules of the suite as a pytest plugin (`-p tools.pytest_house`).

Browser journeys stay together on one worker and begin first; every other file stays whole, so that
what a module starts once is started once. REQUIRE_SERVICES=1 turns a skip into a failure: a test
that CI leaves out proves nothing. `--fast` keeps what needs neither database nor browser.
"""

import os
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

JOURNEYS = "e2e"
DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}


@cache
def has_journeys(file: Path) -> bool:
    """Whether a test file marks anything as a browser journey."""
    return "mark.e2e" in file.read_text(encoding="utf-8")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="without database, e2e and slow tests")


def is_fast(item: pytest.Item) -> bool:
    """Whether a test needs no database and is marked neither e2e nor slow."""
    marked = any(item.get_closest_marker(name) for name in ("e2e", "slow", "django_db"))
    return not marked and not DATABASE_FIXTURES & set(getattr(item, "fixturenames", ()))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the files with journeys first, as they take longest; drop the others on --fast."""
    items.sort(key=lambda item: not has_journeys(item.path))
    if config.getoption("--fast"):
        config.hook.pytest_deselected(items=[item for item in items if not is_fast(item)])
        items[:] = [item for item in items if is_fast(item)]


class JourneysTogether(LoadScopeScheduling):
    """All files with journeys are one unit of work; each other file is one of its own.

    xdist's own `--dist=loadgroup` sets a private attribute that pytest 9.2 no longer reads.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return JOURNEYS if has_journeys(self.config.rootpath / file) else file

    def _reschedule(self, node: Any) -> None:
        """Give the worker of the journeys nothing else: Playwright leaves an event loop running in
        its thread, in which the scanner's own tests could not start theirs."""
        if len(self.nodes) > 1 and JOURNEYS in self.assigned_work[node] and not node.shutting_down:
            node.shutdown()
            return
        super()._reschedule(node)


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
