"""Offices and units as paper names them."""

from typing import Final

from inventory.models import Contact, ContactRole, Office, Unit, UnitKind
from reports.paper import contexts as paper

_KINDS: Final = {
    UnitKind.PARTY: paper.UnitKind.PARTY,
    UnitKind.GOVERNMENT: paper.UnitKind.GOVERNMENT,
    UnitKind.INSTITUTION: paper.UnitKind.INSTITUTION,
    UnitKind.SOE: paper.UnitKind.ENTERPRISE,
    UnitKind.ASSEMBLY: paper.UnitKind.OTHER_ORGAN,
    UnitKind.OTHER: paper.UnitKind.OTHER,
}


def office_of(office: Office, *, contact: str = "") -> paper.Office:
    """The office as it signs: 甲市公安局, with 网安支队 as the department to ask.

    Args:
        contact: whom to ask there, if one person is named.
    """
    department = office.name.removeprefix(office.issuer_name) or office.short_name
    return paper.Office(
        name=office.issuer_name,
        department=department,
        contact=contact,
        phone=office.phone,
        address=office.address,
    )


def unit_of(unit: Unit) -> paper.Unit:
    """The unit with the kind that decides the consequence paragraph of a notice."""
    return paper.Unit(name=unit.name, kind=_KINDS[UnitKind(unit.kind)], credit_code=unit.uscc)


def liaison_of(unit: Unit) -> tuple[str, str]:
    """(name, phone) of the unit's 联系人, else of the first contact there is; "" if none."""
    contacts: dict[str, Contact] = {c.role: c for c in unit.contacts.all()}
    order = (ContactRole.LIAISON, ContactRole.HEAD, ContactRole.LEADER)
    one = next((contacts[role] for role in order if role in contacts), None)
    return (one.name, one.office_phone or one.mobile) if one else ("", "")
