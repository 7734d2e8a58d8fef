"""The 告知单 that brings a unit to its first log-in: one page per person, printed at once."""

import datetime as dt
from dataclasses import replace
from typing import Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actions import (
    IN_USE,
    WAITS,
    Invited,
    Refused,
    invited_until,
    join_address,
    seat_of,
    withdraw_from_unit,
)
from accounts.requests import PortalRequest
from accounts.roles import Role
from assessments.models import Campaign
from audit.downloads import attachment
from audit.exports import record_print
from inventory.models import Unit
from reports.actions import invite
from reports.mapping.parties import office_of, unit_of
from reports.paper import contexts as paper
from reports.paper import wording
from reports.paper.documents import invitation as invitation_document

_ROLES: Final = (Role.FILLER, Role.SIGNER)
_DAYS: Final = 10


class RoleForm(forms.Form):
    """Whose account."""

    role = forms.ChoiceField(choices=[(role.value, role.label) for role in _ROLES])


class InvitationForm(RoleForm):
    """Whom to invite, and by when."""

    deadline = forms.DateField(
        label="完成期限",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "请填写完成期限。", "invalid": "请填写有效的日期。"},
    )

    def clean_deadline(self) -> dt.date:
        deadline: dt.date = self.cleaned_data["deadline"]
        if deadline <= timezone.localdate():
            raise forms.ValidationError("完成期限应在今天之后。")
        return deadline


@require_http_methods(["GET", "POST"])
def invitation(request: PortalRequest, unit_id: int) -> HttpResponse:
    """Choose the person; the answer to the POST is the PDF, kept nowhere."""
    unit = _to_invite(request, unit_id)
    campaign = _campaign_of(request, unit)
    form = InvitationForm(
        request.POST or None, initial={"deadline": _deadline(campaign)}, auto_id="id_%s"
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = invite(unit=unit, role=Role(form.cleaned_data["role"]), by=request.user)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect("inventory:unit_detail", unit.pk)
        return _pdf(request, unit, campaign, made, form.cleaned_data)
    seats = [_seat(unit, role) for role in _ROLES]
    context = {
        "unit": unit,
        "campaign": campaign,
        "form": form,
        "seats": seats,
        "in_use": IN_USE,
        "waits": WAITS,
    }
    return render(request, "reports/invitation.html", context)


def _seat(unit: Unit, role: Role) -> dict[str, object]:
    user = seat_of(unit, role)
    return {
        "role": role,
        "user": user,
        "until": invited_until(user) if user else None,
        "waits": user is not None and role not in user.roles,
    }


@require_POST
def withdraw(request: PortalRequest, unit_id: int) -> HttpResponse:
    """Take back an invitation that went astray."""
    unit = _to_invite(request, unit_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise Http404
    role = Role(form.cleaned_data["role"])
    try:
        withdraw_from_unit(unit=unit, role=role, by=request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{role.label}的邀请已收回，告知单上的邀请码不再有效。")
    return redirect("reports:invitation", unit.pk)


def _to_invite(request: PortalRequest, unit_id: int) -> Unit:
    unit: Unit = get_object_or_404(Unit.objects.visible_to(request.user), pk=unit_id)
    if not request.user.can("unit.manage", unit) or not unit.is_supervised_by(request.user):
        raise PermissionDenied("报送账号由该单位的监管机关承办人发放。")
    return unit


def _campaign_of(request: PortalRequest, unit: Unit) -> Campaign | None:
    """The newest published campaign that asks this unit."""
    asked = Campaign.objects.visible_to(request.user).filter(
        status=Campaign.Status.PUBLISHED, selfchecks__unit=unit
    )
    campaign: Campaign | None = asked.order_by("-id").first()
    return campaign


def _deadline(campaign: Campaign | None) -> dt.date:
    today = timezone.localdate()
    if campaign and campaign.deadline > today:
        return campaign.deadline
    return today + dt.timedelta(days=_DAYS)


def _pdf(
    request: PortalRequest,
    unit: Unit,
    campaign: Campaign | None,
    made: Invited,
    data: dict[str, object],
) -> HttpResponse:
    role = Role(str(data["role"]))
    today = timezone.localdate()
    deadline = data["deadline"]
    assert isinstance(deadline, dt.date)
    office = request.user.office
    assert office is not None  # only offices hold unit.manage
    document = invitation_document(
        paper.InvitationPaper(
            office=office_of(office, contact=request.user.name),
            unit=unit_of(unit),
            campaign=campaign.title if campaign else "电子邮件系统安全自查",
            serial=f"{unit.pk:06d}-{today:%Y%m%d}",
            issued_on=today,
            deadline=deadline,
            tasks=tuple(wording.phrases()["invitation"][role.value]),
            url=join_address(),
            link=made.link,
            role=str(role.label),
            account=made.user.username,
            code=made.code,
            code_until=timezone.localdate(made.expires_at) - dt.timedelta(days=1),
        )
    )
    mark = record_print("invitation.print", unit, unit=unit, by=request.user)
    return attachment(replace(document, mark=mark).pdf(), f"{made.user.username}.pdf")
