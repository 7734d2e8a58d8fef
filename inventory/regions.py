"""The picker of a division: a code, its full name, and one list per level."""

from dataclasses import dataclass

from inventory.models import Region


@dataclass(frozen=True)
class Level:
    """One list: its label, what to fall back to when nothing is chosen, and the divisions."""

    label: str
    fallback: str
    chosen: str
    options: list[Region]


@dataclass(frozen=True)
class Picker:
    code: str
    full_name: str
    levels: list[Level]


_LABELS = ("省（自治区、直辖市）", "市（地、州、盟）", "县（区、市、旗）")


def picker(code: str) -> Picker:
    """Return what the picker shows for `code`; an unknown code gives the list of provinces.

    Divisions that are out of use are offered no more.
    """
    known = Region.objects.filter(pk=code).select_related("parent__parent")
    region = known.first() if code.isdecimal() else None
    line = region.line if region else []
    levels = []
    above = ""
    for depth in range(3):
        below = Region.objects.filter(valid_to=None, parent_id=above or None)
        options = list(below)
        if not options:
            break
        chosen = line[depth].pk if depth < len(line) else ""
        levels.append(Level(_label(options, depth), above, chosen, options))
        if not chosen:
            break
        above = chosen
    return Picker(code, region.full_name if region else "", levels)


def _label(options: list[Region], depth: int) -> str:
    # Municipalities have districts directly below them, so the level counts, not the depth.
    return _LABELS[options[0].level - 1] if depth else _LABELS[0]
