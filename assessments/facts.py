"""From the inventory to the evaluator: facts of a sheet, and the values that it already holds."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from assessments.models import Sheet
from assessments.rules.facts import Facts
from assessments.rules.schema import Questionnaire
from inventory.codes import credit_code, u_label
from inventory.models import BuildMode, EndpointKind, FilingState, MailSystem, Unit


def facts_for(sheet: Sheet, system: MailSystem | None, systems: list[MailSystem]) -> Facts:
    """Facts of a sheet on the day of judgement.

    Args:
        sheet: with its self-check and unit loaded.
        system: the sheet's system, its domains and endpoints prefetched.
        systems: all systems of the unit in use.
    """
    selfcheck = sheet.selfcheck
    unit = selfcheck.unit
    own = [s for s in systems if s.build_mode != BuildMode.SHARED]
    common = Facts(
        on=selfcheck.judged_on,
        unit_type=unit.kind,
        registered_systems=len(own),
        uscc_valid=_uscc_valid(unit.uscc),
    )
    if sheet.kind == Sheet.Kind.USER:
        return replace(common, build_mode=BuildMode.SHARED, short=True)
    if system is None:
        highest = max((s.grade for s in systems), default=0)
        return replace(common, level=highest or None, short=bool(systems) and not own)
    return replace(
        common,
        level=system.grade or None,
        build_mode=system.build_mode,
        in_operation=system.started_on,
        graded_on=system.graded_on,
        filed_on=system.filed_on,
        short=system.build_mode == BuildMode.SHARED,
    )


def _uscc_valid(code: str) -> bool:
    try:
        credit_code(code)
    except ValueError:
        return False
    return True


def _person(unit: Unit, role: str) -> str:
    contact = next((c for c in unit.contacts.all() if c.role == role), None)
    if contact is None:
        return ""
    parts: list[str] = [contact.department, contact.name, contact.title]
    parts += [contact.office_phone, contact.mobile]
    return " ".join(part for part in parts if part)


def _text(value: object) -> str:
    return "" if value is None else str(value)


_UNIT: Mapping[str, Callable[[Unit], str]] = {
    "unit.name": lambda u: u.name,
    "unit.uscc": lambda u: u.uscc,
    "unit.kind": lambda u: u.kind,
    "unit.affiliation": lambda u: u.affiliation,
    "unit.sector": lambda u: u.sector.name,
    "unit.key_industries": lambda u: "、".join(k.name for k in u.key_industries.all()),
    "unit.region": lambda u: f"{u.region_id} {u.region.full_name}",
    "unit.address": lambda u: u.address,
    "unit.competent_department": lambda u: u.competent_department,
    "contact.leader": lambda u: _person(u, "leader"),
    "contact.head": lambda u: _person(u, "head"),
    "contact.liaison": lambda u: _person(u, "liaison"),
    "unitdomain.name": lambda u: "\n".join(str(d) for d in u.registered_domains.all()),
}
_SYSTEM: Mapping[str, Callable[[MailSystem], str]] = {
    "maildomain.name": lambda s: "\n".join(str(d) for d in s.domains.all()),
    "maildomain.dkim_selectors": lambda s: "\n".join(
        f"{d}：{d.dkim_selectors}" for d in s.domains.all() if d.dkim_selectors
    ),
    "endpoint.host": lambda s: "\n".join(
        f"{EndpointKind(e.kind).label} {u_label(e.host)} {e.address or ''}".strip()
        for e in s.endpoints.all()
    ),
    "mailsystem.not_classified": lambda s: "yes" if s.not_classified else "no",
    "mailsystem.started_on": lambda s: s.started_on.isoformat() if s.started_on else "",
    "mailsystem.filed_on": lambda s: s.filed_on.isoformat() if s.filed_on else "",
    "mailsystem.filing_state": lambda s: s.filing_state or FilingState.NONE,
}


def inventory_values(
    questionnaire: Questionnaire, scope: str, unit: Unit, system: MailSystem | None
) -> dict[tuple[str, str], str]:
    """Values of all fields of a scope that the inventory holds, in the evaluator's text form.

    Raises:
        LookupError: the questionnaire names a source that the inventory does not have.
    """
    values: dict[tuple[str, str], str] = {}
    for item, field, path in questionnaire.sources():
        if questionnaire.scope_of[item] == scope:
            values[item, field] = _value(path.removeprefix("inventory."), unit, system)
    return values


def _value(path: str, unit: Unit, system: MailSystem | None) -> str:
    if path in _UNIT:
        return _UNIT[path](unit)
    if path == "mailsystem.count":
        return str(
            unit.systems.filter(retired_on=None).exclude(build_mode=BuildMode.SHARED).count()
        )
    if system is None:
        raise LookupError(f"no source inventory.{path} for a unit sheet")
    if path in _SYSTEM:
        return _SYSTEM[path](system)
    model, _, column = path.partition(".")
    if model != "mailsystem" or not hasattr(system, column):
        raise LookupError(f"no source inventory.{path}")
    return _text(getattr(system, column))
