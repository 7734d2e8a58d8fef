"""Random worlds for the property of `visible_to`: drawn as plain rows, then written to tables.

A world holds trees of offices of three kinds, units with and without supervisors, a superior and
delegations in force and expired, hand-overs in every state, people of every role, and for each unit
a row of each kind that the portal keeps about it.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from django.db.models import Model
from django.utils import timezone

from accounts.models import Membership, User
from accounts.roles import OFFICE_ROLES, PORTAL_ROLES, UNIT_ROLES
from assessments.models import Answer, Campaign, Questionnaire, SelfCheck, Sheet
from emailsec.lib.workdays import today
from inbox.models import Message
from inventory.models import (
    Contact,
    Delegation,
    ImportBatch,
    MailDomain,
    MailSystem,
    Office,
    Region,
    Sector,
    Supervision,
    SupervisionTransfer,
    Unit,
    UnitDomain,
)
from rectification.models import Finding, Notice, NoticeItem, NoticeScan, Reply
from reports.models import Document
from scans.models import Authorization, Observation, ScanRun, Verdict, Wave
from tests.access import oracle

KINDS = ("police", "industry")
READER = "provider"  # supervises nobody; others lend it units
UNSERVED, SERVED = ("drafted", "checked", "approved"), ("served", "replied", "finished")


@dataclass
class Drawn:
    """A world as drawn. Each user comes with his roles, one a place; "" stands for 三员. Each
    hand-over comes with its unit and its status."""

    offices: list[oracle.Office] = field(default_factory=list)
    units: list[oracle.Unit] = field(default_factory=list)
    users: list[tuple[oracle.User, list[str], list[bool]]] = field(default_factory=list)
    notices: list[oracle.Notice] = field(default_factory=list)
    transfers: list[tuple[oracle.Unit, oracle.Transfer, str]] = field(default_factory=list)


def draw(seed: int, people: int) -> Drawn:
    """Draw a world with `people` users; the same seed draws the same world."""
    random = Random(seed)
    world = Drawn()
    for _ in range(random.randint(1, 8)):
        kind = random.choice((*KINDS, READER) if world.offices else KINDS)
        near = [o for o in world.offices if o.kind == kind]
        parent = random.choice([None, *near, *near]) if near else None
        world.offices.append(oracle.Office(kind, parent))
    for _ in range(random.randint(1, 7)):
        world.units.append(_unit(random, world))
    issuers = [office for office in world.offices if office.kind != READER]
    for unit in world.units:  # any unit, also in a ring: the rule looks one step up
        unit.superior = random.choice([None, *(u for u in world.units if u is not unit)])
        unit.superior_may_read = random.random() < 0.5
        for _ in range(2):
            office = random.choice(issuers)
            world.notices.append(oracle.Notice(unit, office, random.random() < 0.5))
        world.transfers += _transfers(random, unit, issuers)
    world.users = [_person(random, world) for _ in range(people)]
    return world


def _unit(random: Random, world: Drawn) -> oracle.Unit:
    unit = oracle.Unit()
    for kind in KINDS:
        if near := [o for o in world.offices if o.kind == kind and random.random() < 0.6]:
            unit.offices.append(random.choice(near))
    for _ in range(random.choice((0, 0, 1, 2))):
        until = today() + dt.timedelta(days=random.choice((-40, -1, 0, 1, 40)))
        unit.readers.append((random.choice(world.offices), until))
    return unit


def _transfers(
    random: Random, unit: oracle.Unit, offices: list[oracle.Office]
) -> Iterator[tuple[oracle.Unit, oracle.Transfer, str]]:
    """Hand-overs of a unit in any state; one open at most, and some of a unit that nobody had."""
    for status in random.sample(("proposed", "accepted", "declined", "withdrawn", "ordered"), 2):
        taker = random.choice(offices)
        giver = random.choice([None, *(o for o in offices if o.kind == taker.kind)])
        yield unit, oracle.Transfer(giver, taker), status


def _person(random: Random, world: Drawn) -> tuple[oracle.User, list[str], list[bool]]:
    """Somebody with a place and up to two more that they have left, perhaps switched off."""
    user, roles, live = oracle.User(active=random.random() < 0.9), [], []
    for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
        office_side = random.random() < 0.5
        place = random.choice(world.offices if office_side else world.units)
        seat = random.choice(sorted(OFFICE_ROLES if office_side else UNIT_ROLES)), place
        if seat in roles:  # a seat is a row, once
            continue
        in_force = not any(live) and random.random() < 0.85
        roles.append(seat)
        live.append(in_force)
        if in_force:
            user.places.append(place)
    return user, roles or [(random.choice(["", *sorted(PORTAL_ROLES)]), None)], live or [True]


# --- The tables -----------------------------------------------------------------------------


@dataclass
class Written:
    """A world in the database.

    Attributes:
        users: in the order of the drawn ones.
        units: likewise.
        owned: model → key of a row → the unit that owns it, as drawn.
        transfers: key → the hand-over, as drawn.
        issued: model → key of a row → the notice that it belongs to, as drawn.
        personal: model → key of a row → whose it is, by the user's place in the list.
        campaigns: key → (its office, the units that it asks).
    """

    users: list[User] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    owned: dict[type[Model], dict[int, oracle.Unit]] = field(default_factory=dict)
    transfers: dict[int, oracle.Transfer] = field(default_factory=dict)
    issued: dict[type[Model], dict[int, oracle.Notice]] = field(default_factory=dict)
    personal: dict[type[Model], dict[int, int]] = field(default_factory=dict)
    campaigns: dict[int, tuple[oracle.Office, list[oracle.Unit]]] = field(default_factory=dict)


class Writer:
    """Writes one drawn world, a statement a table."""

    def __init__(self, world: Drawn) -> None:
        self.world, self.done = world, Written()
        self.now, self.day = timezone.now(), today()
        self.region = Region.objects.get_or_create(code="370000", name="丙省", level=1)[0]
        self.sector = Sector.objects.get_or_create(code="43", name="教育")[0]
        self.offices = self._offices()
        self.units = self.done.units = self._units()
        self.done.users = self._people()
        self.people = self.done.users

    def write(self) -> Written:
        self._inventory()
        self._scans()
        self._selfchecks()
        self._findings()
        self._notices()
        self._personal()
        self._transfers()
        return self.done

    def _own(self, rows: list[Any]) -> list[Any]:
        """Save a row a unit, in the order of the units."""
        made = type(rows[0])._base_manager.bulk_create(rows)
        keys = [row.pk for row in made]
        self.done.owned[type(rows[0])] = dict(zip(keys, self.world.units, strict=True))
        return list(made)

    def _offices(self) -> dict[oracle.Office, Office]:
        made: dict[oracle.Office, Office] = {}
        for n, drawn in enumerate(self.world.offices):
            made[drawn] = Office.objects.create(
                kind=drawn.kind,
                name=f"机关{n}",
                short_name=f"机关{n}",
                parent=made[drawn.parent] if drawn.parent else None,
                region=self.region,
                issuer_name=f"机关{n}",
                number_prefix=f"代{n}",
            )
        return made

    def _units(self) -> list[Unit]:
        rows = self._own(
            [
                Unit(
                    name=f"单位{n}",
                    uscc=f"{n:018d}",
                    kind="party",
                    affiliation="2",
                    sector=self.sector,
                    region=self.region,
                    superior_may_read=drawn.superior_may_read,
                )
                for n, drawn in enumerate(self.world.units)
            ]
        )
        by_drawn = dict(zip(self.world.units, rows, strict=True))
        for drawn, row in by_drawn.items():
            row.superior = by_drawn[drawn.superior] if drawn.superior else None
        Unit.objects.bulk_update(rows, ["superior"])
        self.by_drawn = by_drawn
        Supervision.objects.bulk_create(
            Supervision(unit=row, kind=office.kind, office=self.offices[office])
            for drawn, row in by_drawn.items()
            for office in drawn.offices
        )
        Delegation.objects.bulk_create(
            Delegation(unit=row, office=self.offices[office], until=until, reason="协查")
            for drawn, row in by_drawn.items()
            for office, until in drawn.readers
        )
        return rows

    def _people(self) -> list[User]:
        rows = User.objects.bulk_create(
            User(username=f"user{n}", name=f"人{n}", is_active=drawn.active, password="!")
            for n, (drawn, _, _) in enumerate(self.world.users)
        )
        seats = []
        for user, (_, roles, live) in zip(rows, self.world.users, strict=True):
            for (role, place), active in zip(roles, live, strict=True):
                office = self.offices.get(place)
                unit = self.by_drawn.get(place)
                if role:
                    seats.append(
                        Membership(user=user, role=role, unit=unit, office=office, active=active)
                    )
        Membership.objects.bulk_create(seats, ignore_conflicts=True)
        return list(User.objects.filter(pk__in=[u.pk for u in rows]).order_by("pk"))

    def _inventory(self) -> None:
        self.systems = self._own(
            [
                MailSystem(
                    unit=unit,
                    name="系统",
                    build_mode="own_room",
                    networks="internet",
                    not_classified=True,
                )
                for unit in self.units
            ]
        )
        self.domains = self._own([MailDomain(system=s, name=f"d{s.pk}.test") for s in self.systems])
        self._own([Contact(unit=u, role="liaison", name="联络") for u in self.units])
        self._own([UnitDomain(unit=u, name=f"u{u.pk}.test") for u in self.units])

    def _scans(self) -> None:
        self._own(
            [
                Authorization(
                    system=s,
                    hosts="x.test",
                    valid_from=self.day,
                    valid_to=self.day,
                    signed_by="张某",
                    contact_name="张某",
                    contact_phone="0000-1234567",
                    created_by=self.people[0],
                )
                for s in self.systems
            ]
        )
        waves = self._own(
            [
                Wave(system=s, reason="schedule", status="done", due_at=self.now)
                for s in self.systems
            ]
        )
        self._own(
            [Observation(wave=w, name="mx", outcome="observed", seen_at=self.now) for w in waves]
        )
        runs = self._own(
            [
                ScanRun(wave=w, domain=d, status="done")
                for w, d in zip(waves, self.domains, strict=True)
            ]
        )
        self._own([Verdict(run=r, rule="mx", result="conforming", text="x") for r in runs])

    def _selfchecks(self) -> None:
        version, _ = Questionnaire.objects.get_or_create(
            version="x-1", defaults={"title": "自查表", "source": "", "sha256": "0" * 64}
        )
        places = self.world.offices[:2]
        campaigns = Campaign.objects.bulk_create(
            Campaign(
                office=self.offices[place], title="行动", questionnaire=version, deadline=self.day
            )
            for place in places
        )
        # The second campaign, where there is one, asks nobody yet.
        asked = [self.world.units, []]
        self.done.campaigns = {
            c.pk: (place, units) for c, place, units in zip(campaigns, places, asked, strict=False)
        }
        checks = self._own(
            [SelfCheck(campaign=campaigns[0], unit=u, questionnaire=version) for u in self.units]
        )
        sheets = self._own([Sheet(selfcheck=c) for c in checks])
        self._own(
            [
                Answer(
                    sheet=s, item="U-101", field="x", updated_by=self.people[0], updated_at=self.now
                )
                for s in sheets
            ]
        )

    def _findings(self) -> None:
        self.findings = self._own(
            [
                Finding(
                    number=f"问{u.pk}",
                    unit=u,
                    cause="x",
                    title="x",
                    severity="high",
                    ground="statute",
                    confirmed_by=self.people[0],
                )
                for u in self.units
            ]
        )

    def _notices(self) -> None:
        drawn, by = self.world.notices, self.people[0]
        finding = dict(zip(self.world.units, self.findings, strict=True))
        rows = Notice.objects.bulk_create(
            Notice(
                office=self.offices[n.office],
                unit=self.by_drawn[n.unit],
                status=(SERVED if n.served else UNSERVED)[i % 3],
                deadline=self.day,
                drafted_by=by,
            )
            for i, n in enumerate(drawn)
        )
        self._issue(rows)
        scan = {"kind": "notice", "file": "x.pdf", "name": "x.pdf", "sha256": "0" * 64}
        self._issue(
            NoticeScan.objects.bulk_create(NoticeScan(notice=n, by=by, **scan) for n in rows)
        )
        self._issue(
            Document.objects.bulk_create(
                Document(
                    kind="notice",
                    unit=n.unit,
                    notice=n,
                    title="x",
                    issuer="x",
                    issued_on=self.day,
                    verification_code=f"{n.pk}",
                    file="x.pdf",
                    sha256="0" * 64,
                    pages=1,
                )
                for n in rows
            )
        )
        items = NoticeItem.objects.bulk_create(
            NoticeItem(notice=n, finding=finding[d.unit], order=1, ended_on=self.day)
            for d, n in zip(drawn, rows, strict=True)
        )
        self._issue(items)
        replies = Reply.objects.bulk_create(
            Reply(
                notice=n,
                finding=finding[d.unit],
                analysis="x",
                measures="x",
                responsible="x",
                completed_on=self.day,
                by=by,
            )
            for d, n in zip(drawn, rows, strict=True)
        )
        self.done.owned[Reply] = {r.pk: d.unit for r, d in zip(replies, drawn, strict=True)}

    def _issue(self, rows: list[Any]) -> None:
        keys = [row.pk for row in rows]
        self.done.issued[type(rows[0])] = dict(zip(keys, self.world.notices, strict=True))

    def _personal(self) -> None:
        message = Message.objects.bulk_create(
            Message(recipient=user, title="x") for user in self.people
        )
        office = self.offices[self.world.offices[0]]
        batch = ImportBatch.objects.bulk_create(
            ImportBatch(by_id=u.pk, by_label="x", office=office, file_name="x", sha256="0" * 64)
            for u in self.people
        )
        for rows in (message, batch):
            keys = [row.pk for row in rows]
            self.done.personal[type(rows[0])] = {pk: n for n, pk in enumerate(keys)}

    def _transfers(self) -> None:
        drawn = self.world.transfers
        rows = SupervisionTransfer.objects.bulk_create(
            SupervisionTransfer(
                unit=self.by_drawn[unit],
                kind=of.taker.kind,
                from_office=self.offices[of.giver] if of.giver else None,
                to_office=self.offices[of.taker],
                reason="x",
                status=status,
            )
            for unit, of, status in drawn
        )
        self.done.transfers = {r.pk: of for r, (_, of, _) in zip(rows, drawn, strict=True)}
