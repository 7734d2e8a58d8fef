"""Campaigns: the list, one with its self-checks, and its way from draft to archive."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import PortalRequest
from assessments import actions
from assessments.campaign_forms import CampaignForm, DeadlineForm, EarlyCloseForm
from assessments.filters import SelfCheckFilter
from assessments.models import Campaign, SelfCheck
from audit.lifecycle import IllegalMove
from inventory.models import Unit


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
        .order_by("-pk")
        .annotate(
            asked=Count("selfchecks", filter=mine),
            handed_in=Count(
                "selfchecks", filter=mine & Q(selfchecks__status__in=SelfCheck.REPORTED)
            ),
        )
    )
    context = {
        "page": Paginator(campaigns, 50).get_page(request.GET.get("page")),
        "may_manage": request.user.can("campaign.manage"),
    }
    return render(request, "assessments/campaign_list.html", context)


@require_http_methods(["GET", "POST"])
def campaign_create(request: PortalRequest) -> HttpResponse:
    _require(request, "campaign.manage")
    office = request.user.office
    assert office is not None  # only people of an office hold the power
    form = CampaignForm(request.POST or None, office=office)
    if request.method == "POST" and form.is_valid():
        campaign = actions.save_draft(form.save(commit=False), office=office, by=request.user)
        messages.success(request, "草稿已保存，核对无误后发布。")
        return redirect("assessments:campaign_detail", pk=campaign.pk)
    status = 422 if form.errors else 200
    return render(request, "assessments/campaign_edit.html", {"form": form}, status=status)


@require_http_methods(["GET", "POST"])
def campaign_edit(request: PortalRequest, pk: int) -> HttpResponse:
    """Change a draft; what is published stays as the units read it."""
    campaign = _own(request, pk)
    if campaign.status != Campaign.Status.DRAFT:
        messages.error(request, "专项行动已发布，不能再修改。")
        return redirect("assessments:campaign_detail", pk=pk)
    form = CampaignForm(request.POST or None, instance=campaign, office=campaign.office)
    if request.method == "POST" and form.is_valid():
        actions.save_draft(form.save(commit=False), office=campaign.office, by=request.user)
        messages.success(request, "草稿已保存，核对无误后发布。")
        return redirect("assessments:campaign_detail", pk=pk)
    context = {"form": form, "draft": Campaign.objects.visible_to(request.user).get(pk=pk)}
    status = 422 if form.errors else 200
    return render(request, "assessments/campaign_edit.html", context, status=status)


def _own(request: PortalRequest, pk: int) -> Campaign:
    """A campaign of the person's own office; of others' one reads."""
    rows = Campaign.objects.visible_to(request.user).select_related("office")
    campaign: Campaign = get_object_or_404(rows, pk=pk)
    if campaign.office != request.user.office or not request.user.can("campaign.manage"):
        raise PermissionDenied("campaign.manage")
    return campaign


@require_GET
def campaign_detail(request: PortalRequest, pk: int) -> HttpResponse:
    campaign = get_object_or_404(
        Campaign.objects.visible_to(request.user).select_related("office", "questionnaire"), pk=pk
    )
    _require(request, "selfcheck.read")
    checks = (
        SelfCheck.objects.visible_to(request.user)
        .filter(campaign=campaign)
        .select_related("unit__region", "unit__sector", "campaign")
    )
    if request.user.is_unit_side:
        own = checks.first()
        if own:
            return redirect("assessments:selfcheck_detail", pk=own.pk)
    found = SelfCheckFilter(
        request.GET,
        checks.prefetch_related("changes").order_by("unit__name", "pk"),
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
        "missing": sum(n for status, n in counts.items() if status not in SelfCheck.REPORTED),
        "changes": campaign.changes.all(),
        "may_export": request.user.can("list.export") and campaign.status != "draft",
        "may_urge": request.user.can("call.record") and campaign.status in Campaign.TAKING,
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
    context = {
        "unit": unit,
        "rows": rows.select_related("campaign__office").prefetch_related("changes").order_by("-pk"),
    }
    return render(request, "assessments/unit_selfchecks.html", context)


@require_POST
def campaign_publish(request: PortalRequest, pk: int) -> HttpResponse:
    campaign = _own(request, pk)
    try:
        count = actions.publish_campaign(campaign, by=request.user)
        messages.success(request, f"已发布，任务下达 {count} 个单位。")
    except (actions.Refused, IllegalMove) as error:
        messages.error(request, str(error))
    return redirect("assessments:campaign_detail", pk=pk)


@require_http_methods(["GET", "POST"])
def campaign_deadline(request: PortalRequest, pk: int) -> HttpResponse:
    """Another deadline, or the end of the reporting before it, each with its reason."""
    campaign = _own(request, pk)
    if campaign.status != Campaign.Status.PUBLISHED:
        messages.error(request, "只有已发布、未截止的专项行动可以调整截止日期。")
        return redirect("assessments:campaign_detail", pk=pk)
    form = DeadlineForm(request.POST or None, campaign=campaign, prefix="move")
    early = EarlyCloseForm(prefix="close")
    if request.method == "POST" and form.is_valid():
        try:
            told = actions.set_deadline(campaign, **form.cleaned_data, by=request.user)
            messages.success(request, f"已调整截止日期，并通知未报送单位的 {told} 人。")
        except (actions.Refused, IllegalMove) as error:
            messages.error(request, str(error))
        return redirect("assessments:campaign_detail", pk=pk)
    return _deadline_page(request, campaign, form, early)


def _deadline_page(
    request: PortalRequest, campaign: Campaign, form: DeadlineForm, early: EarlyCloseForm
) -> HttpResponse:
    context = {"campaign": campaign, "form": form, "early": early}
    status = 422 if form.errors or early.errors else 200
    return render(request, "assessments/campaign_deadline.html", context, status=status)


@require_POST
def campaign_close(request: PortalRequest, pk: int) -> HttpResponse:
    """Where the deadline is not over, the page that asks for the reason sends `close-reason`."""
    campaign = _own(request, pk)
    early = EarlyCloseForm(request.POST, prefix="close")
    asked = "close-reason" in request.POST
    if asked and not early.is_valid():
        return _deadline_page(
            request, campaign, DeadlineForm(campaign=campaign, prefix="move"), early
        )
    reason = early.cleaned_data["reason"] if asked else ""
    try:
        missing = actions.close_campaign(campaign, by=request.user, reason=reason)
        late = f"；{missing} 家未报送，仍可补报和催报" if missing else "，各单位均已报送"
        messages.success(request, f"已截止，不再下达新单位{late}。")
    except (actions.Refused, IllegalMove) as error:
        messages.error(request, str(error))
    return redirect("assessments:campaign_detail", pk=pk)


@require_POST
def campaign_archive(request: PortalRequest, pk: int) -> HttpResponse:
    campaign = _own(request, pk)
    try:
        actions.archive_campaign(campaign, by=request.user)
        messages.success(request, "已归档，各单位的自查表只供查阅。")
    except (actions.Refused, IllegalMove) as error:
        messages.error(request, str(error))
    return redirect("assessments:campaign_detail", pk=pk)
