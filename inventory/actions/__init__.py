"""What changes the inventory, each act with its audit event in one transaction."""

from inventory.actions.base import Refused
from inventory.actions.offices import save_office
from inventory.actions.supervision import transfer_unit
from inventory.actions.systems import DomainEntry, EndpointEntry, retire_system, save_system
from inventory.actions.units import ContactEntry, register_unit, update_unit

__all__ = [
    "ContactEntry",
    "DomainEntry",
    "EndpointEntry",
    "Refused",
    "register_unit",
    "retire_system",
    "save_office",
    "save_system",
    "transfer_unit",
    "update_unit",
]
