"""What the journeys share: fetching in scope, and one way to act and to say what came of it."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect

from accounts.requests import PortalRequest
from audit.downloads import hand_out
from audit.lifecycle import IllegalMove
from rectification.actions import Refused
from rectification.actions.base import require_finding, require_notice
from rectification.forms import PlainForm
from rectification.models import Finding, Notice
from rectification.pages import with_sources
from scans.actions import Refused as ScanRefused

# Findings and notices are read with one power, by the office and by the unit.
READ = "notice.read"


def require(request: PortalRequest, power: str, obj: Any = None) -> None:
    if not request.user.can(power, obj):
        raise PermissionDenied(power)


def get_notice(request: PortalRequest, pk: int) -> Notice:
    """The notice, if it is in scope (else 404) and may be read (else 403)."""
    rows = Notice.objects.visible_to(request.user).select_related(
        "unit", "office", "drafted_by", "approved_by"
    )
    notice: Notice = get_object_or_404(rows, pk=pk)
    require(request, READ, notice)
    return notice


def get_finding(request: PortalRequest, pk: int) -> Finding:
    """The finding with its sources, if it is in scope (else 404) and may be read (else 403)."""
    rows = Finding.objects.visible_to(request.user).select_related("unit", "system", "confirmed_by")
    finding: Finding = get_object_or_404(rows.prefetch_related(with_sources()), pk=pk)
    require(request, READ, finding)
    return finding


def own_notice(request: PortalRequest, pk: int, power: str) -> Notice:
    """The notice, where the officer may act on it: before any form is looked at, what is not in
    scope is 404 and what may only be read 403."""
    notice = get_notice(request, pk)
    require_notice(request.user, power, notice)
    return notice


def own_finding(request: PortalRequest, pk: int, power: str) -> Finding:
    """As `own_notice`."""
    finding = get_finding(request, pk)
    require_finding(request.user, power, finding)
    return finding


def say_unplaced(request: PortalRequest, bound: Mapping[str, PlainForm], offered: Any) -> None:
    """Errors of forms that the page does not offer (any more) become messages: none is lost."""
    for name, form in bound.items():
        if name not in offered:
            for errors in form.errors.values():
                messages.error(request, "；".join(str(error) for error in errors))


def _again(again: Callable[[PlainForm], HttpResponse], form: PlainForm) -> HttpResponse:
    response = again(form)
    if response.status_code == 200:
        response.status_code = 422
    return response


def attempt(
    request: PortalRequest,
    act: Callable[[], object],
    *,
    done: str,
    to: HttpResponse,
    form: PlainForm | None = None,
    again: Callable[[PlainForm], HttpResponse] | None = None,
    file_field: str = "file",
) -> HttpResponse:
    """Run an action and answer: on success a message and `to`; what is wrong with a field stands
    at the field of the page shown `again` (422) with everything kept; the rest is a message.

    Args:
        act: the action with its arguments.
        done: what to say on success; "" if the action says it itself.
        to: the redirect.
        form: a bound form that must hold before the action is tried.
        again: shows the page once more with the form's errors.
        file_field: where the form shows what is wrong with an upload.
    """
    if form is not None and again is not None and not form.is_valid():
        return _again(again, form)
    try:
        act()
    except Refused as refusal:
        if form is not None and again is not None and refusal.field in form.fields:
            form.add_error(refusal.field, str(refusal))
            return _again(again, form)
        messages.error(request, str(refusal))
    except ValidationError as error:
        if form is None or again is None:
            messages.error(request, "；".join(error.messages))
            return to
        form.add_error(file_field, error)
        return _again(again, form)
    except (IllegalMove, ScanRefused) as error:
        messages.error(request, str(error))
    else:
        if done:
            messages.success(request, done)
    return to


def to_notice(notice: Notice) -> HttpResponse:
    return redirect("rectification:notice_detail", pk=notice.pk)


def to_finding(finding: Finding) -> HttpResponse:
    return redirect("rectification:finding_detail", pk=finding.pk)


def download(request: PortalRequest, row: Any, action: str) -> HttpResponse:
    """A stored file as an attachment; the download is an audit event."""
    return hand_out(row.file, row, action, by=request.user, name=row.name, sha256=row.sha256)
