"""A unit passes from one office to another: proposed here, answered there."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from emailsec.lib.http import SignedInRequest
from inventory import actions
from inventory.forms.supervision import DeclineForm, TransferForm
from inventory.models import Authority, SupervisionTransfer, Unit
from inventory.views.units import PAGE, visible_unit


@require_http_methods(["GET", "POST"])
def transfer(request: SignedInRequest, unit_id: int) -> HttpResponse:
    """Propose a hand-over, or order it where one's office stands above both."""
    unit = visible_unit(request, unit_id)
    if not request.user.can("unit.manage", unit):
        raise PermissionDenied("监管关系由监管机关承办人变更。")
    kind = request.user.office.kind
    form = TransferForm(request.POST or None, unit=unit, kind=kind)
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.transfer_unit(unit=unit, by=request.user, **form.cleaned_data)
        except actions.Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _done(made))
            return redirect("inventory:transfer_detail", made.pk)
    now = unit.supervisions.filter(kind=kind).select_related("office").first()
    waiting = SupervisionTransfer.objects.visible_to(request.user).waiting().filter(unit=unit)
    context = {"unit": unit, "form": form, "now": now, "kind": Authority(kind).label}
    context["waiting"] = waiting.filter(kind=kind).select_related("to_office").first()
    return render(request, "inventory/unit_transfer.html", context)


def _done(made: SupervisionTransfer) -> str:
    if made.status == SupervisionTransfer.Status.PROPOSED:
        return f"已提请{made.to_office}接收“{made.unit}”；对方接收之前，监管关系不变。"
    return f"“{made.unit}”已转由{made.to_office}监管。"


def _require_office(request: SignedInRequest) -> None:
    if not request.user.is_office_side:
        raise PermissionDenied("移交由监管机关办理。")


@require_GET
def transfer_list(request: SignedInRequest) -> HttpResponse:
    _require_office(request)
    rows = SupervisionTransfer.objects.visible_to(request.user)
    rows = rows.select_related("unit", "from_office", "to_office")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "inventory/transfer_list.html", {"page": page})


def _get(request: SignedInRequest, transfer_id: int) -> SupervisionTransfer:
    rows = SupervisionTransfer.objects.visible_to(request.user).select_related(
        "unit__region__parent__parent", "from_office", "to_office", "region__parent__parent"
    )
    row: SupervisionTransfer = get_object_or_404(rows, pk=transfer_id)
    return row


@require_GET
def transfer_detail(request: SignedInRequest, transfer_id: int) -> HttpResponse:
    return _page(request, _get(request, transfer_id), DeclineForm())


def _page(request: SignedInRequest, row: SupervisionTransfer, form: DeclineForm) -> HttpResponse:
    waits = row.status == SupervisionTransfer.Status.PROPOSED
    user = request.user
    context = {
        "transfer": row,
        "form": form,
        "may_answer": waits and actions.may_answer(user, row.to_office),
        "may_withdraw": waits and actions.may_answer(user, row.from_office),
        "reads_unit": Unit.objects.visible_to(user).filter(pk=row.unit_id).exists(),
    }
    status = 422 if form.errors else 200
    return render(request, "inventory/transfer_detail.html", context, status=status)


def _act(
    request: SignedInRequest, row: SupervisionTransfer, act: Callable[[], None], done: str
) -> HttpResponse:
    try:
        act()
    except actions.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("inventory:transfer_detail", row.pk)


@require_POST
def accept(request: SignedInRequest, transfer_id: int) -> HttpResponse:
    row = _get(request, transfer_id)
    done = f"已接收“{row.unit}”，现由{row.to_office}监管。"
    act = actions.accept_transfer
    return _act(request, row, lambda: act(transfer=row, by=request.user), done)


@require_POST
def decline(request: SignedInRequest, transfer_id: int) -> HttpResponse:
    row = _get(request, transfer_id)
    if not actions.may_answer(request.user, row.to_office):
        raise PermissionDenied("移交由接收机关答复。")
    form = DeclineForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form)
    reason, act = form.cleaned_data["reason"], actions.decline_transfer
    done = "已答复不予接收，监管关系不变。"
    return _act(request, row, lambda: act(transfer=row, reason=reason, by=request.user), done)


@require_POST
def withdraw(request: SignedInRequest, transfer_id: int) -> HttpResponse:
    row, act = _get(request, transfer_id), actions.withdraw_transfer
    return _act(request, row, lambda: act(transfer=row, by=request.user), "移交已撤回。")
