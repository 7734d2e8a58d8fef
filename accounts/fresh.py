"""Acts that ask for the second factor again when its last proof is some minutes old.

The gate (accounts/middleware.py) asks by the route's name, so that one table says which acts these
are, whichever room they are in. Whoever has no second factor passes, as they pass the log-in.

A form that was sent is kept: the page that asks for the code carries its fields and sends them on,
so that nothing typed is lost and nothing waits in the session. A form with files cannot be named
here, because a page cannot carry those.
"""

from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts import actions, factors
from accounts.forms.second_factor import FreshForm
from emailsec.lib.http import wants_json

# Route → the page to which a person returns who was asked before a GET: the one with the button of
# a file, to be pressed once more; None where only a POST is asked about.
ACTS: Final = {
    "accounts:authenticator": "accounts:authenticator",
    "accounts:certificate_remove": None,
    "accounts:create": None,
    "accounts:factor_remove": None,
    "accounts:factor_reset": None,
    "accounts:grant": None,
    "accounts:invitation_withdraw": None,
    "accounts:key_add": None,
    "accounts:key_options": None,
    "accounts:password_reset": None,
    "accounts:recovery_codes": None,
    "accounts:role_add": None,
    "accounts:set_active": None,
    "accounts:unlock": None,
    "accounts:ways_end": None,
    "audit:export": "audit:list",
    "dashboards:leave": None,
    "rectification:approve": None,
}


def ask(request: HttpRequest, route: str) -> HttpResponse | None:
    """Return the page that asks for the second factor; None where the act may go on.

    Args:
        route: name of the route that was asked for.
    """
    user: Any = request.user
    if route not in ACTS or factors.is_fresh(request) or not factors.has_factor(user):
        return None
    if wants_json(request):
        error = "请刷新本页，重新通过二次验证后再办理。"
        return JsonResponse({"error": error}, status=403)
    if request.method != "POST":
        page = ACTS[route]
        return _ask_first(request, route, page) if page else None
    form = FreshForm(request.POST if "second_factor-code" in request.POST else None)
    if form.is_valid() and _proves(request, form):
        return None
    return _ask_along(request, form)


def _proves(request: HttpRequest, form: FreshForm) -> bool:
    user: Any = request.user
    try:
        device = actions.prove(user=user, code=form.cleaned_data["code"])
    except actions.Refused as refusal:
        form.add_error("code", str(refusal))
        return False
    factors.passed(request, device)
    return True


def _ask_first(request: HttpRequest, route: str, page: str) -> HttpResponse:
    there = f"{reverse(page)}?{request.GET.urlencode()}".rstrip("?")
    if page != route:
        messages.info(request, "通过二次验证后回到原页面，请再次点击按钮。")
    return redirect(f"{reverse('accounts:second_factor')}?{urlencode({'next': there}, safe='/')}")


def _ask_along(request: HttpRequest, form: FreshForm) -> HttpResponse:
    user: Any = request.user
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken" and not name.startswith("second_factor-")
        for value in values
    ]
    context = {"form": form, "kept": fields, "has_key": factors.has_key(user)}
    status = 422 if form.errors else 200
    return render(request, "accounts/fresh_factor.html", context, status=status)
