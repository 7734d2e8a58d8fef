"""What changes the inventory, each act with its audit event in one transaction."""

from inventory.actions.base import Refused
from inventory.actions.offices import restore_office, retire_office, save_office
from inventory.actions.sight import delegate_unit, end_delegation, set_superior
from inventory.actions.supervision import (
    accept_transfer,
    decline_transfer,
    may_answer,
    transfer_unit,
    withdraw_transfer,
)
from inventory.actions.systems import DomainEntry, EndpointEntry, retire_system, save_system
from inventory.actions.units import ContactEntry, register_unit, update_unit

__all__ = [
    "ContactEntry",
    "DomainEntry",
    "EndpointEntry",
    "Refused",
    "accept_transfer",
    "decline_transfer",
    "delegate_unit",
    "end_delegation",
    "may_answer",
    "register_unit",
    "restore_office",
    "retire_office",
    "retire_system",
    "save_office",
    "save_system",
    "set_superior",
    "transfer_unit",
    "update_unit",
    "withdraw_transfer",
]
