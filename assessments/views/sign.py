"""Submission, signature by the unit's leader, and the ways back."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import PortalRequest
from assessments import actions
from assessments.forms import SignForm, StampedForm
from assessments.models import SignOff
from assessments.views.rows import selfcheck_of
from assessments.views.summary import summary_context
from audit.downloads import hand_out
from audit.lifecycle import IllegalMove


@require_POST
def submit(request: PortalRequest, pk: int) -> HttpResponse:
    selfcheck = selfcheck_of(request, pk)
    try:
        actions.submit(selfcheck, by=request.user)
        messages.success(request, "已提交，请审签人核对并审签。")
    except (actions.Refused, IllegalMove) as error:
        messages.error(request, str(error))
    return redirect("assessments:summary", pk=pk)


@require_POST
def withdraw(request: PortalRequest, pk: int) -> HttpResponse:
    selfcheck = selfcheck_of(request, pk)
    try:
        actions.withdraw(selfcheck, by=request.user)
        messages.success(request, "已撤回，可以继续修改。")
    except IllegalMove as error:
        messages.error(request, str(error))
    return redirect("assessments:selfcheck_detail", pk=pk)


@require_POST
def sign(request: PortalRequest, pk: int) -> HttpResponse:
    selfcheck = selfcheck_of(request, pk)
    if not request.user.can("selfcheck.sign", selfcheck):
        raise PermissionDenied("selfcheck.sign")
    form = SignForm(request.POST, user=request.user, selfcheck=selfcheck)
    if form.is_valid():
        try:
            actions.sign_online(selfcheck, digest=form.cleaned_data["digest"], by=request.user)
            messages.success(request, "已审签并报送监管机关。")
            return redirect("assessments:selfcheck_detail", pk=pk)
        except (actions.Refused, IllegalMove) as error:
            form.add_error(None, str(error))
    context = summary_context(request, selfcheck, sign_form=form)
    return render(request, "assessments/summary.html", context, status=422)


@require_POST
def sign_stamped(request: PortalRequest, pk: int) -> HttpResponse:
    selfcheck = selfcheck_of(request, pk)
    form = StampedForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            actions.sign_stamped(
                selfcheck,
                form.cleaned_data["scan"],
                digest_head=form.cleaned_data["digest_head"],
                by=request.user,
            )
            messages.success(request, "盖章件已上传，自查表已报送监管机关。")
            return redirect("assessments:selfcheck_detail", pk=pk)
        except actions.Refused as error:
            form.add_error("digest_head", str(error))
        except ValidationError as error:
            form.add_error("scan", error)
        except IllegalMove as error:
            form.add_error(None, str(error))
    context = summary_context(request, selfcheck, stamped_form=form)
    return render(request, "assessments/summary.html", context, status=422)


@require_POST
def refuse(request: PortalRequest, pk: int) -> HttpResponse:
    selfcheck = selfcheck_of(request, pk)
    if not request.user.can("selfcheck.sign", selfcheck):
        raise PermissionDenied("selfcheck.sign")
    reason = request.POST.get("reason", "")
    try:
        actions.refuse_signature(selfcheck, reason=reason, by=request.user)
        messages.success(request, "已退回填报人修改。")
    except actions.Refused as error:
        failed = {"refuse": True, "text": reason, "error": str(error)}
        context = summary_context(request, selfcheck, failed=failed)
        return render(request, "assessments/summary.html", context, status=422)
    except IllegalMove as error:
        messages.error(request, str(error))
        return redirect("assessments:summary", pk=pk)
    return redirect("assessments:selfcheck_detail", pk=pk)


@require_GET
def signoff_file(request: PortalRequest, pk: int) -> HttpResponse:
    """The stamped page, as a download."""
    signoff = get_object_or_404(SignOff.objects.visible_to(request.user).exclude(scan=""), pk=pk)
    if not request.user.can("selfcheck.read", signoff):
        raise PermissionDenied("selfcheck.read")
    return hand_out(
        signoff.scan,
        signoff,
        "signoff.download",
        by=request.user,
        name=signoff.scan_name,
        sha256=signoff.scan_sha256,
    )
