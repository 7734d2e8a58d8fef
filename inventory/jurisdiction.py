"""Which office supervises which unit: whose it should be, and whose it cannot be."""

from collections.abc import Iterable

from inventory.models import Affiliation, Authority, Office, Region

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
    offices = Office.objects.in_use().filter(kind=kind).select_related("region")
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


def beyond(region: Region, office: Office) -> str:
    """Say in Chinese why `office` cannot supervise a unit lying in `region`; "" where it can.

    Supervision is not geography: a provincial organ in a city belongs to the province's office. But
    no office reaches beyond the division it stands for, or the figures of a place would not add up.
    """
    if office.only_reads:
        return f"{office}是{office.get_kind_display()}，不监管单位；可授权其查阅。"
    area = office.region
    if region.code.startswith(area.prefix):
        return ""
    return f"“{region.full_name}”不在{office}的辖区（{area.full_name}）之内。"
