"""Whose a domain name is: what lies at, under or above a domain of another unit is not one's own.

A name under another's domain is looked at from outside as soon as its letter is filed, so the
claim itself has to hold. A unit's superior may share its domain with it; a system built by others
(使用上级或地方统一建设) may stand under theirs.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache

from django.db.models import Q
from publicsuffixlist import PublicSuffixList

from inventory.models import MailDomain, Unit, UnitDomain

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
    kin = Q(superior_id=unit.pk)
    if unit.superior_id:  # a lookup for None would find whoever has no subordinates
        kin |= Q(pk=unit.superior_id) | Q(subordinates=unit.superior_id)
    return {unit.pk, *Unit.objects.filter(kin).values_list("pk", flat=True)}


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
