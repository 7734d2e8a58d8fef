"""What changes people and their powers, one module a noun; each act is on the audit trail."""

from accounts.actions.accounts import (
    IN_USE,
    Invitation,
    change_password,
    create_account,
    invite_unit,
    log_out,
    reset_password,
    seat_of,
    set_active,
)
from accounts.actions.base import Refused
from accounts.actions.ways import (
    end_ways,
    link_identity,
    note_unified_failure,
    unlink_identity,
)

__all__ = [
    "IN_USE",
    "Invitation",
    "Refused",
    "change_password",
    "create_account",
    "end_ways",
    "invite_unit",
    "link_identity",
    "log_out",
    "note_unified_failure",
    "reset_password",
    "seat_of",
    "set_active",
    "unlink_identity",
]
