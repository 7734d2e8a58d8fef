"""The journey of a letter of authorisation: fill in, print, stamp, upload; withdraw or void."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import PortalRequest
from audit.downloads import hand_out
from audit.lifecycle import IllegalMove
from inventory.models import MailSystem
from scans import actions
from scans.forms import AuthorizationForm, LetterScanForm, VoidForm
from scans.lifecycles import AUTHORIZATION
from scans.models import Authorization


def _letter(request: PortalRequest, authorization_id: int, power: str = "") -> Authorization:
    """The letter in scope (else 404); a power to act on it is asked (403) before any form is."""
    rows = Authorization.objects.visible_to(request.user).select_related("system__unit", "filed_by")
    letter: Authorization = get_object_or_404(rows, pk=authorization_id)
    if power and not request.user.can(power, letter):
        raise PermissionDenied(power)
    return letter


@require_http_methods(["GET", "POST"])
def authorization_create(request: PortalRequest, system_id: int) -> HttpResponse:
    systems = MailSystem.objects.visible_to(request.user).select_related("unit")
    system = get_object_or_404(systems, pk=system_id)
    if not request.user.can("authorization.file", system):
        raise PermissionDenied("填写授权书须由本单位填报人或审签人办理。")
    if system.retired_on:
        messages.error(request, "该系统已停用，不能再授权探测。")
        return redirect("scans:system_view", system.pk)
    form = AuthorizationForm(request.POST or None, system=system)
    if request.method == "POST" and form.is_valid():
        letter = actions.draft_authorization(
            system=system, by=request.user, fields=form.fields_of_letter()
        )
        messages.success(request, "授权书已生成。请打印、签名、盖章后上传扫描件。")
        return redirect("scans:authorization_detail", letter.pk)
    return render(request, "scans/authorization_form.html", {"system": system, "form": form})


@require_GET
def authorization_detail(request: PortalRequest, authorization_id: int) -> HttpResponse:
    return _detail(request, _letter(request, authorization_id))


def _detail(
    request: PortalRequest,
    letter: Authorization,
    upload: LetterScanForm | None = None,
    void: VoidForm | None = None,
    status: int = 200,
) -> HttpResponse:
    history = [
        {
            "at": change.at,
            "who": change.by_name,
            "what": AUTHORIZATION.transitions[change.action].label,
            "note": change.reason,
        }
        for change in letter.changes.all()
    ]
    open_to = {step.action for step in AUTHORIZATION.open_to(letter, request.user)}
    context = {
        "letter": letter,
        "system": letter.system,
        "open_to": set() if letter.lapsed else open_to,
        "upload": upload or LetterScanForm(),
        "void": void or VoidForm(),
        "history": history,
    }
    return render(request, "scans/authorization_detail.html", context, status=status)


@require_POST
def authorization_file(request: PortalRequest, authorization_id: int) -> HttpResponse:
    letter = _letter(request, authorization_id, "authorization.file")
    form = LetterScanForm(request.POST, request.FILES)
    if not form.is_valid():
        return _detail(request, letter, upload=form, status=422)
    try:
        actions.file_authorization(letter=letter, scan=form.cleaned_data["scan"], by=request.user)
    except ValidationError as error:
        form.add_error("scan", error)
        return _detail(request, letter, upload=form, status=422)
    except (IllegalMove, actions.Refused) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "授权书已生效，平台将在一分钟内开始首次观测。")
        return redirect("scans:system_view", letter.system_id)
    return redirect("scans:authorization_detail", letter.pk)


@require_POST
def authorization_withdraw(request: PortalRequest, authorization_id: int) -> HttpResponse:
    letter = _letter(request, authorization_id, "authorization.file")
    try:
        actions.withdraw_authorization(letter=letter, by=request.user)
    except IllegalMove as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "授权已撤回，平台不再探测该系统。")
    return redirect("scans:authorization_detail", letter.pk)


@require_POST
def authorization_void(request: PortalRequest, authorization_id: int) -> HttpResponse:
    letter = _letter(request, authorization_id, "authorization.void")
    form = VoidForm(request.POST)
    if not form.is_valid():
        return _detail(request, letter, void=form, status=422)
    try:
        actions.void_authorization(
            letter=letter, by=request.user, reason=form.cleaned_data["reason"]
        )
    except IllegalMove as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "授权书已作废，已告知单位。")
    return redirect("scans:authorization_detail", letter.pk)


@require_GET
def authorization_scan(request: PortalRequest, authorization_id: int) -> HttpResponse:
    """The stamped scan, always as a download: an uploaded file is never shown in our origin."""
    letter = _letter(request, authorization_id)
    if not letter.scan:
        raise Http404
    return hand_out(
        letter.scan,
        letter,
        "authorization.download",
        by=request.user,
        name=letter.scan_name,
        sha256=letter.scan_sha256,
    )
