"""The lists behind the figures as workbooks: the rows of the page whose filters they take."""

from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from accounts.requests import PortalRequest
from assessments.filters import SelfCheckFilter
from assessments.models import SelfCheck
from audit.exports import conditions, export_list
from dashboards import exports, summary
from dashboards.figures import campaigns_of, systems_of, units_of
from dashboards.views.home import campaign_chosen
from emailsec.lib.workbook import Table
from inventory.filters import SystemFilter, UnitFilter
from inventory.models import Unit
from rectification.filters import FindingFilter, NoticeFilter
from rectification.models import Finding, Notice

RISK_FIRST: Final = ("-overdue", "-high", "-medium", "-low", "region_id", "name")


def _require(request: PortalRequest) -> None:
    if not request.user.can("list.export"):
        raise PermissionDenied("清单由监管机关导出。")


def _scope(request: PortalRequest) -> "QuerySet[Unit]":
    units: QuerySet[Unit] = Unit.objects.visible_to(request.user)
    return units


def _export(
    request: PortalRequest, slug: str, found: Any, table: Table, **more: str
) -> HttpResponse:
    units = [getattr(row, "unit", row) for row in found.qs]
    said = more | conditions(found.form)
    return export_list(slug, [table], by=request.user, filters=said, units=units)


@require_GET
def units(request: PortalRequest) -> HttpResponse:
    """单位清单 with the tallies that the page has no room for, the riskiest first."""
    _require(request)
    rows = units_of(request.user, campaign_chosen(request))
    rows = rows.select_related("region", "sector").order_by(*RISK_FIRST)
    found = UnitFilter(request.GET, rows, units=_scope(request))
    return _export(request, "units", found, exports.unit_table(found.qs))


@require_GET
def systems(request: PortalRequest) -> HttpResponse:
    _require(request)
    rows = systems_of(request.user).select_related("unit__region", "unit__sector")
    rows = rows.prefetch_related("domains").order_by("-has_finding", "unit__name", "name")
    found = SystemFilter(request.GET, rows, units=_scope(request))
    return _export(request, "systems", found, exports.system_table(found.qs))


@require_GET
def selfchecks(request: PortalRequest, campaign_id: int) -> HttpResponse:
    _require(request)
    campaign = get_object_or_404(campaigns_of(request.user), pk=campaign_id)
    rows = SelfCheck.objects.visible_to(request.user).filter(campaign=campaign)
    rows = rows.select_related("unit__region", "unit__sector").order_by("unit__name", "pk")
    found = SelfCheckFilter(request.GET, rows, units=_scope(request))
    table = exports.selfcheck_table(found.qs)
    return _export(request, "selfchecks", found, table, 专项行动=campaign.title)


@require_GET
def findings(request: PortalRequest) -> HttpResponse:
    _require(request)
    rows = Finding.objects.visible_to(request.user)
    rows = rows.select_related("unit__region", "unit__sector", "system").worst_first()
    found = FindingFilter(request.GET, rows, units=_scope(request))
    return _export(request, "findings", found, exports.finding_table(found.qs))


@require_GET
def notices(request: PortalRequest) -> HttpResponse:
    _require(request)
    rows = Notice.objects.visible_to(request.user).with_counts().order_by("-id")
    rows = rows.select_related("unit__region", "unit__sector", "office")
    found = NoticeFilter(request.GET, rows, units=_scope(request))
    return _export(request, "notices", found, exports.notice_table(found.qs))


@require_GET
def whole(request: PortalRequest) -> HttpResponse:
    """汇总统计表."""
    _require(request)
    campaign = campaign_chosen(request)
    filters = {"专项行动": campaign.title} if campaign else {}
    tables = summary.tables(request.user, campaign)
    return export_list("summary", tables, by=request.user, filters=filters, units=())
