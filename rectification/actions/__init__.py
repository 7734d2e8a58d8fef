"""From confirmed findings to 销号. Every verb is one transaction with its record."""

from rectification.actions.base import Refused
from rectification.actions.drafts import (
    approve_notice,
    check_notice,
    draft_notice,
    open_to_draft,
    revise_notice,
    send_back,
    withdraw_notice,
)
from rectification.actions.extensions import ask_extension, decide_extension
from rectification.actions.findings import (
    confirm_findings,
    declare_false_alarm,
    reopen,
    transfer,
)
from rectification.actions.notices import (
    add_scan,
    note_refusal,
    revoke_notice,
    serve_notice,
    sign_notice,
    void_notice,
)
from rectification.actions.replies import may_reply, reply
from rectification.actions.reply_drafts import Overtaken, save_reply_draft

__all__ = [
    "Overtaken",
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
    "open_to_draft",
    "reopen",
    "reply",
    "revise_notice",
    "revoke_notice",
    "save_reply_draft",
    "send_back",
    "serve_notice",
    "sign_notice",
    "transfer",
    "void_notice",
    "withdraw_notice",
]
