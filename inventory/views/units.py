"""Finding, registering and keeping units."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Prefetch, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from audit.readings import note_reading
from emailsec.lib.http import SignedInRequest
from inventory import actions, codes
from inventory.filters import SystemFilter, UnitFilter
from inventory.forms.fields import count_errors
from inventory.forms.unit import (
    NewUnitForm,
    UnitFactsForm,
    UnitForm,
    contact_forms,
)
from inventory.history import history_of
from inventory.models import ContactRole, MailSystem, Supervision, SupervisionTransfer, Unit
from inventory.regions import picker
from inventory.sight import readers_of

PAGE = 50


@require_GET
def unit_list(request: SignedInRequest) -> HttpResponse:
    if not request.user.can("unit.read"):
        raise PermissionDenied
    mine = Unit.objects.visible_to(request.user)
    rows = (
        mine.select_related("sector", "region__parent__parent")
        .annotate(system_count=Count("systems", filter=Q(systems__retired_on=None), distinct=True))
        .prefetch_related(Prefetch("supervisions", Supervision.objects.select_related("office")))
        .order_by("region_id", "name", "pk")
    )
    found = UnitFilter(request.GET, rows, units=mine)
    page = Paginator(found.qs, PAGE).get_page(request.GET.get("page"))
    context = {
        "filter": found,
        "page": page,
        "may_create": request.user.can("unit.manage"),
        "may_import": request.user.can("inventory.import"),
        "may_export": request.user.can("list.export"),
        "may_transfer": request.user.is_office_side,
        "to_answer": SupervisionTransfer.objects.visible_to(request.user).waiting().count(),
    }
    return render(request, "inventory/unit_list.html", context)


@require_GET
def system_list(request: SignedInRequest) -> HttpResponse:
    if not request.user.can("system.read"):
        raise PermissionDenied
    rows = (
        MailSystem.objects.visible_to(request.user)
        .filter(retired_on=None)
        .select_related("unit__sector", "unit__region__parent__parent")
        .prefetch_related("domains")
        .order_by("unit__region_id", "unit__name", "name")
    )
    found = SystemFilter(request.GET, rows, units=Unit.objects.visible_to(request.user))
    page = Paginator(found.qs, PAGE).get_page(request.GET.get("page"))
    context = {"filter": found, "page": page, "may_export": request.user.can("list.export")}
    return render(request, "inventory/system_list.html", context)


def visible_unit(request: SignedInRequest, unit_id: int) -> Any:
    """The unit, where it is in scope; else 404."""
    units = Unit.objects.visible_to(request.user).select_related("sector", "region__parent__parent")
    return get_object_or_404(units, pk=unit_id)


@require_GET
def detail(request: SignedInRequest, unit_id: int) -> HttpResponse:
    unit = visible_unit(request, unit_id)
    if not request.user.can("unit.read", unit):
        raise PermissionDenied
    note_reading(unit, unit=unit, by=request.user)
    systems = MailSystem.objects.visible_to(request.user).filter(unit=unit)
    context = {
        "unit": unit,
        "hint": codes.prefix_hint(unit.uscc, unit.kind),
        "contacts": sorted(unit.contacts.all(), key=lambda c: ContactRole.values.index(c.role)),
        "domains": unit.registered_domains.all(),
        "key_industries": unit.key_industries.all(),
        "systems": systems.prefetch_related("domains").order_by("retired_on", "name"),
        "readers": readers_of(unit),
        "may_edit": _may_edit(request, unit),
        "may_add_system": request.user.can("system.edit", unit),
        "may_manage": request.user.can("unit.manage", unit),
        "may_read_checks": request.user.can("selfcheck.read", unit),
        "may_read_notices": request.user.can("notice.read", unit),
        "history": history_of(unit),
    }
    return render(request, "inventory/unit_detail.html", context)


def _may_edit(request: SignedInRequest, unit: Unit) -> bool:
    return bool(request.user.can("unit.edit", unit) or request.user.can("unit.manage", unit))


@require_http_methods(["GET", "POST"])
def create(request: SignedInRequest) -> HttpResponse:
    if not request.user.can("unit.manage"):
        raise PermissionDenied("单位由监管机关承办人登记。")
    form = NewUnitForm(request.POST or None, user=request.user)
    contacts = contact_forms(form.instance, request.POST or None)
    if request.method == "POST" and all([form.is_valid(), *(c.is_valid() for c in contacts)]):
        try:
            unit = actions.register_unit(
                unit=form.save(commit=False),
                office=form.cleaned_data["office"],
                key_industries=form.cleaned_data["key_industries"],
                contacts=[c.entry for c in contacts],
                domains=form.cleaned_data["registered_domains"],
                by=request.user,
            )
        except actions.Refused as refusal:
            form.add_error("uscc", str(refusal))
        else:
            messages.success(request, f"“{unit.name}”已登记，可以发放报送账号。")
            return redirect("inventory:unit_detail", unit.pk)
    context = {"form": form, "contacts": contacts, "wrong": count_errors(form, *contacts)}
    return render(request, "inventory/unit_edit.html", context)


@require_http_methods(["GET", "POST"])
def edit(request: SignedInRequest, unit_id: int) -> HttpResponse:
    unit = visible_unit(request, unit_id)
    if not _may_edit(request, unit):
        raise PermissionDenied("单位信息由本单位填报人或监管机关承办人修改。")
    shown = {"pk": unit.pk, "name": unit.name}  # as stored: a refused form must not rename the page
    form: UnitFactsForm
    if request.user.can("unit.manage", unit):
        form = UnitForm(request.POST or None, instance=unit, user=request.user)
    else:
        form = UnitFactsForm(request.POST or None, instance=unit)
    contacts = contact_forms(unit, request.POST or None)
    if request.method == "POST" and all([form.is_valid(), *(c.is_valid() for c in contacts)]):
        try:
            actions.update_unit(
                unit=form.save(commit=False),
                key_industries=form.cleaned_data["key_industries"],
                contacts=[c.entry for c in contacts],
                domains=form.cleaned_data["registered_domains"],
                by=request.user,
            )
        except actions.Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "单位信息已保存。")
            return redirect("inventory:unit_detail", unit.pk)
    context = {"form": form, "contacts": contacts, "unit": shown}
    context |= {"wrong": count_errors(form, *contacts), "supervisor": unit.contact_office()}
    return render(request, "inventory/unit_edit.html", context)


@login_not_required  # administrative divisions; an applicant has no account yet
@require_GET
def region_picker(request: SignedInRequest) -> HttpResponse:
    """The picker again, for the code typed (region) or chosen from a list (region_at)."""
    code = request.GET.get("region_at") or request.GET.get("region", "")
    context = {"picker": picker(codes.narrow(code)), "asked": True}
    return render(request, "inventory/_region_picker.html", context)
