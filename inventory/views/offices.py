"""The tree of supervising offices, for the 系统管理员. Nothing of the business appears here."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from emailsec.lib.http import SignedInRequest
from inventory import actions
from inventory.filters import OfficeFilter
from inventory.forms.fields import count_errors
from inventory.forms.office import OfficeForm, RetireOfficeForm
from inventory.models import Office
from inventory.offices import left_of

PAGE = 50


def _may_manage(request: SignedInRequest) -> None:
    if not request.user.can("reference.manage"):
        raise PermissionDenied("监管机关由系统管理员维护。")


@require_GET
def office_list(request: SignedInRequest) -> HttpResponse:
    _may_manage(request)
    rows = Office.objects.select_related("parent", "region__parent__parent").order_by("path")
    found = OfficeFilter(request.GET, rows)
    page = Paginator(found.qs, PAGE).get_page(request.GET.get("page"))
    return render(request, "inventory/office_list.html", {"filter": found, "page": page})


@require_http_methods(["GET", "POST"])
def create(request: SignedInRequest) -> HttpResponse:
    _may_manage(request)
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
def edit(request: SignedInRequest, office_id: int) -> HttpResponse:
    _may_manage(request)
    return _edit(request, get_object_or_404(Office, pk=office_id))


def _edit(request: SignedInRequest, office: Office | None) -> HttpResponse:
    shown = office.name if office else ""  # as stored: a refused form must not rename the page
    form = OfficeForm(request.POST or None, instance=office)
    if request.method == "POST" and form.is_valid():
        try:
            saved = actions.save_office(office=form.save(commit=False), by=request.user)
        except actions.Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"“{saved.name}”已保存。")
            return redirect("inventory:office_list")
    context = {"form": form, "name": shown, "office": office, "wrong": count_errors(form)}
    return render(request, "inventory/office_edit.html", context)


@require_http_methods(["GET", "POST"])
def retire(request: SignedInRequest, office_id: int) -> HttpResponse:
    """What still hangs on the office; where nothing does, the form that takes it out of use."""
    _may_manage(request)
    office = get_object_or_404(Office.objects.in_use(), pk=office_id)
    form = RetireOfficeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.retire_office(office=office, by=request.user, **form.cleaned_data)
        except actions.Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"“{office}”已停用。")
            return redirect("inventory:office_list")
    context = {"office": office, "form": form, "left": left_of(office)}
    status = 422 if form.errors else 200
    return render(request, "inventory/office_retire.html", context, status=status)


@require_POST
def restore(request: SignedInRequest, office_id: int) -> HttpResponse:
    _may_manage(request)
    office = get_object_or_404(Office, pk=office_id)
    try:
        actions.restore_office(office=office, by=request.user)
    except actions.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"“{office}”已恢复使用。")
    return redirect("inventory:office_edit", office.pk)
