"""What must change: findings, notices, replies, re-checks, extensions."""

from rectification.models.findings import (
    Finding,
    FindingChange,
    FindingQuerySet,
    FindingSource,
    Ground,
    Placement,
    Severity,
    placement_of,
)
from rectification.models.notices import (
    Counter,
    Extension,
    Notice,
    NoticeChange,
    NoticeItem,
    NoticeOwnedQuerySet,
    NoticeScan,
    free_for_notice,
    notice_scan_path,
)
from rectification.models.replies import (
    Recheck,
    Reply,
    ReplyDraft,
    ReplyEvidence,
    WaveRead,
    reply_evidence_path,
)

__all__ = [
    "Counter",
    "Extension",
    "Finding",
    "FindingChange",
    "FindingQuerySet",
    "FindingSource",
    "Ground",
    "Notice",
    "NoticeChange",
    "NoticeItem",
    "NoticeOwnedQuerySet",
    "NoticeScan",
    "Placement",
    "Recheck",
    "Reply",
    "ReplyDraft",
    "ReplyEvidence",
    "Severity",
    "WaveRead",
    "free_for_notice",
    "notice_scan_path",
    "placement_of",
    "reply_evidence_path",
]
