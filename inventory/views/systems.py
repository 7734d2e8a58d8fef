"""Registering and keeping a mail system."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from audit.readings import note_reading
from emailsec.lib.http import SignedInRequest
from inventory import actions
from inventory.forms.fields import count_errors
from inventory.forms.rows import hush, with_row_changed
from inventory.forms.system import DomainRows, EndpointRows, RetireForm, SystemForm
from inventory.history import domains_at_retirement, history_of
from inventory.models import Authority, MailDomain, MailSystem, Unit
from inventory.secrecy import must_stop


@require_http_methods(["GET", "POST"])
def create(request: SignedInRequest, unit_id: int) -> HttpResponse:
    unit = get_object_or_404(Unit.objects.visible_to(request.user), pk=unit_id)
    if not request.user.can("system.edit", unit):
        raise PermissionDenied("邮件系统由本单位填报人登记。")
    return _edit(request, MailSystem(unit=unit))


@require_http_methods(["GET", "POST"])
def edit(request: SignedInRequest, system_id: int) -> HttpResponse:
    system = _visible(request, system_id)
    if not request.user.can("system.edit", system):
        raise PermissionDenied("邮件系统由本单位填报人修改。")
    if system.retired_on:
        messages.error(request, "该系统已停用，不能再修改。")
        return redirect("inventory:system_detail", system.pk)
    return _edit(request, system)


def _edit(request: SignedInRequest, system: MailSystem) -> HttpResponse:
    if request.method != "POST":
        return _page(request, system, *_forms(system, None))
    if must_stop(request.POST):
        return _stop(request, system.unit)
    data, rows_only = _with_rows_changed(request.POST)
    form, domains, endpoints = _forms(system, data)
    if rows_only:
        hush(form, *domains.forms, *endpoints.forms)
    elif all([form.is_valid(), domains.is_valid(), endpoints.is_valid()]):
        try:
            saved = actions.save_system(
                system=form.save(commit=False),
                domains=[actions.DomainEntry(**row) for row in domains.entries()],
                endpoints=[actions.EndpointEntry(**row) for row in endpoints.entries()],
                by=request.user,
            )
        except actions.Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"“{saved.name}”已保存。")
            return redirect("inventory:system_detail", saved.pk)
    else:
        for label, rows in (("邮件域名", domains), ("服务地址", endpoints)):
            for reason in rows.non_form_errors():
                form.add_error(None, f"{label}：{reason}")
    return _page(request, system, form, domains, endpoints)


def _forms(system: MailSystem, data: QueryDict | None) -> tuple[SystemForm, Any, Any]:
    known = system.pk is not None
    domains = system.domains.values("name", "dkim_selectors") if known else []
    endpoints = system.endpoints.values("kind", "host", "address") if known else []
    return (
        SystemForm(data, instance=system),
        DomainRows(data, prefix="domains", initial=list(domains), system=system),
        EndpointRows(data, prefix="endpoints", initial=list(endpoints), system=system),
    )


def _with_rows_changed(data: QueryDict) -> tuple[QueryDict, bool]:
    """Return the data to bind, and whether the person only asked for a row more or less."""
    if (prefix := data.get("add_row")) in {"domains", "endpoints"}:
        return with_row_changed(data, prefix), True
    prefix, _, number = data.get("drop_row", "").partition("-")
    if prefix in {"domains", "endpoints"} and number.isdecimal():
        return with_row_changed(data, prefix, drop=int(number)), True
    return data, False


def _page(
    request: SignedInRequest, system: MailSystem, form: SystemForm, domains: Any, endpoints: Any
) -> HttpResponse:
    context = {
        "unit": system.unit,
        # As stored: a refused form must not rename the page.
        "system": _visible(request, system.pk) if system.pk else None,
        "form": form,
        "domains": domains,
        "endpoints": endpoints,
        "wrong": count_errors(form, *domains.forms, *endpoints.forms),
    }
    return render(request, "inventory/system_edit.html", context)


def _stop(request: SignedInRequest, unit: Unit) -> HttpResponse:
    """The page where everything ends: it repeats nothing of what was sent."""
    secrecy = unit.supervisions.filter(kind=Authority.SECRECY).select_related("office").first()
    context = {"unit": unit, "secrecy_office": secrecy.office if secrecy else None}
    return render(request, "inventory/system_stop.html", context, status=422)


def _visible(request: SignedInRequest, system_id: int) -> Any:
    systems = MailSystem.objects.visible_to(request.user).select_related("unit")
    return get_object_or_404(systems, pk=system_id)


@require_GET
def detail(request: SignedInRequest, system_id: int) -> HttpResponse:
    system = _visible(request, system_id)
    note_reading(system, unit=system.unit, by=request.user)
    kept = set(domains_at_retirement(system)) if system.retired_on else set()
    current: list[MailDomain] = []
    former: list[MailDomain] = []
    for domain in MailDomain.ever.visible_to(request.user).filter(system=system):
        standing = domain.removed_on is None or domain.name in kept
        (current if standing else former).append(domain)
    context = {
        "system": system,
        "unit": system.unit,
        "domains": current,
        "former": former,
        "endpoints": system.endpoints.all(),
        "may_edit": request.user.can("system.edit", system) and not system.retired_on,
        "may_authorize": request.user.can("authorization.file", system) and not system.retired_on,
        "history": history_of(system),
    }
    return render(request, "inventory/system_detail.html", context)


@require_http_methods(["GET", "POST"])
def retire(request: SignedInRequest, system_id: int) -> HttpResponse:
    system = _visible(request, system_id)
    if not request.user.can("system.edit", system):
        raise PermissionDenied("邮件系统由本单位填报人停用。")
    form = RetireForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.retire_system(system=system, by=request.user, **form.cleaned_data)
        except actions.Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"“{system.name}”已停用，其域名可以登记到别的系统。")
        return redirect("inventory:system_detail", system.pk)
    return render(request, "inventory/system_retire.html", {"system": system, "form": form})
