"""Each sample document is rendered once per session: layout is what takes the time."""

from collections.abc import Callable
from functools import cache

import pytest

from reports.paper import documents
from reports.paper.render import PaperDocument
from tests.reports import samples

SAMPLES: dict[str, Callable[[], PaperDocument]] = {
    "notice": lambda: documents.notice(samples.notice()),
    "notice_file": lambda: documents.notice_file(samples.notice()),
    "report": lambda: documents.rectification_report(samples.report()),
    "authorization": lambda: documents.authorization(samples.authorization()),
    "selfcheck": lambda: documents.selfcheck(samples.selfcheck()),
    "invitation": lambda: documents.invitation(samples.invitation()),
    "full_notice": lambda: documents.notice(samples.full_notice()),
    "full_notice_file": lambda: documents.notice_file(samples.full_notice()),
    "full_report": lambda: documents.rectification_report(samples.full_report()),
    "full_authorization": lambda: documents.authorization(samples.full_authorization()),
    "full_selfcheck": lambda: documents.selfcheck(samples.full_selfcheck()),
    "full_invitation": lambda: documents.invitation(samples.full_invitation()),
}


# The overfull documents take seconds each; `make check` leaves them out.
TYPICAL = sorted(name for name in SAMPLES if not name.startswith("full_"))
FULL = sorted(set(SAMPLES) - set(TYPICAL))
EACH = [*TYPICAL, *(pytest.param(name, marks=pytest.mark.slow) for name in FULL)]


@cache
def rendered(name: str) -> bytes:
    return SAMPLES[name]().pdf()


@pytest.fixture
def pdf() -> Callable[[str], bytes]:
    """The PDF of a sample by name."""
    return rendered
