"""Each sample document is rendered once per session: layout is what takes the time."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from reports.paper import documents
from reports.paper.render import PaperDocument
from tests.reports import samples

MARK = "导出人：欧阳喆堃（officer-01）　导出时间：2026年11月10日 09:30　编号：DC-2026-000017"


def marked(document: PaperDocument) -> PaperDocument:
    """A print that no register keeps."""
    return replace(document, mark=MARK)


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
    "full_invitation": lambda: marked(documents.invitation(samples.full_invitation())),
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
