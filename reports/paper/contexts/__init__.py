"""What each document needs to know, as frozen dataclasses without any model.

Texts are plain text (never HTML; the templates escape them); a text may hold line breaks where
its comment says so. Dates are calendar dates in Asia/Shanghai, moments are aware datetimes.
A context that would make a false or unlawful document refuses to exist (``ValueError``).
"""

from reports.paper.contexts.letters import (
    AuthorizationPaper,
    AuthorizedHost,
    AuthorizedItem,
    InvitationPaper,
)
from reports.paper.contexts.notices import (
    BINDING_GROUNDS,
    Finding,
    Ground,
    NoticeFile,
    NoticePaper,
    ProbeSource,
    SelfCheckSource,
)
from reports.paper.contexts.parties import (
    EvidenceRow,
    FoundBy,
    Office,
    Said,
    Seen,
    Unit,
    UnitKind,
    Verification,
)
from reports.paper.contexts.rectification import (
    Recheck,
    RectificationReportPaper,
    RectifiedFinding,
)
from reports.paper.contexts.selfchecks import (
    AnswerRow,
    AnswerSection,
    AnswerSheet,
    SelfCheckPaper,
    Signature,
)

__all__ = [
    "BINDING_GROUNDS",
    "AnswerRow",
    "AnswerSection",
    "AnswerSheet",
    "AuthorizationPaper",
    "AuthorizedHost",
    "AuthorizedItem",
    "EvidenceRow",
    "Finding",
    "FoundBy",
    "Ground",
    "InvitationPaper",
    "NoticeFile",
    "NoticePaper",
    "Office",
    "ProbeSource",
    "Recheck",
    "RectificationReportPaper",
    "RectifiedFinding",
    "Said",
    "Seen",
    "SelfCheckPaper",
    "SelfCheckSource",
    "Signature",
    "Unit",
    "UnitKind",
    "Verification",
]
