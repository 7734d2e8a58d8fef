"""催报: the units that must be urged to report, with phones and calls."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import PortalRequest
from assessments import actions, urging
from assessments.campaign_forms import CallForm
from assessments.models import SelfCheck

PAGE = 50


@require_GET
def urge_list(request: PortalRequest) -> HttpResponse:
    """未登录 / 未填 / 填报中 / 被退回, of one campaign or of all."""
    if not request.user.can("call.record"):
        raise PermissionDenied("call.record")
    user, kind = request.user, request.GET.get("kind", "")
    campaign = urging.campaign_named(user, request.GET.get("campaign", ""))
    campaigns = list(urging.campaigns(user))
    if len(campaigns) == 1:
        campaign = campaigns[0]
    counts = urging.counts(user, campaign)
    rows = urging.urged(user, campaign, kind)
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "campaign": campaign,
        "campaigns": campaigns,
        "kind": kind if kind in urging.KINDS else "",
        "kinds": [(slug, label, counts[slug]) for slug, label in urging.KINDS.items()],
        "labels": urging.KINDS,
        "may_export": user.can("list.export"),
    }
    return render(request, "assessments/urge_list.html", context)


@require_POST
def call(request: PortalRequest, pk: int) -> HttpResponse:
    """Record a call, and go back to the list as it was narrowed."""
    rows = SelfCheck.objects.visible_to(request.user).select_related("unit", "campaign")
    selfcheck = get_object_or_404(rows, pk=pk)
    if not request.user.can("call.record", selfcheck):
        raise PermissionDenied("call.record")
    form = CallForm(request.POST)
    query = request.GET.urlencode()
    back = reverse("assessments:urge_list") + (f"?{query}" if query else "")
    if form.is_valid():
        try:
            actions.record_call(selfcheck, **form.cleaned_data, by=request.user)
            messages.success(request, f"已记录与{selfcheck.unit}的通话。")
            return redirect(back)
        except actions.Refused as error:
            form.add_error(None, str(error))
    context = {"selfcheck": selfcheck, "form": form, "back": back}
    return render(request, "assessments/call.html", context, status=422)
