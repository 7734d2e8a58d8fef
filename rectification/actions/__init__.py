"""From confirmed findings to 销号. Every verb is one transaction with its record."""

from rectification.actions.base import Refused
from rectification.actions.extensions import ask_extension, decide_extension
from rectification.actions.findings import confirm_findings, declare_false_alarm, transfer
from rectification.actions.notices import (
    add_scan,
    approve_notice,
    check_notice,
    draft_notice,
    note_refusal,
    serve_notice,
    sign_notice,
    void_notice,
)
from rectification.actions.replies import may_reply, reply

__all__ = [
    "Refused",
    "add_scan",
    "approve_notice",
    "ask_extension",
    "check_notice",
    "confirm_findings",
    "decide_extension",
    "declare_false_alarm",
    "draft_notice",
    "may_reply",
    "note_refusal",
    "reply",
    "serve_notice",
    "sign_notice",
    "transfer",
    "void_notice",
]
