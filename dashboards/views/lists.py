"""The lists behind the figures, on screen and as workbooks: the same rows in both."""

from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.requests import PortalRequest
from audit.exports import export_list
from dashboards import exports, summary
from dashboards.figures import campaigns_of, findings_of, systems_of, units_of, with_tallies
from dashboards.filters import FindingFilter, SystemFilter, UnitFilter
from dashboards.views.home import campaign_chosen
from emailsec.lib.workbook import Table
from inventory.models import Unit

PAGE: Final = 50
RISK_FIRST: Final = ("-overdue", "-high", "-medium", "-low", "region_id", "name")


def _require(request: PortalRequest, power: str) -> None:
    if not request.user.can(power):
        raise PermissionDenied("此页供监管机关使用。")


def _scope(request: PortalRequest) -> "QuerySet[Unit]":
    units: QuerySet[Unit] = Unit.objects.visible_to(request.user)
    return units


def _units(request: PortalRequest) -> UnitFilter:
    rows = with_tallies(units_of(request.user, campaign_chosen(request)))
    rows = rows.select_related("region", "sector").order_by(*RISK_FIRST)
    return UnitFilter(
        request.GET, rows, units=_scope(request), campaigns=campaigns_of(request.user)
    )


def _systems(request: PortalRequest) -> SystemFilter:
    rows = systems_of(request.user).select_related("unit__region", "unit__sector")
    rows = rows.prefetch_related("domains").order_by("-has_finding", "unit__name", "name")
    return SystemFilter(request.GET, rows, units=_scope(request))


def _findings(request: PortalRequest) -> FindingFilter:
    rows = findings_of(request.user).select_related("unit__region", "unit__sector", "system")
    return FindingFilter(request.GET, rows.worst_first(), units=_scope(request))


def _page(request: PortalRequest, found: Any, template: str) -> HttpResponse:
    page = Paginator(found.qs, PAGE).get_page(request.GET.get("page"))
    return render(request, template, {"filter": found, "page": page})


@require_GET
def units(request: PortalRequest) -> HttpResponse:
    _require(request, "dashboard.read")
    found = _units(request)
    page = Paginator(found.qs, PAGE).get_page(request.GET.get("page"))
    for unit in page:
        unit.report_label = exports.report_label(unit)
    return render(request, "dashboards/unit_list.html", {"filter": found, "page": page})


@require_GET
def systems(request: PortalRequest) -> HttpResponse:
    _require(request, "dashboard.read")
    return _page(request, _systems(request), "dashboards/system_list.html")


@require_GET
def findings(request: PortalRequest) -> HttpResponse:
    _require(request, "dashboard.read")
    return _page(request, _findings(request), "dashboards/finding_list.html")


def _export(request: PortalRequest, slug: str, found: Any, table: Table) -> HttpResponse:
    return export_list(slug, [table], by=request.user, filters=conditions(found.form))


def conditions(form: Any) -> dict[str, str]:
    """The filters in force in words, as the workbook tells them."""
    said = {}
    for bound in form:
        value = form.data.get(bound.html_name, "")
        if value != "":
            choices = {str(key): str(text) for key, text in getattr(bound.field, "choices", ())}
            said[str(bound.label)] = choices.get(value, value).strip("　 ")
    return said


@require_GET
def units_export(request: PortalRequest) -> HttpResponse:
    _require(request, "list.export")
    found = _units(request)
    return _export(request, "units", found, exports.unit_table(found.qs))


@require_GET
def systems_export(request: PortalRequest) -> HttpResponse:
    _require(request, "list.export")
    found = _systems(request)
    return _export(request, "systems", found, exports.system_table(found.qs))


@require_GET
def findings_export(request: PortalRequest) -> HttpResponse:
    _require(request, "list.export")
    found = _findings(request)
    return _export(request, "findings", found, exports.finding_table(found.qs))


@require_GET
def summary_export(request: PortalRequest) -> HttpResponse:
    _require(request, "list.export")
    campaign = campaign_chosen(request)
    filters = {"专项行动": campaign.title} if campaign else {}
    tables = summary.tables(request.user, campaign)
    return export_list("summary", tables, by=request.user, filters=filters)
