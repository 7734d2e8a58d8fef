"""From rows to the contexts of `reports.paper`: one module per document.

A mapping never decides and never invents: what the rows do not say is not printed.
"""

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

from emailsec.lib.workdays import OFFICE_ZONE
from reports.paper import contexts as paper

NOWHERE: Final = paper.Verification(code="", url="")


class Incomplete(Exception):
    """The rows lack something that the document must say; `str(error)` is Chinese."""


def content_of(made: paper.RectificationReportPaper | paper.SelfCheckPaper) -> str:
    """SHA-256 (hex) of what a paper says, apart from its own number, code, time and
    printer."""
    made_at: dict[str, Any] = (
        {"printed_at": datetime.min.replace(tzinfo=UTC), "printed_by": ""}
        if isinstance(made, paper.SelfCheckPaper)
        else {"reported_on": date.min}
    )
    same = replace(made, serial="", verification=NOWHERE, **made_at)
    return hashlib.sha256(repr(same).encode()).hexdigest()


def evidence_row(file: Any, number: str, at: datetime) -> paper.EvidenceRow:
    """Return the line of the evidence list for an uploaded file.

    Args:
        file: a row with `name` and `sha256`.
        number: number of the finding or item that it proves.
        at: when it was uploaded, aware.
    """
    return paper.EvidenceRow(
        name=file.name,
        finding_number=number,
        digest=file.sha256,
        uploaded_on=at.astimezone(OFFICE_ZONE).date(),
    )
