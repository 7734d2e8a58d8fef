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

__all__ = [
    "IN_USE",
    "Invitation",
    "Refused",
    "change_password",
    "create_account",
    "invite_unit",
    "log_out",
    "reset_password",
    "seat_of",
    "set_active",
]
