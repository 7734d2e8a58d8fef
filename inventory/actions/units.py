"""What changes units, with their contacts and registered domains."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from audit.trail import Actor, record
from inventory.actions.base import Refused, changes_of, require_in_use
from inventory.jurisdiction import beyond, propose_supervision
from inventory.models import (
    Authority,
    Contact,
    KeyIndustry,
    Office,
    Supervision,
    Unit,
    UnitDomain,
)


@dataclass(frozen=True)
class ContactEntry:
    """A contact as entered; an empty name removes the contact of that role."""

    role: str
    name: str = ""
    department: str = ""
    title: str = ""
    office_phone: str = ""
    mobile: str = ""


@transaction.atomic
def register_unit(
    *,
    unit: Unit,
    office: Office,
    by: Actor,
    key_industries: Iterable[KeyIndustry] = (),
    contacts: Iterable[ContactEntry] = (),
    domains: Iterable[str] = (),
) -> Unit:
    """Save a new unit under `office`; the police office of its level is proposed where missing.

    Args:
        unit: unsaved, validated.
        office: the supervising office of its own kind.
        domains: registered domains as A-labels.

    Raises:
        Refused: the unit lies outside the area of `office`, or the office was retired or the
            credit code registered in the meantime.
    """
    if reason := beyond(unit.region, office):
        raise Refused(reason)
    try:
        with transaction.atomic():
            unit.save(force_insert=True)
    except IntegrityError:
        raise Refused("此统一社会信用代码刚刚已被登记，请在单位列表中查找。") from None
    offices = [office]
    if office.kind != Authority.POLICE:
        police = propose_supervision(affiliation=unit.affiliation, region=unit.region)
        offices += [police] if police else []
    require_in_use(*offices)
    Supervision.objects.bulk_create(
        Supervision(unit=unit, kind=row.kind, office=row) for row in offices
    )
    unit.key_industries.set(key_industries)
    _set_contacts(unit, contacts)
    _set_registered_domains(unit, domains)
    record(
        "unit.register",
        unit,
        by=by,
        details={"uscc": unit.uscc, "offices": [str(row) for row in offices]},
    )
    return unit


@transaction.atomic
def update_unit(
    *,
    unit: Unit,
    by: Actor,
    key_industries: Iterable[KeyIndustry] | None = None,
    contacts: Iterable[ContactEntry] | None = None,
    domains: Iterable[str] | None = None,
) -> dict[str, Any]:
    """Save the changed fields of `unit`; what is None stays as it is.

    Returns:
        what changed, as recorded: field label → [old, new] for facts, names only for contacts.

    Raises:
        Refused: `by` is not of the supervising office and changes what the unit is; the unit would
            lie outside the area of a supervising office; another unit holds the credit code.
    """
    changes = changes_of(unit)
    if Unit.identity_labels() & set(changes) and not by.can("unit.manage", unit):
        raise Refused("单位的名称、代码、地区和隶属关系由监管机关更改。")
    for row in unit.supervisions.select_related("office__region"):
        if "行政区划" in changes and (reason := beyond(unit.region, row.office)):
            raise Refused(reason)
    try:
        with transaction.atomic():
            unit.save()
    except IntegrityError:
        raise Refused("此统一社会信用代码已由其他单位登记，请联系监管机关。") from None
    if key_industries is not None:
        before = set(unit.key_industries.all())
        after = set(key_industries)
        if before != after:
            unit.key_industries.set(after)
            changes["重点行业"] = [sorted(map(str, before)), sorted(map(str, after))]
    if contacts is not None and (roles := _set_contacts(unit, contacts)):
        changes["联系人"] = roles
    if domains is not None and (moved := _set_registered_domains(unit, domains)):
        changes["已注册域名"] = moved
    if changes:
        record("unit.update", unit, by=by, details=changes)
    return changes


def _set_contacts(unit: Unit, entries: Iterable[ContactEntry]) -> list[str]:
    """Bring the contacts of the named roles up to date; return the labels of changed roles."""
    now = {contact.role: contact for contact in unit.contacts.all()}
    changed = []
    for entry in entries:
        stored = now.get(entry.role)
        new = Contact(
            unit=unit,
            pk=stored.pk if stored else None,
            role=entry.role,
            department=entry.department,
            name=entry.name,
            title=entry.title,
            office_phone=entry.office_phone,
            mobile=entry.mobile,
        )
        if not entry.name:
            if stored:
                stored.delete()
                changed.append(str(new.get_role_display()))
        elif not stored or changes_of(new, stored):
            new.save()
            changed.append(str(new.get_role_display()))
    return changed


def _set_registered_domains(unit: Unit, names: Iterable[str]) -> list[str]:
    now = set(unit.registered_domains.values_list("name", flat=True))
    wanted = set(names)
    unit.registered_domains.filter(name__in=now - wanted).delete()
    UnitDomain.objects.bulk_create(UnitDomain(unit=unit, name=n) for n in sorted(wanted - now))
    return [f"+{n}" for n in sorted(wanted - now)] + [f"-{n}" for n in sorted(now - wanted)]
