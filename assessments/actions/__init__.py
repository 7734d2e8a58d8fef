"""What units and offices do to self-checks. Every verb is one transaction with its record."""

from assessments.actions.base import Conflict, Refused, is_reviewer
from assessments.actions.campaigns import (
    archive_campaign,
    close_campaign,
    enrol,
    publish_campaign,
    record_call,
    save_draft,
    set_deadline,
)
from assessments.actions.doubts import (
    decide_contradiction,
    explain_contradiction,
    ingest_run,
    sync_contradictions,
)
from assessments.actions.filling import add_evidence, ensure_sheets, remove_evidence, save_answer
from assessments.actions.review import (
    accept,
    add_remark,
    drop_remark,
    reply_to_remark,
    return_to_unit,
)
from assessments.actions.signing import (
    missing_of,
    refuse_signature,
    sign_online,
    sign_stamped,
    submit,
    unregistered,
    withdraw,
)

__all__ = [
    "Conflict",
    "Refused",
    "accept",
    "add_evidence",
    "add_remark",
    "archive_campaign",
    "close_campaign",
    "decide_contradiction",
    "drop_remark",
    "enrol",
    "ensure_sheets",
    "explain_contradiction",
    "ingest_run",
    "is_reviewer",
    "missing_of",
    "publish_campaign",
    "record_call",
    "refuse_signature",
    "remove_evidence",
    "reply_to_remark",
    "return_to_unit",
    "save_answer",
    "save_draft",
    "set_deadline",
    "sign_online",
    "sign_stamped",
    "submit",
    "sync_contradictions",
    "unregistered",
    "withdraw",
]
