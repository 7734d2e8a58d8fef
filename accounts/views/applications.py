"""注册申请 as the office of the region sees and decides them."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts import actions
from accounts.filters import RegistrationFilter
from accounts.forms import PassOnForm, RefusalForm
from accounts.models import Registration
from accounts.requests import PortalRequest
from audit.downloads import hand_out
from inventory.history import moves_of
from inventory.models import Unit

PAGE = 50


def _may_decide(request: PortalRequest) -> None:
    if not request.user.can("unit.manage"):
        raise PermissionDenied("注册申请由监管机关承办人办理。")


def _fetch(request: PortalRequest, pk: int) -> Registration:
    rows = Registration.objects.visible_to(request.user)
    row: Registration = get_object_or_404(
        rows.select_related("office", "sector", "region__parent__parent", "unit"), pk=pk
    )
    _may_decide(request)
    return row


@require_GET
def registration_list(request: PortalRequest) -> HttpResponse:
    _may_decide(request)
    rows = Registration.objects.visible_to(request.user)
    rows = rows.select_related("office", "region__parent__parent")
    found = RegistrationFilter(request.GET, rows)
    page = Paginator(found.qs, PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/registration_list.html", {"filter": found, "page": page})


@require_GET
def registration_detail(request: PortalRequest, pk: int) -> HttpResponse:
    return _detail(request, _fetch(request, pk))


def _detail(
    request: PortalRequest, row: Registration, *, status: int = 200, **forms: Any
) -> HttpResponse:
    visible = Registration.objects.visible_to(request.user)
    context = {
        "row": row,
        "known": actions.unit_with_code(row),
        "known_here": Unit.objects.visible_to(request.user).filter(uscc=row.uscc).first(),
        "clashes": actions.clashes_of(row, by=request.user),
        "others": visible.filter(uscc=row.uscc).exclude(pk=row.pk),
        "refusal": forms.get("refusal") or RefusalForm(),
        "pass_on": forms.get("pass_on") or PassOnForm(registration=row),
        "history": moves_of(row.changes.all()),
    }
    return render(request, "accounts/registration_detail.html", context, status=status)


@require_GET
def registration_proof(request: PortalRequest, pk: int) -> HttpResponse:
    row = _fetch(request, pk)
    if not row.proof:
        raise Http404
    return hand_out(
        row.proof,
        row,
        "registration.proof",
        by=request.user,
        name=row.proof_name,
        sha256=row.proof_sha256,
    )


@require_POST
def registration_approve(request: PortalRequest, pk: int) -> HttpResponse:
    row = _fetch(request, pk)
    try:
        unit = actions.approve_registration(registration=row, by=request.user)
    except actions.Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("accounts:registration_detail", row.pk)
    messages.success(request, f"“{unit}”已登记，请打印填报人和审签人的告知单。")
    return redirect("reports:invitation", unit.pk)


@require_POST
def registration_refuse(request: PortalRequest, pk: int) -> HttpResponse:
    row = _fetch(request, pk)
    form = RefusalForm(request.POST)
    if not form.is_valid():
        return _detail(request, row, status=422, refusal=form)
    return _decide(
        request,
        lambda: actions.refuse_registration(
            registration=row, reason=form.cleaned_data["reason"], by=request.user
        ),
        f"已不予通过：“{row}”的申请人查询时会看到理由。",
    )


@require_POST
def registration_pass_on(request: PortalRequest, pk: int) -> HttpResponse:
    row = _fetch(request, pk)
    form = PassOnForm(request.POST, registration=row)
    if not form.is_valid():
        return _detail(request, row, status=422, pass_on=form)
    return _decide(
        request,
        lambda: actions.pass_on_registration(
            registration=row, by=request.user, **form.cleaned_data
        ),
        f"“{row}”的申请已转交{form.cleaned_data['office']}。",
    )


def _decide(request: PortalRequest, act: Callable[[], None], done: str) -> HttpResponse:
    try:
        act()
    except actions.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("accounts:registration_list")
