"""Where a unit applies to be registered, and asks what became of it. Public; answers nothing else.

Whether a unit, or another application of it, exists is told to nobody here.
"""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts import actions
from accounts.forms import ReceiptForm, RegistrationForm, fresh_page
from accounts.policy import policy
from emailsec.lib.pace import hit, hits

_SENT, _MISSED, _RECEIPT = "apply", "apply-status", "registration_receipt"
_HOUR = 3600


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def apply(request: HttpRequest) -> HttpResponse:
    """The application."""
    template = "accounts/apply.html"
    if hits(_SENT, request) >= policy().registration.per_hour:
        return render(request, template, {"busy": True}, status=429)
    if request.method == "GET":
        form = RegistrationForm(initial={"page": fresh_page()})
        return render(request, template, {"form": form})
    form = RegistrationForm(request.POST.copy(), request.FILES)
    if not form.is_valid() or form.office is None:
        return render(request, template, {"form": form}, status=422)
    hit(_SENT, request, seconds=_HOUR)
    registration = form.save(commit=False)
    registration.office, registration.nonce = form.office, form.nonce
    registration.domains = "\n".join(form.cleaned_data["domains"])
    kept = actions.submit_registration(registration=registration, proof=form.cleaned_data["proof"])
    request.session[_RECEIPT] = kept.receipt
    return redirect("accounts:apply_done")


@login_not_required
@never_cache
@require_GET
def apply_done(request: HttpRequest) -> HttpResponse:
    """The receipt number of the application that this browser has just sent."""
    receipt = request.session.get(_RECEIPT)
    if receipt is None:
        return redirect("accounts:apply_status")
    return render(request, "accounts/apply_done.html", {"receipt": receipt})


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def apply_status(request: HttpRequest) -> HttpResponse:
    """What became of an application, for whoever knows its receipt number and credit code."""
    template = "accounts/apply_status.html"
    limits = policy().registration
    if hits(_MISSED, request) >= limits.misses:
        return render(request, template, {"busy": limits.miss_minutes}, status=429)
    form = ReceiptForm(request.POST if request.method == "POST" else None)
    if request.method == "GET" or not form.is_valid():
        status = 200 if request.method == "GET" else 422
        return render(request, template, {"form": form}, status=status)
    found = actions.find_registration(**form.cleaned_data)
    if found is None:
        hit(_MISSED, request, seconds=60 * limits.miss_minutes)
        form.add_error(None, "没有查到：请核对受理号和统一社会信用代码，两项须与申请时一致。")
    status = 200 if found else 422
    return render(request, template, {"form": form, "found": found}, status=status)
