"""Grants: the queue of the 安全管理员, and one grant with what may be done about it."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts import actions
from accounts.filters import GrantFilter
from accounts.forms import GrantActForm
from accounts.forms.grants import OFFERED
from accounts.lifecycles import GRANT
from accounts.models import Grant
from accounts.requests import PortalRequest
from audit.lifecycle import IllegalMove
from inventory.history import moves_of

PAGE = 50


def _may_read(request: PortalRequest) -> None:
    if not (request.user.can("account.manage") or request.user.can("grant.manage")):
        raise PermissionDenied("授权由系统管理员申请、安全管理员确认。")


@require_safe
def grant_list(request: PortalRequest) -> HttpResponse:
    _may_read(request)
    rows = Grant.objects.visible_to(request.user).with_people().waiting_first()
    found = GrantFilter(request.GET, rows)
    context = {
        "filter": found,
        "page": Paginator(found.qs, PAGE).get_page(request.GET.get("page")),
        "waiting": Grant.objects.visible_to(request.user).waiting().count(),
    }
    return render(request, "accounts/grant_list.html", context)


@require_http_methods(["GET", "POST"])
def grant(request: PortalRequest, grant_id: int) -> HttpResponse:
    _may_read(request)
    rows = Grant.objects.visible_to(request.user).with_people()
    row = get_object_or_404(rows, pk=grant_id)
    form = GrantActForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.decide_grant(row, **form.cleaned_data, by=request.user)
        except actions.Refused as refusal:
            form.add_error("reason", str(refusal))
        except IllegalMove as refusal:
            messages.error(request, str(refusal))
            return redirect("accounts:grant", row.pk)
        else:
            messages.success(request, f"{row}：授权{row.get_status_display()}。")
            return redirect("accounts:grant", row.pk)
    waits = row.status == Grant.Status.REQUESTED
    not_yet = actions.not_taken_up(row.user) if waits else ""
    steps = [step for step in GRANT.open_to(row, request.user) if step in OFFERED]
    context = {
        "grant": row,
        "form": form,
        "not_yet": not_yet,
        "invitation": row.user.last_invitation if waits else None,
        "steps": [step for step in steps if not (not_yet and step.action == "confirm")],
        "held": actions.held_words(row.user),
        "history": moves_of(row.changes.all()),
    }
    return render(request, "accounts/grant_detail.html", context)
