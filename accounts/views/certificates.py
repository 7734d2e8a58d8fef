"""Binding the certificate (USB Key) that the browser shows to one's own account."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts import actions
from accounts.forms import OwnPasswordForm
from accounts.requests import PortalRequest
from accounts.views.unified import ways_page


@sensitive_post_parameters("certificate-password")
@require_POST
def certificate_add(request: PortalRequest) -> HttpResponse:
    """Ask the password once more, then bind what is shown; that proves this log-in as well."""
    if not settings.CLIENT_CERT_PROXY_SECRET:
        raise Http404
    form = OwnPasswordForm(request.POST, user=request.user, prefix="certificate")
    if not form.is_valid():
        return ways_page(request, certificate_form=form, status=422)
    if request.certificate is None:
        messages.error(request, request.certificate_fault or "浏览器没有出示证书，没有绑定。")
        return redirect("accounts:ways")
    try:
        actions.enrol_certificate(
            user=request.user, certificate=request.certificate, by=request.user
        )
    except actions.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "已绑定证书，今后登录时核对它。")
    return redirect("accounts:ways")
