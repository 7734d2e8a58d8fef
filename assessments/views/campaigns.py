"""Campaigns and the list of units that must be urged to report (催报)."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Max, Prefetch, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import PortalRequest
from assessments import actions
from assessments.filters import SelfCheckFilter
from assessments.forms import CampaignForm
from assessments.models import Campaign, SelfCheck
from audit.lifecycle import IllegalMove
from audit.trail import record
from inventory.models import Contact, Unit


def _require(request: PortalRequest, power: str) -> None:
    if not request.user.can(power):
        raise PermissionDenied(power)


@require_GET
def campaign_list(request: PortalRequest) -> HttpResponse:
    _require(request, "selfcheck.read")
    mine = Q(selfchecks__unit__in=Unit.objects.visible_to(request.user).values("pk"))
    campaigns = (
        Campaign.objects.visible_to(request.user)
        .select_related("office", "questionnaire")
        .annotate(
            asked=Count("selfchecks", filter=mine),
            handed_in=Count(
                "selfchecks", filter=mine & Q(selfchecks__status__in=SelfCheck.REPORTED)
            ),
        )
    )
    context = {"campaigns": campaigns, "may_manage": request.user.can("campaign.manage")}
    return render(request, "assessments/campaign_list.html", context)


@require_http_methods(["GET", "POST"])
def campaign_create(request: PortalRequest) -> HttpResponse:
    _require(request, "campaign.manage")
    form = CampaignForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.instance.office = request.user.office
        campaign = form.save()
        record("campaign.create", campaign, by=request.user)
        return redirect("assessments:campaign_detail", pk=campaign.pk)
    return render(request, "assessments/campaign_create.html", {"form": form})


@require_GET
def campaign_detail(request: PortalRequest, pk: int) -> HttpResponse:
    campaign = get_object_or_404(
        Campaign.objects.visible_to(request.user).select_related("office", "questionnaire"), pk=pk
    )
    _require(request, "selfcheck.read")
    checks = (
        SelfCheck.objects.visible_to(request.user)
        .filter(campaign=campaign)
        .select_related("unit__region", "unit__sector")
    )
    if request.user.is_unit_side:
        own = checks.first()
        if own:
            return redirect("assessments:selfcheck_detail", pk=own.pk)
    found = SelfCheckFilter(
        request.GET,
        checks.order_by("unit__name", "pk"),
        units=Unit.objects.visible_to(request.user),
    )
    counts = dict(
        SelfCheck.objects.visible_to(request.user)
        .filter(campaign=campaign)
        .values_list("status")
        .annotate(n=Count("pk"))
        .order_by()
    )
    context = {
        "campaign": campaign,
        "filter": found,
        "page": Paginator(found.qs, 50).get_page(request.GET.get("page")),
        "counts": [(s.value, s.label, counts.get(s.value, 0)) for s in SelfCheck.Status],
        "total": sum(counts.values()),
        "may_export": request.user.can("list.export") and campaign.status != "draft",
        "may_manage": request.user.can("campaign.manage")
        and campaign.office == request.user.office,
    }
    return render(request, "assessments/campaign_detail.html", context)


@require_GET
def unit_selfchecks(request: PortalRequest, unit_id: int) -> HttpResponse:
    """All self-checks of one unit, the newest first."""
    unit = get_object_or_404(Unit.objects.visible_to(request.user), pk=unit_id)
    if not request.user.can("selfcheck.read", unit):
        raise PermissionDenied("selfcheck.read")
    rows = SelfCheck.objects.visible_to(request.user).filter(unit=unit)
    context = {"unit": unit, "rows": rows.select_related("campaign__office").order_by("-pk")}
    return render(request, "assessments/unit_selfchecks.html", context)


@require_POST
def campaign_publish(request: PortalRequest, pk: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign.objects.visible_to(request.user), pk=pk)
    if campaign.office != request.user.office:
        raise PermissionDenied("campaign.manage")
    try:
        count = actions.publish_campaign(campaign, by=request.user)
        messages.success(request, f"已发布，任务下达 {count} 个单位。")
    except IllegalMove as error:
        messages.error(request, str(error))
    return redirect("assessments:campaign_detail", pk=pk)


@require_GET
def urge_list(request: PortalRequest) -> HttpResponse:
    """未登录 / 未填 / 填报中 / 被退回, with phones and calls."""
    _require(request, "call.record")
    kind = request.GET.get("kind", "")
    page = Paginator(urged(request, kind), 50).get_page(request.GET.get("page"))
    base = _urgeable(request)
    context = {
        "page": page,
        "kind": kind,
        "kinds": [(slug, label, base.filter(rule).count()) for slug, label, rule in URGE_KINDS],
    }
    return render(request, "assessments/urge_list.html", context)


URGE_KINDS = [
    ("never", "未登录", Q(last_login=None)),
    ("not_started", "未填", Q(last_login__isnull=False, status="not_started")),
    ("filling", "填报中", Q(status__in=["filling", "to_sign"], returned=False)),
    ("returned", "被退回", Q(returned=True, status__in=["filling", "to_sign"])),
]


def _urgeable(request: PortalRequest):  # type: ignore[no-untyped-def]
    return (
        SelfCheck.objects.visible_to(request.user)
        .to_be_urged()
        .filter(campaign__status=Campaign.Status.PUBLISHED)
        .annotate(last_login=Max("unit__memberships__user__last_login"))
    )


def urged(request: PortalRequest, kind: str = ""):  # type: ignore[no-untyped-def]
    """Self-checks not handed in, nearest deadline first, with contacts and calls loaded."""
    rows = _urgeable(request)
    rule = next((rule for slug, _, rule in URGE_KINDS if slug == kind), None)
    if rule is not None:
        rows = rows.filter(rule)
    return (
        rows.select_related("unit__region", "campaign")
        .prefetch_related(
            Prefetch("unit__contacts", Contact.objects.order_by("-role")), "calls__by"
        )
        .order_by("campaign__deadline", "unit__name")
    )


@require_POST
def call(request: PortalRequest, pk: int) -> HttpResponse:
    """Record a call."""
    selfcheck = get_object_or_404(SelfCheck.objects.visible_to(request.user), pk=pk)
    if not request.user.can("call.record", selfcheck):
        raise PermissionDenied("call.record")
    spoke_with = request.POST.get("spoke_with", "").strip()[:60]
    note = request.POST.get("note", "").strip()[:200]
    if not spoke_with or not note:
        messages.error(request, "请填写通话对象和通话情况。")
    else:
        actions.record_call(selfcheck, spoke_with=spoke_with, note=note, by=request.user)
        messages.success(request, "已记录。")
    return redirect("assessments:urge_list")
