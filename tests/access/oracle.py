"""Who may see what, said once more in plain Python, for `visible_to` to be compared with.

Supervision decides, not geography; nothing here asks the database. `test_property.py` draws worlds
of these rows, writes them into the tables and asks both.
"""

import datetime as dt
from dataclasses import dataclass, field


@dataclass(eq=False)
class Office:
    kind: str
    parent: "Office | None" = None


@dataclass(eq=False)
class Unit:
    """`offices`: who supervises it; `readers`: office → last day of a delegation."""

    offices: list[Office] = field(default_factory=list)
    readers: list[tuple[Office, dt.date]] = field(default_factory=list)
    superior: "Unit | None" = None
    superior_may_read: bool = False


@dataclass(eq=False)
class User:
    """`places`: the units and offices of his memberships in force."""

    places: list[Office | Unit] = field(default_factory=list)
    active: bool = True


@dataclass(eq=False)
class Notice:
    unit: Unit
    office: Office
    served: bool


@dataclass(eq=False)
class Transfer:
    giver: Office | None
    taker: Office


# --- The oracle: ten lines ------------------------------------------------------------------


def sees(user: User, unit: Unit, today: dt.date) -> bool:
    up = [unit.superior] if unit.superior_may_read else []
    lent = [office for office, until in unit.readers if until >= today]
    above = [office for own in unit.offices for office in line(own)]
    return user.active and any(p in [unit, *up, *lent, *above] for p in user.places)


def acts(user: User, unit: Unit) -> bool:
    above = [office for own in unit.offices for office in line(own)]
    return user.active and any(p in [unit, *above] for p in user.places)


def sees_notice(user: User, notice: Notice, today: dt.date) -> bool:
    issued = user.active and any(p in line(notice.office) for p in user.places)
    return issued or (notice.served and sees(user, notice.unit, today))


def sees_transfer(user: User, transfer: Transfer) -> bool:
    concerned = [*line(transfer.giver), *line(transfer.taker)]
    return user.active and any(p in concerned for p in user.places)


def line(office: Office | None) -> list[Office]:
    return [office, *line(office.parent)] if office else []
