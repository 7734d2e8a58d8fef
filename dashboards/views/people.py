"""The people of a unit or an office: who they are, a further one, and one who leaves."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts import actions
from accounts.models import User
from accounts.requests import PortalRequest
from accounts.roles import Role
from accounts.staff import may_seat, may_stop
from audit.readings import note_reading
from dashboards.forms import InviteForm, LeaveForm
from dashboards.openwork import open_work
from emailsec.lib.qr import qr_path
from inbox.handover import hand_over
from inbox.models import HandOver, Message
from inventory.models import Unit

_STAFF = "人员由本单位审签人、单位的监管机关承办人和本机关批准人管理。"


@require_safe
def people(request: PortalRequest) -> HttpResponse:
    """The people of one's own unit or office."""
    me = request.user
    if me.unit is not None and me.can("staff.manage"):
        return redirect("dashboards:unit_people", me.unit.pk)
    if not me.can("colleague.manage"):
        raise PermissionDenied(_STAFF)
    rows = User.objects.visible_to(me).filter(memberships__office=me.office)
    return _list(request, rows, {"place": me.office})


@require_http_methods(["GET", "POST"])
def unit_people(request: PortalRequest, unit_id: int) -> HttpResponse:
    """The people of a unit; the POST opens a further account and shows its code once."""
    unit = get_object_or_404(Unit.objects.visible_to(request.user), pk=unit_id)
    if not request.user.can("staff.manage", unit):
        raise PermissionDenied(_STAFF)
    note_reading(unit, unit=unit, by=request.user)
    form = InviteForm(request.POST or None, unit=unit, by=request.user)
    if request.method == "POST" and form.is_valid():
        role = Role(form.cleaned_data["role"])
        issued = actions.invite_colleague(unit=unit, role=role, by=request.user)
        return _invited(request, issued, unit)
    rows = User.objects.visible_to(request.user).filter(memberships__unit=unit)
    return _list(request, rows, {"place": unit, "unit": unit, "form": form})


def _list(request: PortalRequest, rows: Any, context: dict[str, Any]) -> HttpResponse:
    found = rows.distinct().with_places().with_waiting().order_by("-is_active", "username")
    staff = [{"user": person, "may_stop": may_stop(request.user, person)} for person in found]
    place = {"unit" if "unit" in context else "office": context["place"]}
    sheets = HandOver.objects.visible_to(request.user).filter(**place)
    more = {"staff": staff, "sheets": sheets.select_related("giver", "taker")[:20]}
    return render(request, "dashboards/people.html", context | more)


def _invited(
    request: PortalRequest, issued: actions.Invited, unit: Unit, sheet: HandOver | None = None
) -> HttpResponse:
    """Show the code in this answer only."""
    side, path = qr_path(issued.link)
    context = {"issued": issued, "qr_side": side, "qr_path": path, "unit": unit, "sheet": sheet}
    return render(request, "dashboards/person_invited.html", context)


@require_http_methods(["GET", "POST"])
def leave(request: PortalRequest, user_id: int) -> HttpResponse:
    """Stop somebody at once and hand over what waits for them."""
    by = request.user
    if not (by.can("staff.manage") or by.can("colleague.manage")):
        raise PermissionDenied(_STAFF)
    person = get_object_or_404(User.objects.visible_to(by).with_places(), pk=user_id)
    if not may_stop(by, person):
        raise PermissionDenied(_STAFF)
    work = open_work(person, by=by)
    form = LeaveForm(request.POST or None, person=person, **_successors(person, by))
    if request.method == "POST" and form.is_valid():
        try:
            sheet, issued = _carry_out(form, person, work, by)
        except actions.Refused as refusal:
            form.add_error("successor", str(refusal))
        else:
            if issued is not None and person.unit is not None:
                return _invited(request, issued, person.unit, sheet)
            messages.success(request, f"{person.name}已停用，登录随即失效，工作已交接。")
            return redirect("dashboards:handover", sheet.pk)
    context = {"person": person, "form": form, "work": work, "unread": _unread(person)}
    return render(request, "dashboards/person_leave.html", context)


@transaction.atomic
def _carry_out(
    form: LeaveForm, person: User, work: list[tuple[str, str]], by: User
) -> tuple[HandOver, actions.Invited | None]:
    issued, taker = None, form.taker
    if form.invites and person.unit is not None:
        role = _main_role(person)
        issued = actions.invite_colleague(unit=person.unit, role=role, by=by)
        taker = User.objects.visible_to(by).get(pk=issued.user.pk)
    reason = form.cleaned_data["reason"]
    return hand_over(giver=person, taker=taker, reason=reason, work=work, by=by), issued


def _main_role(person: User) -> Role:
    order = [Role.FILLER, Role.SIGNER, Role.CASE_OFFICER, Role.APPROVER, Role.CHECKER, Role.READER]
    return next(role for role in order if role in person.roles)


def _successors(person: User, by: User) -> dict[str, Any]:
    """Colleagues who hold the same role in the same place, and whether a new one may be invited."""
    role, unit = _main_role(person), person.unit
    place = {"unit": unit} if unit is not None else {"office": person.office}
    held = {f"memberships__{key}": value for key, value in place.items()}
    colleagues = (
        User.objects.visible_to(by)
        .filter(is_active=True, memberships__role=role, memberships__active=True, **held)
        .exclude(pk=person.pk)
        .with_places()
    )
    return {
        "colleagues": list(colleagues.distinct()),
        "inviting": role if unit is not None and may_seat(by, unit, role) else None,
    }


def _unread(person: User) -> int:
    """How many messages wait; the number alone is told to others, never what they say."""
    return int(Message.objects.visible_to(person).unread().count())


@require_safe
def handover(request: PortalRequest, handover_id: int) -> HttpResponse:
    """交接单: what passed from whom to whom."""
    rows = HandOver.objects.visible_to(request.user).select_related("giver", "taker", "by")
    sheet = get_object_or_404(rows, pk=handover_id)
    return render(request, "dashboards/handover.html", {"sheet": sheet, "lines": sheet.lines.all()})
