"""Turn the rows of a workbook into a plan, or into errors at their cells.

Set-based: the database is asked a fixed number of times, whatever the number of rows.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from emailsec.lib.classified import ADVICE, is_marked
from inventory.importing.columns import CONTACTS, DOMAINS, SHEETS, SYSTEMS, UNITS, Sheet
from inventory.importing.reading import Book, CellError, Line, place_of
from inventory.jurisdiction import beyond, nearest_office
from inventory.models import (
    Authority,
    Contact,
    MailDomain,
    MailSystem,
    Office,
    Region,
    Sector,
    Supervision,
    Unit,
)
from inventory.ownership import (
    FOREIGN_DOMAIN,
    NEAR_FOREIGN_DOMAIN,
    PUBLIC_SUFFIX,
    claims_near,
    disputed,
    is_public_suffix,
)
from inventory.rules import problems


@dataclass
class Plan:
    """What an import would do. With errors it may not be carried out.

    Attributes:
        new: rows to create, by sheet, parents first.
        changed: rows to update, each with the former values of its changed columns.
        offices: the supervising offices of new units, by credit code.
        counts: sheet → {"new": n, "updated": n, "unchanged": n}.
    """

    errors: list[CellError] = field(default_factory=list)
    new: dict[str, list[Any]] = field(default_factory=dict)
    changed: dict[str, list[tuple[Any, dict[str, Any]]]] = field(default_factory=dict)
    offices: dict[str, list[Office]] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass
class _Row:
    """A parsed line: the values that could be read; `sound` while nothing is wrong with it."""

    line: Line
    values: dict[str, Any]
    sound: bool = True


def check(book: Book, *, user: Any) -> Plan:
    """Check every row of `book` for an import by `user`, who works in an office.

    Returns:
        the plan, with all errors in the order of the sheets and rows.
    """
    checker = _Checker(book, user)
    checker.units()
    checker.contacts()
    checker.systems()
    checker.domains()
    plan = checker.plan
    if not plan.errors and not any(book.lines.values()):
        plan.errors.append(CellError("文件", "", "四张表都是空的，没有可以导入的内容。"))
    plan.errors.sort(key=_position)
    for name, counted in checker.counters.items():
        plan.counts[name] = {key: counted[key] for key in ("new", "updated", "unchanged")}
    return plan


class _Checker:
    """One pass over a workbook. Holds what was asked of the database."""

    def __init__(self, book: Book, user: Any) -> None:
        self.book = book
        self.user = user
        self.plan = Plan(errors=list(book.errors))
        self.counters = {sheet.name: Counter[str]() for sheet in SHEETS}
        self.rows = {sheet.name: self._parse(sheet) for sheet in SHEETS}
        codes = {
            r.values["uscc"] for rows in self.rows.values() for r in rows if "uscc" in r.values
        }
        self.units_by_code: dict[str, Unit] = {
            unit.uscc: unit
            for unit in Unit.objects.filter(uscc__in=codes).select_related(
                "sector", "region__parent__parent"
            )
        }
        self.under = Office.objects.under(user).select_related("region__parent__parent")
        self.ours = set(
            Supervision.objects.filter(
                office__in=self.under, unit__in=self.units_by_code.values()
            ).values_list("unit_id", flat=True)
        )
        self.offices_under = {o.name: o for o in self.under if not o.retired_on}
        self.system_by_key: dict[tuple[str, str], MailSystem] = {}
        self.systems_with_domain: set[int] = set()

    # --- parsing ----------------------------------------------------------------------------

    def _parse(self, sheet: Sheet) -> list[_Row]:
        return [self._parse_line(sheet, line) for line in self.book.lines.get(sheet.name, [])]

    def _parse_line(self, sheet: Sheet, line: Line) -> _Row:
        row = _Row(line, {})
        for column in sheet.columns:
            text = line.cells.get(column.key, "")
            if not text:
                continue
            if is_marked(text):
                self._wrong(sheet, row, column.key, ADVICE)
                continue
            try:
                row.values[column.key] = column.parse(text) if column.parse else text
            except ValueError as error:
                self._wrong(sheet, row, column.key, str(error))
        return row

    def _wrong(self, sheet: Sheet, row: _Row, key: str, reason: str) -> None:
        row.sound = False
        shown = {column.key for column in sheet.columns}
        key = key if key in shown else sheet.columns[0].key
        value = row.line.cells.get(key, "")
        if is_marked(value) or (key in {"networks", "not_classified"} and "密" in value):
            value = "（不显示）"  # what points to a classified system is not repeated
        self.plan.errors.append(CellError(place_of(sheet, key, row.line.row), value, reason))

    def _complete(self, sheet: Sheet, row: _Row, keys: Iterable[str] | None = None) -> None:
        """Complain about required cells that are empty (`keys`: only about these)."""
        for column in sheet.columns:
            asked = column.required and (keys is None or column.key in keys)
            if asked and not row.line.cells.get(column.key):
                self._wrong(sheet, row, column.key, f"请填写{column.head}。")

    def _unit_of(self, sheet: Sheet, row: _Row) -> Unit | None:
        """The unit that a row of another sheet names; None after a complaint."""
        self._complete(sheet, row, {"uscc"})
        code = row.values.get("uscc")
        if code is None:
            return None
        unit = self.units_by_code.get(code)
        if unit is None:
            self._wrong(sheet, row, "uscc", "“单位”表中没有此代码，也没有登记过。")
            return None
        if unit.pk and unit.pk not in self.ours:
            self._wrong(sheet, row, "uscc", "该单位不在您的管辖范围内。")
            return None
        return unit

    def _settle(self, sheet: Sheet, row: _Row, obj: Any, values: dict[str, Any]) -> None:
        """Put `obj` with `values` among the new, the changed or the unchanged rows."""
        if obj.pk is None:
            for key, value in values.items():
                setattr(obj, key, value)
            kind = "new"
            self.plan.new.setdefault(sheet.name, []).append(obj)
        else:
            old = {k: getattr(obj, k) for k, value in values.items() if getattr(obj, k) != value}
            for key in old:
                setattr(obj, key, values[key])
            kind = "updated" if old else "unchanged"
            if old:
                self.plan.changed.setdefault(sheet.name, []).append((obj, old))
        self.counters[sheet.name][kind] += 1

    # --- units ------------------------------------------------------------------------------

    def units(self) -> None:
        rows = self.rows[UNITS.name]
        codes = {row.values.get("region") for row in rows}
        regions = {
            r.pk: r for r in Region.objects.filter(pk__in=codes).select_related("parent__parent")
        }
        sectors = {s.name: s for s in Sector.objects.filter(active=True)}
        police = list(
            Office.objects.in_use().filter(kind=Authority.POLICE).select_related("region")
        )
        now = self._supervising()
        seen: dict[str, int] = {}
        for row in rows:
            code = row.values.get("uscc")
            unit = self.units_by_code.get(code) if code else None
            known = unit is not None and unit.pk is not None
            self._complete(UNITS, row, {"uscc"} if known else None)
            self._look_up(row, "region", regions, "区划表中没有这个代码。")
            self._look_up(row, "sector", sectors, "没有这个行业类别，请从列表选择。")
            self._look_up(
                row, "office", self.offices_under, "只能是本机关或下级机关，请从列表选择。"
            )
            region = row.values.get("region")
            if (
                isinstance(region, Region)
                and region.valid_to
                and region.valid_to < timezone.localdate()
            ):
                self._wrong(UNITS, row, "region", f"“{region.name}”已停用，请改用现行区划。")
            if code is None:
                continue
            if code in seen:
                self._wrong(UNITS, row, "uscc", f"与第{seen[code]}行重复。")
                continue
            seen[code] = row.line.row
            if known and unit and unit.pk not in self.ours:
                self._wrong(
                    UNITS, row, "uscc", "此代码已由其他监管机关登记，请联系上级核对监管关系。"
                )
                continue
            office = row.values.pop("office", None)
            held = now.get(unit.pk, []) if known and unit else []
            if known and office and office not in held:
                self._wrong(UNITS, row, "office", "变更监管机关请在单位页面办理，此处请空着。")
            for each in held if known else [office or self.user.office]:
                if isinstance(region, Region) and (reason := beyond(region, each)):
                    self._wrong(UNITS, row, "region", f"{reason}请核对区划。")
                    break
            unit = unit or Unit()
            self.units_by_code[code] = unit
            if row.sound:
                self._settle(UNITS, row, unit, row.values)
                if not known:
                    self.plan.offices[code] = self._offices_of(unit, office, police)

    def _supervising(self) -> dict[int, list[Office]]:
        """The offices that supervise each known unit, of whatever kind."""
        now: dict[int, list[Office]] = {}
        rows = Supervision.objects.filter(unit_id__in=self.ours)
        for row in rows.select_related("office__region__parent__parent"):
            now.setdefault(row.unit_id, []).append(row.office)
        return now

    def _supervised(self, units: set[int]) -> set[int]:
        rows = Supervision.objects.filter(office__in=self.under, unit__in=units)
        return set(rows.values_list("unit_id", flat=True))

    def _look_up(self, row: _Row, key: str, table: dict[str, Any], reason: str) -> None:
        text = row.values.get(key)
        if text is None:
            return
        if text in table:
            row.values[key] = table[text]
        else:
            del row.values[key]
            self._wrong(UNITS, row, key, reason)

    def _offices_of(self, unit: Unit, office: Office | None, police: list[Office]) -> list[Office]:
        office = office or self.user.office
        if office.kind == Authority.POLICE:
            return [office]
        line = [(place.pk, place.level) for place in unit.region.line]
        nearest = nearest_office(unit.affiliation, line, police)
        return [office, nearest] if nearest else [office]

    # --- contacts ---------------------------------------------------------------------------

    def contacts(self) -> None:
        known = Contact.objects.filter(unit_id__in=self.ours).select_related("unit")
        stored = {(c.unit_id, c.role): c for c in known}
        seen: dict[tuple[str, str], int] = {}
        for row in self.rows[CONTACTS.name]:
            unit = self._unit_of(CONTACTS, row)
            role = row.values.get("role")
            contact = stored.get((unit.pk, role)) if unit and unit.pk else None
            self._complete(CONTACTS, row, {"role"} if contact else {"role", "name"})
            if unit is None or role is None:
                continue
            key = (row.values["uscc"], role)
            if key in seen:
                self._wrong(CONTACTS, row, "role", f"与第{seen[key]}行是同一单位的同一角色。")
                continue
            seen[key] = row.line.row
            values = {k: v for k, v in row.values.items() if k != "uscc"}
            cells = row.line.cells
            if contact is None and not (cells.get("office_phone") or cells.get("mobile")):
                self._wrong(CONTACTS, row, "mobile", "办公电话和手机至少填写一个。")
            if row.sound:
                self._settle(CONTACTS, row, contact or Contact(unit=unit), values)

    # --- systems ----------------------------------------------------------------------------

    def systems(self) -> None:
        stored = {
            (s.unit.uscc, s.name): s
            for s in MailSystem.objects.filter(unit_id__in=self.ours).select_related("unit")
        }
        self.system_by_key = dict(stored)
        seen: dict[tuple[str, str], int] = {}
        for row in self.rows[SYSTEMS.name]:
            unit = self._unit_of(SYSTEMS, row)
            name = row.values.get("name")
            key = (row.values.get("uscc", ""), name or "")
            system = stored.get(key)
            # Whatever else is known: each row says anew that the system is not classified.
            always = {"name", "not_classified"}
            self._complete(SYSTEMS, row, always if system else None)
            if unit is None or name is None:
                continue
            if key in seen:
                self._wrong(SYSTEMS, row, "name", f"与第{seen[key]}行是同一单位的同名系统。")
                continue
            seen[key] = row.line.row
            if system and system.retired_on:
                self._wrong(SYSTEMS, row, "name", "该系统已停用，不能再修改。")
                continue
            values = {k: v for k, v in row.values.items() if k != "uscc"}
            facts = {k: getattr(system, k) for k in _FACTS} if system else {}
            for field_name, reason in problems(facts | values):
                if row.line.cells.get(field_name) in (None, "") or field_name in values:
                    self._wrong(SYSTEMS, row, field_name, reason)
            system = system or MailSystem(unit=unit)
            self.system_by_key[key] = system
            if row.sound:
                self._settle(SYSTEMS, row, system, values)

    # --- domains ----------------------------------------------------------------------------

    def domains(self) -> None:
        rows = self.rows[DOMAINS.name]
        names = {row.values.get("name") for row in rows}
        stored = {
            d.name: d for d in MailDomain.objects.filter(name__in=names).select_related("system")
        }
        near = claims_near({name for name in names if name and name not in stored})
        # Among its own units the office knows who holds what: bureaus under the city's domain.
        friends = self._supervised({c.unit_id for claims in near.values() for c in claims})
        seen: dict[str, int] = {}
        served: set[tuple[str, str]] = set()
        for row in rows:
            unit = self._unit_of(DOMAINS, row)
            self._complete(DOMAINS, row, {"system", "name"})
            key = (row.values.get("uscc", ""), row.values.get("system", ""))
            served.add(key)
            system = self.system_by_key.get(key)
            if unit and row.values.get("system") and system is None:
                self._wrong(DOMAINS, row, "system", "“邮件系统”表中没有该单位的这个系统。")
            name = row.values.get("name")
            if name is None:
                continue
            if name in seen:
                self._wrong(DOMAINS, row, "name", f"与第{seen[name]}行重复。")
                continue
            seen[name] = row.line.row
            domain = stored.get(name)
            if domain and (system is None or domain.system_id != system.pk):
                self._wrong(DOMAINS, row, "name", FOREIGN_DOMAIN)
            elif domain is None and is_public_suffix(name):
                self._wrong(DOMAINS, row, "name", PUBLIC_SUFFIX)
            elif unit and disputed(name, near.get(name, []), friends, unit.pk or 0):
                self._wrong(DOMAINS, row, "name", NEAR_FOREIGN_DOMAIN)
            if row.sound and system is not None:
                values = {k: v for k, v in row.values.items() if k in {"name", "dkim_selectors"}}
                self._settle(DOMAINS, row, domain or MailDomain(system=system), values)
        for row in self.rows[SYSTEMS.name]:
            key = (row.values.get("uscc", ""), row.values.get("name", ""))
            system = self.system_by_key.get(key)
            if system is not None and system.pk is None and key not in served:
                self._wrong(SYSTEMS, row, "name", "“域名”表中没有这个系统的域名，至少要有一个。")


_ORDER = {sheet.name: number for number, sheet in enumerate(SHEETS)}
_PLACE = re.compile(r"(?P<sheet>.+)!(?P<column>[A-Z]+)(?P<row>\d+)")


def _position(error: CellError) -> tuple[int, int, int, str]:
    """Order of errors: those of the file, then sheet by sheet, row by row, column by column."""
    found = _PLACE.match(error.place)
    if not found or found["sheet"] not in _ORDER:
        return (-1, 0, 0, error.place)
    return (_ORDER[found["sheet"]], int(found["row"]), len(found["column"]), found["column"])


_FACTS = tuple(
    column.key for column in SYSTEMS.columns if column.key not in {"uscc", "not_classified"}
)
