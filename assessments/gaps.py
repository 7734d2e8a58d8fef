"""What stands between a sheet and its submission, each with the place where it is mended."""

from dataclasses import dataclass

from django.urls import reverse

from assessments.rules import schema
from assessments.sheets import LoadedSheet


@dataclass(frozen=True)
class Place:
    """A field (or the files) of an item that lacks something or is wrong.

    Attributes:
        label: what the question does not say itself; "" where it does.
        text: what is wrong with the value; "" where it is missing.
    """

    label: str
    url: str
    text: str = ""


@dataclass(frozen=True)
class Gap:
    """One item that is not complete."""

    item: schema.Item
    places: tuple[Place, ...]

    @property
    def url(self) -> str:
        return self.places[0].url


@dataclass(frozen=True)
class GapsOfSheet:
    """The items of one sheet that lack something or are wrong, in the order of the sheet."""

    sheet: LoadedSheet
    gaps: tuple[Gap, ...]


def item_url(sheet: LoadedSheet, item: schema.Item, field: str = "") -> str:
    """The address of an item on its section page, or of one of its fields."""
    row = sheet.row
    section = reverse("assessments:section", args=[row.selfcheck_id, row.pk, item.section])
    return f"{section}#{item.code}-{field}" if field else f"{section}#item-{item.code}"


def missing_by_sheet(sheets: list[LoadedSheet]) -> list[GapsOfSheet]:
    """What must still be filled, under its sheet; sheets that lack nothing are left out."""
    return _grouped(sheets, {s.row.pk: [(i, f, "") for i, f in s.missing] for s in sheets})


def faults_by_sheet(sheets: list[LoadedSheet]) -> list[GapsOfSheet]:
    """What was filled and cannot be right, under its sheet."""
    return _grouped(sheets, {s.row.pk: list(s.faults) for s in sheets})


def count(groups: list[GapsOfSheet]) -> int:
    """How many items they name."""
    return sum(len(group.gaps) for group in groups)


def _grouped(
    sheets: list[LoadedSheet], found: dict[int, list[tuple[str, str, str]]]
) -> list[GapsOfSheet]:
    groups = []
    for sheet in sheets:
        places: dict[str, list[Place]] = {}
        for code, field, text in found[sheet.row.pk]:
            place = _place(sheet, sheet.definition.item(code), field, text)
            places.setdefault(code, []).append(place)
        gaps = tuple(Gap(sheet.definition.item(code), tuple(rows)) for code, rows in places.items())
        if gaps:
            groups.append(GapsOfSheet(sheet, gaps))
    return groups


def _place(sheet: LoadedSheet, item: schema.Item, code: str, text: str) -> Place:
    if code == "evidence":
        return Place("佐证材料", item_url(sheet, item))
    # The question itself names the answer that a one-field item or its four keys ask for.
    said = len(item.fields) == 1 or item.field(code).type == "yn4"
    return Place("" if said else item.field(code).label, item_url(sheet, item, code), text)
