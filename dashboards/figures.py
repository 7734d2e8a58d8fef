"""What each figure counts: one definition for the page, the list behind it and the workbook.

Everything starts from `visible_to`. A figure is a list with some of its filters set, so that the
address of the list says what the figure counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse

from accounts.models import User
from assessments.models import Campaign, SelfCheck
from emailsec.lib.workdays import today
from inventory.models import FilingState, MailSystem, Unit
from rectification.models import Finding, Severity


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        slug: key of the counts.
        label: what the reader sees.
        page: name of the URL of the list behind it.
        params: the filters of that list which make the figure.
        tone: colour when it is not zero.
    """

    slug: str
    label: str
    page: str
    params: Mapping[str, str] = field(default_factory=dict)
    tone: str = ""

    def url(self, campaign: Campaign | None, **place: str) -> str:
        """Address of the rows behind the figure, within a place (region, own, sector)."""
        if self.page == _SELFCHECKS:
            # Before the first campaign nobody is asked; there is no list to narrow.
            if campaign is None:
                return reverse("assessments:campaign_list")
            page = reverse(self.page, args=[campaign.pk])
        else:
            page = reverse(self.page)
        query = {**place, **self.params}
        return f"{page}?{urlencode(query)}" if query else page


_UNITS, _SYSTEMS = "inventory:unit_list", "inventory:system_list"
_SELFCHECKS, _FINDINGS = "assessments:campaign_detail", "rectification:finding_list"
FIGURES: Final = (
    Figure("overdue", "逾期未整改", _FINDINGS, {"overdue": "1"}, "red"),
    Figure("high", "高风险未销号", _FINDINGS, {"severity": "high", "status": "unclosed"}, "red"),
    Figure(
        "medium", "中风险未销号", _FINDINGS, {"severity": "medium", "status": "unclosed"}, "amber"
    ),
    Figure("low", "低风险未销号", _FINDINGS, {"severity": "low", "status": "unclosed"}),
    Figure("closed", "已销号", _FINDINGS, {"status": "closed"}, "green"),
    Figure("units", "单位", _UNITS),
    Figure("asked", "应报", _SELFCHECKS),
    Figure("reported", "已报送", _SELFCHECKS, {"status": "reported"}),
    Figure("systems", "邮件系统", _SYSTEMS),
    Figure("filed", "已备案", _SYSTEMS, {"filing_state": FilingState.FILED.value}),
)
# Lists that bars and notes lead to; no columns of the table.
MISSING: Final = Figure("missing", "未报送", _SELFCHECKS, {"status": "missing"})
UNCLOSED: Final = Figure("unclosed", "未销号", _FINDINGS, {"status": "unclosed"})
BY_SLUG: Final = {figure.slug: figure for figure in FIGURES}


def campaigns_of(user: User) -> "QuerySet[Campaign]":
    """Campaigns that have reached units, the newest first."""
    rows: QuerySet[Campaign] = Campaign.objects.visible_to(user).exclude(
        status=Campaign.Status.DRAFT
    )
    return rows.order_by("-id")


def units_of(user: User, campaign: Campaign | None) -> "QuerySet[Unit]":
    """Visible units with what the workbook tells of each, by subqueries.

    `check_id`, `check_status`, `check_returned`: the self-check in the campaign, if asked;
    `systems_in_use`; `high`, `medium`, `low`, `overdue`, `closed`: numbers of findings.
    """
    checks = SelfCheck.objects.filter(unit=OuterRef("pk"), campaign=campaign)
    own = Finding.objects.filter(unit=OuterRef("pk"))
    states = finding_states()
    rules = {s.value: states["unclosed"] & Q(severity=s) for s in Severity}
    rules |= {slug: states[slug] for slug in ("overdue", "closed")}
    systems = MailSystem.objects.filter(unit=OuterRef("pk"), retired_on=None)
    units: QuerySet[Unit] = Unit.objects.visible_to(user)
    return units.annotate(
        check_id=Subquery(checks.values("pk")[:1]),
        check_status=Subquery(checks.values("status")[:1]),
        check_returned=Subquery(checks.values("returned")[:1]),
        systems_in_use=_number(systems),
        **{slug: _number(own.filter(rule)) for slug, rule in rules.items()},
    )


def _number(rows: "QuerySet[Any]") -> Coalesce:
    counted = rows.order_by().values("unit").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)


def systems_of(user: User) -> Any:
    """Systems in use of visible units; `has_finding`: an unclosed finding names it."""
    findings = Finding.objects.filter(system=OuterRef("pk")).unclosed()
    return (
        MailSystem.objects.visible_to(user)
        .filter(retired_on=None)
        .annotate(has_finding=Exists(findings))
    )


def finding_states() -> dict[str, Q]:
    """What counts as unclosed, overdue (this day), closed, and as a finding at all."""
    return {
        "unclosed": ~Q(status__in=Finding.ENDED),
        "overdue": Q(status__in=Finding.WITH_UNIT, due_on__lt=today()),
        "closed": Q(status=Finding.Status.CLOSED),
        "counted": ~Q(status__in=[Finding.Status.FALSE_ALARM, Finding.Status.TRANSFERRED]),
    }


Counts = dict[str, int]
# (region code, sector code) → counts
Cells = dict[tuple[str, str], Counts]


def count_by_place(user: User, campaign: Campaign | None) -> Cells:
    """Count every figure per region and sector: four queries, whatever the number of units."""
    cells: Cells = {}
    states = finding_states()
    sources: list[tuple[QuerySet[Any], str, dict[str, Count]]] = [
        (Unit.objects.visible_to(user), "", {"units": Count("pk")}),
        (
            SelfCheck.objects.visible_to(user).filter(campaign=campaign),
            "unit__",
            {
                "asked": Count("pk"),
                "reported": Count("pk", filter=Q(status__in=SelfCheck.REPORTED)),
            },
        ),
        (
            MailSystem.objects.visible_to(user).filter(retired_on=None),
            "unit__",
            {
                "systems": Count("pk"),
                "filed": Count("pk", filter=Q(filing_state=FilingState.FILED)),
            },
        ),
        (
            Finding.objects.visible_to(user),
            "unit__",
            {
                **{
                    s.value: Count("pk", filter=states["unclosed"] & Q(severity=s))
                    for s in Severity
                },
                "overdue": Count("pk", filter=states["overdue"]),
                "closed": Count("pk", filter=states["closed"]),
            },
        ),
    ]
    for rows, path, counts in sources:
        place = (f"{path}region_id", f"{path}sector_id")
        for row in rows.order_by().values(*place).annotate(**counts):
            cell = cells.setdefault((row[place[0]], row[place[1]]), dict.fromkeys(BY_SLUG, 0))
            for slug in counts:
                cell[slug] += row[slug]
    return cells
