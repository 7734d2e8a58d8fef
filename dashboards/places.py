"""Counts folded into the rows of a table: by region, at the level that fits, and by sector."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assessments.models import Campaign
from dashboards.figures import FIGURES, Cells, Counts, Figure
from emailsec.lib.words import percent
from inventory.filters import region_prefix
from inventory.models import Region, Sector


@dataclass(frozen=True)
class Row:
    """One line: a place with its counts.

    Attributes:
        label: 甲市, 甲市本级, 教育, 合计.
        params: filters that lead to the place.
        counts: figure slug → number.
        campaign: whose reports are counted.
    """

    label: str
    params: Mapping[str, str]
    counts: Counts
    campaign: Campaign | None

    @property
    def cells(self) -> list[tuple[Figure, int, str]]:
        """(figure, number, address of the rows behind it)."""
        return [(f, self.counts[f.slug], self.url(f)) for f in FIGURES]

    def url(self, figure: Figure) -> str:
        """Address of the rows behind a figure of this place."""
        return figure.url(self.campaign, **self.params)

    @property
    def rate(self) -> int | None:
        """Percent of the asked units that have reported; None where nobody is asked."""
        return percent(self.counts["reported"], self.counts["asked"])

    @property
    def rate_text(self) -> str:
        """The rate as the reader sees it."""
        return "—" if self.rate is None else f"{self.rate}%"

    @property
    def rate_note(self) -> str:
        """The rate beside the number of reports."""
        return f"应报 {self.counts['asked']}，报送率 {self.rate_text}"

    @property
    def risk(self) -> tuple[int, ...]:
        """Sort key: the riskiest first."""
        c = self.counts
        rate = 100 if self.rate is None else self.rate
        return (-c["overdue"], -c["high"], -c["medium"], -c["low"], rate)


def total(cells: Cells, campaign: Campaign | None) -> Row:
    return Row("合计", {}, _sum(cells.values()), campaign)


def by_region(cells: Cells, campaign: Campaign | None) -> list[Row]:
    """Rows by province, city or county, whichever is the first level with more than one.

    A unit whose own code is coarser than that level (市本级) gets a row of its own, which its
    filter `own` keeps apart from the region's inner parts.
    """
    codes = {region for region, _ in cells}
    level = next((n for n in (2, 4) if len({c[:n] for c in codes}) > 1), 6)
    groups: dict[tuple[str, bool], list[Counts]] = {}
    for (region, _), counts in cells.items():
        own = len(region_prefix(region)) < level
        code = region if own else region[:level].ljust(6, "0")
        groups.setdefault((code, own), []).append(counts)
    names = dict(Region.objects.filter(pk__in=[c for c, _ in groups]).values_list("pk", "name"))
    rows = [
        Row(
            names.get(code, code) + ("本级" if own else ""),
            {"region": code, **({"own": "1"} if own else {})},
            _sum(parts),
            campaign,
        )
        for (code, own), parts in sorted(groups.items())
    ]
    return sorted(rows, key=lambda row: row.risk)


def by_sector(cells: Cells, campaign: Campaign | None) -> list[Row]:
    """Rows by sector, the riskiest first."""
    groups: dict[str, list[Counts]] = {}
    for (_, sector), counts in cells.items():
        groups.setdefault(sector, []).append(counts)
    names = dict(Sector.objects.filter(pk__in=groups).values_list("pk", "name"))
    rows = [
        Row(names[code], {"sector": code}, _sum(parts), campaign)
        for code, parts in sorted(groups.items())
    ]
    return sorted(rows, key=lambda row: row.risk)


def _sum(parts: Iterable[Counts]) -> Counts:
    whole: Counts = {figure.slug: 0 for figure in FIGURES}
    for counts in parts:
        for slug, number in counts.items():
            whole[slug] = whole.get(slug, 0) + number
    return whole
