"""What changes people and their powers, one module a noun; each act is on the audit trail."""

from accounts.actions.accounts import change_password, create_account, log_out, set_active
from accounts.actions.base import Refused
from accounts.actions.joining import (
    IN_USE,
    NO_SUCH_CODE,
    Invited,
    invite_unit,
    issue_invitation,
    join,
    join_address,
    note_miss,
    open_account,
    open_invitation,
    reset_access,
    seat_of,
    stop_and_invite,
    withdraw_from_unit,
    withdraw_invitation,
)
from accounts.actions.lockout import lift_lock, unlock
from accounts.actions.registration import (
    Proof,
    approve_registration,
    find_registration,
    pass_on_registration,
    refuse_registration,
    submit_registration,
    unit_with_code,
)
from accounts.actions.sessions import end_session, end_sessions, tidy_sessions
from accounts.actions.ways import (
    end_ways,
    link_identity,
    note_unified_failure,
    unlink_identity,
)

__all__ = [
    "IN_USE",
    "NO_SUCH_CODE",
    "Invited",
    "Proof",
    "Refused",
    "approve_registration",
    "change_password",
    "create_account",
    "end_session",
    "end_sessions",
    "end_ways",
    "find_registration",
    "invite_unit",
    "issue_invitation",
    "join",
    "join_address",
    "lift_lock",
    "link_identity",
    "log_out",
    "note_miss",
    "note_unified_failure",
    "open_account",
    "open_invitation",
    "pass_on_registration",
    "refuse_registration",
    "reset_access",
    "seat_of",
    "set_active",
    "stop_and_invite",
    "submit_registration",
    "tidy_sessions",
    "unit_with_code",
    "unlink_identity",
    "unlock",
    "withdraw_from_unit",
    "withdraw_invitation",
]
