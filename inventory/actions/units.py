"""What changes the inventory, each act with its audit event in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from audit.trail import Actor, record
from inventory.models import (
    Affiliation,
    Authority,
    Contact,
    Endpoint,
    KeyIndustry,
    MailDomain,
    MailSystem,
    Network,
    Office,
    Region,
    Supervision,
    SupervisionTransfer,
    Unit,
    UnitDomain,
)


class Refused(Exception):
    """A rule of this room forbids the act; `str(error)` is Chinese and meant for the person."""


@dataclass(frozen=True)
class DomainEntry:
    """A mail domain as entered: `name` an A-label, `dkim_selectors` joined by commas."""

    name: str
    dkim_selectors: str = ""


@dataclass(frozen=True)
class EndpointEntry:
    """A service address as entered: `kind` of EndpointKind, `host` an A-label."""

    kind: str
    host: str
    address: str | None = None


@dataclass(frozen=True)
class ContactEntry:
    """A contact as entered; an empty name removes the contact of that role."""

    role: str
    name: str = ""
    department: str = ""
    title: str = ""
    office_phone: str = ""
    mobile: str = ""


# How high the supervising office of an affiliation stands (level of its region): 同级监管.
_HIGHEST_LEVEL = {
    Affiliation.CENTRAL: 1,
    Affiliation.PROVINCE: 1,
    Affiliation.CITY: 2,
    Affiliation.COUNTY: 3,
    Affiliation.OTHER: 3,
}


def propose_supervision(
    *, affiliation: str, region: Region, kind: str = Authority.POLICE
) -> Office | None:
    """Return the office that would supervise such a unit: of its own level or the next above.

    A provincial organ lying in a city goes to the province's office, not to the city's. Among
    offices of one region the one nearest to the root of its tree is proposed.

    Args:
        affiliation: a value of Affiliation.
        region: where the unit lies.
        kind: a value of Authority.
    """
    offices = Office.objects.filter(kind=kind).select_related("region")
    line = [(place.pk, place.level) for place in region.line]
    return nearest_office(affiliation, line, offices.filter(region_id__in=[pk for pk, _ in line]))


def nearest_office(
    affiliation: str, line: Iterable[tuple[str, int]], offices: Iterable[Office]
) -> Office | None:
    """Choose among `offices` of one kind; see `propose_supervision`.

    Args:
        affiliation: a value of Affiliation.
        line: (code, level) of the unit's region and those above it.
        offices: with their regions loaded.
    """
    reach = _HIGHEST_LEVEL.get(Affiliation(affiliation), 3)
    codes = {code for code, level in line if level <= reach}
    near = [office for office in offices if office.region_id in codes]
    return min(near, key=lambda o: (-o.region.level, len(o.path), o.pk), default=None)


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
        Refused: the credit code was registered in the meantime.
    """
    try:
        with transaction.atomic():
            unit.save(force_insert=True)
    except IntegrityError:
        raise Refused("此统一社会信用代码刚刚已被登记，请在单位列表中查找。") from None
    offices = [office]
    if office.kind != Authority.POLICE:
        police = propose_supervision(affiliation=unit.affiliation, region=unit.region)
        offices += [police] if police else []
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
        Refused: another unit holds the credit code.
    """
    changes = _changes(unit)
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


def _changes(row: models.Model, stored: models.Model | None = None) -> dict[str, Any]:
    """Label → [old, new] of the columns in which `row` differs from `stored` (the database)."""
    stored = stored or type(row)._base_manager.get(pk=row.pk)
    changes = {}
    for field in row._meta.concrete_fields:
        old, new = getattr(stored, field.attname), getattr(row, field.attname)
        if old != new:
            changes[str(field.verbose_name)] = [_plain(old), _plain(new)]
    return changes


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | str) else str(value)


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
        elif not stored or _changes(new, stored):
            new.save()
            changed.append(str(new.get_role_display()))
    return changed


def _set_registered_domains(unit: Unit, names: Iterable[str]) -> list[str]:
    now = set(unit.registered_domains.values_list("name", flat=True))
    wanted = set(names)
    unit.registered_domains.filter(name__in=now - wanted).delete()
    UnitDomain.objects.bulk_create(UnitDomain(unit=unit, name=n) for n in sorted(wanted - now))
    return [f"+{n}" for n in sorted(wanted - now)] + [f"-{n}" for n in sorted(now - wanted)]


@transaction.atomic
def transfer_unit(*, unit: Unit, office: Office, reason: str, by: Actor) -> SupervisionTransfer:
    """Place `unit` under `office` for the office's kind of authority, and record the move.

    Raises:
        Refused: no reason given, the unit is already there, or `by` works in an office that
            merely reads the unit.
    """
    if by.pk is not None and not unit.is_supervised_by(by):
        raise Refused("只有该单位的监管机关或其上级机关可以变更监管关系。")
    if not reason.strip():
        raise Refused("变更监管关系须填写理由。")
    row = unit.supervisions.select_for_update().filter(kind=office.kind).first()
    former = row.office if row else None
    if former == office:
        raise Refused(f"该单位现在就由{office}监管，无需变更。")
    if row:
        row.office = office
        row.since = timezone.localdate()
        row.save(update_fields=["office", "since"])
    else:
        Supervision.objects.create(unit=unit, kind=office.kind, office=office)
    transfer: SupervisionTransfer = SupervisionTransfer.objects.create(
        unit=unit, kind=office.kind, from_office=former, to_office=office, reason=reason.strip()
    )
    record(
        "unit.transfer",
        unit,
        by=by,
        details={"from": str(former or ""), "to": str(office), "reason": reason.strip()},
    )
    return transfer


@transaction.atomic
def save_system(
    *,
    system: MailSystem,
    domains: Sequence[DomainEntry],
    endpoints: Sequence[EndpointEntry] = (),
    by: Actor,
) -> MailSystem:
    """Save a mail system with its domains and addresses, new or changed.

    Args:
        system: validated, with its unit; unsaved for a new one.
        domains: all domains from now on; the others of the system are marked as removed.
        endpoints: all service addresses from now on.

    Raises:
        Refused: not confirmed as 非涉密, no domain, or a domain was registered in the meantime.
    """
    if not system.not_classified or set(system.networks.split(",")) - set(Network.values):
        raise Refused("未确认不是涉密信息系统的，不得在本平台登记。")
    if not domains:
        raise Refused("至少填写一个邮件域名。")
    if system.retired_on:
        raise Refused("该系统已停用，不能再修改。")
    is_new = system.pk is None
    changes = {} if is_new else _changes(system)
    system.save()
    try:
        with transaction.atomic():
            moved = _set_domains(system, domains)
    except IntegrityError:
        raise Refused("所填域名中有的刚刚已被登记，如有疑问请联系监管机关。") from None
    if moved:
        changes["邮件域名"] = moved
    if moved := _set_endpoints(system, endpoints):
        changes["服务地址"] = moved
    if changes:
        record("system.register" if is_new else "system.update", system, by=by, details=changes)
    return system


def _set_domains(system: MailSystem, entries: Sequence[DomainEntry]) -> list[str]:
    ever = {row.name: row for row in MailDomain.ever.filter(system=system).order_by("pk")}
    now = {name for name, row in ever.items() if row.removed_on is None}
    wanted = {entry.name: entry.dkim_selectors for entry in entries}
    gone = sorted(now - set(wanted))
    MailDomain.objects.filter(system=system, name__in=gone).update(removed_on=timezone.localdate())
    moved = [f"-{name}" for name in gone]
    new, changed = [], []
    for name, selectors in wanted.items():
        row = ever.get(name)
        if row is None:
            new.append(MailDomain(system=system, name=name, dkim_selectors=selectors))
        elif row.removed_on or row.dkim_selectors != selectors:
            row.removed_on, row.dkim_selectors = None, selectors
            changed.append(row)
        else:
            continue
        moved.append(f"+{name}" if name not in now else f"{name} DKIM {selectors or '（空）'}")
    MailDomain.objects.bulk_create(new)
    MailDomain.ever.bulk_update(changed, ["removed_on", "dkim_selectors"])
    return moved


def _set_endpoints(system: MailSystem, entries: Sequence[EndpointEntry]) -> list[str]:
    now = {(e.kind, e.host): e for e in system.endpoints.all()}
    wanted = {(e.kind, e.host): e.address or None for e in entries}
    gone = sorted(now.keys() - wanted.keys())
    system.endpoints.filter(pk__in=[now[key].pk for key in gone]).delete()
    moved = [f"-{kind} {host}" for kind, host in gone]
    new, changed = [], []
    for (kind, host), address in wanted.items():
        row = now.get((kind, host))
        if row is None:
            new.append(Endpoint(system=system, kind=kind, host=host, address=address))
        elif row.address != address:
            row.address = address
            changed.append(row)
        else:
            continue
        moved.append(f"+{kind} {host} {address or ''}".strip())
    Endpoint.objects.bulk_create(new)
    Endpoint.objects.bulk_update(changed, ["address"])
    return moved


@transaction.atomic
def retire_system(*, system: MailSystem, retired_on: Any, reason: str, by: Actor) -> None:
    """Take a system out of service; its domains become free for another system.

    Raises:
        Refused: no reason, or already out of service.
    """
    if not reason.strip():
        raise Refused("停用系统须填写理由。")
    won = MailSystem.objects.filter(pk=system.pk, retired_on=None).update(retired_on=retired_on)
    if won != 1:
        raise Refused("该系统已经停用。")
    system.retired_on = retired_on
    names = list(system.domains.values_list("name", flat=True))
    system.domains.update(removed_on=retired_on)
    record(
        "system.retire",
        system,
        by=by,
        details={"on": str(retired_on), "reason": reason.strip(), "domains": names},
    )


def edit_system_facts(*, system: MailSystem, values: Mapping[str, Any], by: Actor) -> MailSystem:
    """Change single facts of a system that a self-check asks for and the inventory keeps.

    Args:
        values: column name → validated value.
    """
    for name, value in values.items():
        setattr(system, name, value)
    with transaction.atomic():
        changes = _changes(system)
        if changes:
            system.save(update_fields=list(values))
            record("system.update", system, by=by, details=changes)
    return system
