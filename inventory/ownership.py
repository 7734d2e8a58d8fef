"""Whose a domain name is: what lies at, under or above a domain of another unit is not one's own.

A name under another's domain is looked at from outside as soon as its letter is filed, so the
claim itself has to hold. A unit's superior may share its domain with it; a system built by others
(使用上级或地方统一建设) may stand under theirs.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.db.models import Q
from publicsuffixlist import PublicSuffixList

from inventory.codes import u_label
from inventory.models import MailDomain, Office, Supervision, Unit, UnitDomain

FOREIGN_DOMAIN = "此域名已被登记，如有疑问请联系监管机关。"
NEAR_FOREIGN_DOMAIN = (
    "此名称在其他单位已登记域名之下，或是其上级域名；确由本单位使用的，请联系监管机关。"
)
PUBLIC_SUFFIX = "这是公共的域名后缀，不是某一单位的域名，请填写完整域名。"
_CATEGORIES = frozenset({"ac", "com", "edu", "gov", "mil", "net", "org"})


@dataclass(frozen=True)
class Claim:
    """A domain that a unit holds: `mail` where it is one of its mail domains."""

    name: str
    unit_id: int
    mail: bool


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def is_public_suffix(name: str) -> bool:
    """Whether everybody registers under `name` (A-label), as under gov.cn.

    By the public suffix list, and by the usual categories under a top level that it does not know.
    """
    first, _, rest = name.partition(".")
    return bool(_suffixes().is_public(name)) or (first in _CATEGORIES and "." not in rest)


def _line(name: str) -> Iterator[str]:
    """`name` and every name above it."""
    while name:
        yield name
        name = name.partition(".")[2]


def claims_near(names: Collection[str]) -> dict[str, list[Claim]]:
    """Return, for each of `names` (A-labels), what is held at, under or above it. Two queries."""
    found: dict[str, list[Claim]] = {name: [] for name in names}
    below: dict[str, set[str]] = {}
    for name in names:
        for above in _line(name):
            below.setdefault(above, set()).add(name)
    held = [
        *((*row, True) for row in MailDomain.objects.values_list("name", "system__unit_id")),
        *((*row, False) for row in UnitDomain.objects.values_list("name", "unit_id")),
    ]
    for held_name, unit_id, mail in held:
        near = below.get(held_name, set()) | {up for up in _line(held_name) if up in found}
        if near and not is_public_suffix(held_name):
            for name in near:
                found[name].append(Claim(held_name, unit_id, mail))
    return found


def family_of(unit: Unit) -> set[int]:
    """Return the units that may share a domain with `unit`: itself, its superiors, its inferiors.

    One query.
    """
    if unit.pk is None:
        return set()
    kin = Q(superior_id=unit.pk)
    if unit.superior_id:  # a lookup for None would find whoever has no subordinates
        kin |= Q(pk=unit.superior_id) | Q(subordinates=unit.superior_id)
    return {unit.pk, *Unit.objects.filter(kin).values_list("pk", flat=True)}


def supervised_by(user: Any) -> set[int]:
    """Return the units of the offices of `user`: among its own an office knows who holds what, as
    bureaus stand under the city's domain."""
    rows = Supervision.objects.filter(office__in=Office.objects.under(user))
    return set(rows.values_list("unit_id", flat=True))


def disputed(name: str, claims: list[Claim], friends: Collection[int], unit_id: int) -> bool:
    """Whether `name` belongs to somebody else by the nearest claim, or spans what others hold.

    Args:
        claims: of `claims_near`.
        friends: units whose claims do not count against it.
        unit_id: the unit that asks for it.
    """
    own = max(
        (
            len(c.name)
            for c in claims
            if c.unit_id == unit_id and c.mail and len(c.name) <= len(name)
        ),
        default=0,
    )
    return any(c.unit_id not in friends and len(c.name) > own for c in claims)


def refusals(
    names: Collection[str], unit: Unit, *, friends: Collection[int] = ()
) -> dict[str, str]:
    """Return, for each of `names` (A-labels) that `unit` cannot register, the reason in Chinese.

    What the unit has already, among its registered domains or those of its systems, stays its own.

    Args:
        unit: may be unsaved.
        friends: further units whose claims do not count against it.
    """
    had = _held_by(unit)
    fresh = [name for name in names if name not in had]
    refused = {name: PUBLIC_SUFFIX for name in fresh if is_public_suffix(name)}
    if len(refused) < len(fresh):
        allowed = family_of(unit) | set(friends)
        for name, claims in claims_near(fresh).items():
            if name not in refused and disputed(name, claims, allowed, unit.pk or 0):
                same = any(c.name == name and c.unit_id not in allowed for c in claims)
                refused[name] = FOREIGN_DOMAIN if same else NEAR_FOREIGN_DOMAIN
    return refused


def _held_by(unit: Unit) -> set[str]:
    if unit.pk is None:
        return set()
    registered = unit.registered_domains.values_list("name", flat=True)
    mail = MailDomain.objects.filter(system__unit=unit).values_list("name", flat=True)
    return {*registered, *mail}


@dataclass
class Clash:
    """What other units hold at, under or above a name that somebody claims.

    Attributes:
        name: as a person reads it.
        seen: (domain, its unit), for the units that the reader may see.
        unseen: how many other units hold something there.
    """

    name: str
    seen: list[tuple[str, Unit]] = field(default_factory=list)
    unseen: int = 0


def clashes(names: Collection[str], *, user: Any) -> dict[str, Clash]:
    """Return what stands against each of `names` (A-labels), as far as `user` may see. 3 queries.

    Nobody is a friend of a unit that is not registered yet.
    """
    near = {name: claims for name, claims in claims_near(names).items() if claims}
    holders = {claim.unit_id for claims in near.values() for claim in claims}
    units = {unit.pk: unit for unit in Unit.objects.visible_to(user).filter(pk__in=holders)}
    found = {}
    for name, claims in near.items():
        held = sorted({(u_label(c.name), c.unit_id) for c in claims if c.unit_id in units})
        found[name] = Clash(
            u_label(name),
            [(domain, units[key]) for domain, key in held],
            len({c.unit_id for c in claims} - set(units)),
        )
    return found
