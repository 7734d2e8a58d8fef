"""The first page: the 总览 of an office, what a unit has to do next, where the 三员 work."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.requests import PortalRequest
from assessments.models import Campaign
from dashboards import charts, unit_home
from dashboards.figures import BY_SLUG, FIGURES, MISSING, campaigns_of, count_by_place
from dashboards.places import by_region, by_sector, total
from emailsec.lib.http import whole

# Where the 三员 work.
PORTAL_PAGES = {
    "account.manage": "accounts:list",
    "grant.manage": "accounts:powers",
    "audit.read": "audit:list",
}


@require_GET
def home(request: PortalRequest) -> HttpResponse:
    if request.user.can("dashboard.read"):
        return _overview(request)
    if request.user.is_unit_side:
        return _unit(request)
    return _portal(request)


def campaign_chosen(request: PortalRequest) -> Campaign | None:
    """The campaign of the address, else the newest that has reached units; None if there is none.

    What the address names and the person may not see is as if it were not named.
    """
    rows = campaigns_of(request.user)
    named = rows.filter(pk=whole(request.GET.get("campaign", "")) or 0).first()
    return named or rows.first()


def _overview(request: PortalRequest) -> HttpResponse:
    campaign = campaign_chosen(request)
    cells = count_by_place(request.user, campaign)
    regions, sectors = by_region(cells, campaign), by_sector(cells, campaign)
    whole = total(cells, campaign)
    asking = campaign is not None and campaign.status == Campaign.Status.PUBLISHED
    context = {
        "campaign": campaign,
        "campaigns": campaigns_of(request.user)[:20],
        "whole": whole,
        "stats": whole.cells,
        "figures": FIGURES,
        "tables": [("按行政区", "行政区", regions), ("按行业", "行业", sectors)],
        "chart": charts.reporting(regions) if asking else charts.unclosed(regions),
        "missing": whole.counts["asked"] - whole.counts["reported"],
        "asked_url": whole.url(BY_SLUG["asked"]),
        "units_url": reverse("inventory:unit_list"),
        "missing_url": whole.url(MISSING),
        "may_urge": request.user.can("call.record"),
        "may_export": request.user.can("list.export"),
    }
    return render(request, "dashboards/overview.html", context)


def _unit(request: PortalRequest) -> HttpResponse:
    return render(request, "dashboards/unit_home.html", unit_home.page_of(request.user))


def _portal(request: PortalRequest) -> HttpResponse:
    for power, name in PORTAL_PAGES.items():
        if request.user.can(power):
            return redirect(name)
    context = {"waiting": request.user.waiting_seats}
    return render(request, "dashboards/no_place.html", context)
