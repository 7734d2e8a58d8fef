"""The second factor: proving it at log-in, and 账号安全, where one sets it up."""

from textwrap import wrap

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import actions, factors
from accounts.forms.second_factor import CodeForm, FirstCodeForm
from accounts.policy import policy
from accounts.requests import PortalRequest
from emailsec.lib.http import ours
from emailsec.lib.qr import qr_path


def where_to(request: PortalRequest) -> str:
    """The address in `next` where it is one of ours, else the first page."""
    there = request.POST.get("next") or request.GET.get("next", "")
    return ours(request, there, otherwise=resolve_url("dashboards:home"))


@never_cache
@require_http_methods(["GET", "POST"])
def second_factor(request: PortalRequest) -> HttpResponse:
    """Prove the second factor: after the password, and again before a dangerous act."""
    there = where_to(request)
    if factors.is_fresh(request):
        return redirect(there)
    if not factors.has_factor(request.user):
        if factors.proves_at_provider(request.user):
            return render(request, "accounts/unified_confirm.html", {"next": there})
        return redirect(there)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            device = actions.prove(user=request.user, code=form.cleaned_data["code"])
        except actions.Refused as refusal:
            form.add_error("code", str(refusal))
        else:
            factors.passed(request, device)
            return redirect(there)
    again = factors.is_proven(request)
    context = {
        "form": form,
        "next": there,
        "again": again,
        "plain": not again,
        "has_key": factors.has_key(request.user),
        "has_authenticator": factors.authenticator_of(request.user) is not None,
        "has_certificate": request.user.certificates.exists(),
    }
    status = 422 if form.errors else 200
    return render(request, "accounts/second_factor.html", context, status=status)


@require_GET
def security(request: PortalRequest) -> HttpResponse:
    """账号安全: what one has set up, and what is asked."""
    user = request.user
    own = factors.own_factors(user)
    why = factors.why_required(user)
    context = {
        "factors": own,
        "authenticator": factors.authenticator_of(user),
        "codes_left": factors.codes_left(user),
        "codes_in_all": policy().second_factor.recovery_codes,
        "why": why,
        "forced": bool(why) and not own,
        "plain": bool(why) and not own,
        "keep_last": bool(why) and len(own) == 1,
    }
    return render(request, "accounts/security.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def authenticator(request: PortalRequest) -> HttpResponse:
    """Show the secret of a new 动态口令 and confirm it by its first code."""
    device = actions.prepare_authenticator(user=request.user)
    form = FirstCodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            device, codes = actions.add_authenticator(
                user=request.user, code=form.cleaned_data["code"]
            )
        except actions.Refused as refusal:
            form.add_error("code", str(refusal))
        else:
            factors.passed(request, device)
            messages.success(request, "动态口令已启用，以后登录时填写。")
            return _tell_codes(request, codes) if codes else redirect("accounts:security")
    side, path = qr_path(device.config_url)
    context = {
        "form": form,
        "qr_side": side,
        "qr_path": path,
        "qr_label": "动态口令的二维码",
        "key": " ".join(wrap(device.key_text, 4)),
        "replaces": factors.authenticator_of(request.user) is not None,
        "plain": not factors.is_proven(request),
    }
    status = 422 if form.errors else 200
    return render(request, "accounts/authenticator.html", context, status=status)


def _tell_codes(request: PortalRequest, codes: list[str]) -> HttpResponse:
    """Show the codes in this answer only: no redirect, no session, no message."""
    return render(request, "accounts/recovery_codes.html", {"codes": codes})


@never_cache
@require_POST
def recovery_codes(request: PortalRequest) -> HttpResponse:
    """New recovery codes; the earlier ones stop."""
    if not factors.has_factor(request.user):
        messages.error(request, "请先添加动态口令或安全密钥，再生成恢复码。")
        return redirect("accounts:security")
    return _tell_codes(request, actions.renew_codes(user=request.user))


@require_POST
def factor_remove(request: PortalRequest) -> HttpResponse:
    """Take away one of one's own factors."""
    own = factors.own_factors(request.user)
    device = next((d for d in own if d.persistent_id == request.POST.get("factor")), None)
    if device is None:
        messages.info(request, "这种验证方式已经不在了。")
        return redirect("accounts:security")
    try:
        actions.remove_factor(device=device, by=request.user)
    except actions.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"已移除“{device.name}”。")
    return redirect("accounts:security")
