"""谁能看到该单位: delegations and the superior unit, kept by the supervising office."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from emailsec.lib.http import SignedInRequest
from inventory import actions
from inventory.forms.supervision import DelegationForm, SuperiorForm
from inventory.models import Delegation, Unit
from inventory.sight import readers_of
from inventory.views.units import visible_unit


def _managed(request: SignedInRequest, unit_id: int) -> Any:
    unit = visible_unit(request, unit_id)
    if not request.user.can("unit.manage", unit):
        raise PermissionDenied("谁可以查阅单位，由其监管机关承办人决定。")
    return unit


@require_GET
def access(request: SignedInRequest, unit_id: int) -> HttpResponse:
    return _page(request, _managed(request, unit_id))


def _page(
    request: SignedInRequest,
    unit: Unit,
    *,
    delegation: DelegationForm | None = None,
    superior: SuperiorForm | None = None,
) -> HttpResponse:
    context = {
        "unit": unit,
        "readers": readers_of(unit),
        "delegation": delegation or DelegationForm(),
        "superior": superior or SuperiorForm(unit=unit),
    }
    status = 422 if delegation or superior else 200
    return render(request, "inventory/unit_access.html", context, status=status)


def _acted(
    request: SignedInRequest, unit: Unit, form: Any, act: Callable[[], object], done: str
) -> HttpResponse | None:
    """Act where the form holds; None where the page must show it again with its errors."""
    if not form.is_valid():
        return None
    try:
        act()
    except actions.Refused as refusal:
        form.add_error(None, str(refusal))
        return None
    messages.success(request, done)
    return redirect("inventory:unit_access", unit.pk)


@require_POST
def delegate(request: SignedInRequest, unit_id: int) -> HttpResponse:
    unit, form = _managed(request, unit_id), DelegationForm(request.POST)

    def act() -> None:
        actions.delegate_unit(unit=unit, by=request.user, **form.cleaned_data)

    done = "已授权查阅，到期自动失效。"
    return _acted(request, unit, form, act, done) or _page(request, unit, delegation=form)


@require_POST
def end(request: SignedInRequest, delegation_id: int) -> HttpResponse:
    rows = Delegation.objects.visible_to(request.user).select_related("unit", "office")
    row: Delegation = get_object_or_404(rows, pk=delegation_id)
    actions.end_delegation(delegation=row, by=request.user)
    messages.success(request, f"{row.office}的授权已结束。")
    return redirect("inventory:unit_access", row.unit_id)


@require_POST
def superior(request: SignedInRequest, unit_id: int) -> HttpResponse:
    unit = _managed(request, unit_id)
    form = SuperiorForm(request.POST, unit=unit)

    def act() -> None:
        actions.set_superior(unit=unit, by=request.user, **form.cleaned_data)

    done = "上级单位已保存。"
    return _acted(request, unit, form, act, done) or _page(request, unit, superior=form)
