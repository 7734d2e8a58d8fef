"""Acts that ask again who the person is when the last proof is some minutes old.

The gate (accounts/middleware.py) asks by the route's name, so that one table says which acts these
are, whichever room they are in. Asked is the second factor; of a person who has none, but comes in
by the unified log-in, a new proof at the provider. Whoever has neither passes, as at the log-in.

A form that was sent is kept: the page that asks carries its fields and sends them on, so that
nothing typed is lost and nothing waits in the session. Two kinds of forms are not carried, and
lead back to their page: those with a password, which is written into no page, and those whose
answer is a file, after which the page that asked would stay open. A form with files cannot be
named here.
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

# Route → the page to which a person returns who was asked, with the same arguments and filters: the
# one with the button, to be pressed once more. The route itself: before its page is shown at all,
# while its form waits. None: only its form is asked about, and waits.
ACTS: Final = {
    "accounts:authenticator": "accounts:authenticator",
    "accounts:certificate_add": "accounts:ways",
    "accounts:certificate_remove": None,
    "accounts:create": None,
    "accounts:factor_remove": None,
    "accounts:factor_reset": None,
    "accounts:grant": None,
    "accounts:invitation_withdraw": None,
    "accounts:key_add": "accounts:security",
    "accounts:key_options": "accounts:security",
    "accounts:password_reset": None,
    "accounts:recovery_codes": None,
    "accounts:role_add": None,
    "accounts:set_active": None,
    "accounts:unified_link": "accounts:ways",
    "accounts:unified_unlink": None,
    "accounts:unlock": None,
    "accounts:ways_end": None,
    "audit:export": "audit:list",
    "audit:taken_export": "audit:taken",
    "dashboards:findings_export": "rectification:finding_list",
    "dashboards:leave": None,
    "dashboards:notices_export": "rectification:notice_list",
    "dashboards:selfchecks_export": "assessments:campaign_detail",
    "dashboards:summary_export": "dashboards:home",
    "dashboards:systems_export": "inventory:system_list",
    "dashboards:units_export": "inventory:unit_list",
    "rectification:approve": None,
    "reports:register_export": "reports:register",
    "reports:urge_export": "assessments:urge_list",
}


def ask(request: HttpRequest, route: str) -> HttpResponse | None:
    """Return the page that asks who the person is; None where the act may go on.

    Args:
        route: name of the route that was asked for.
    """
    user: Any = request.user
    if route not in ACTS or factors.is_fresh(request):
        return None
    by_factor = factors.has_factor(user)
    if not by_factor and not factors.proves_at_provider(user):
        return None
    page = ACTS[route]
    if page and (page != route or request.method != "POST"):
        return _ask_first(request, page, once_more=page != route)
    if request.method != "POST":
        return None
    if not by_factor:
        return _ask_along(request, None)
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


def _ask_first(request: HttpRequest, page: str, *, once_more: bool) -> HttpResponse:
    """Send the person to the page that asks and then leads to `page`, narrowed as it was.

    Args:
        once_more: there is a button to be pressed again.
    """
    args = list(request.resolver_match.kwargs.values()) if request.resolver_match else []
    there = f"{reverse(page, args=args)}?{request.GET.urlencode()}".rstrip("?")
    asks = f"{reverse('accounts:second_factor')}?{urlencode({'next': there}, safe='/')}"
    if once_more:
        messages.info(request, "确认后回到原来的页面，请再次点击按钮。")
    if wants_json(request):
        return JsonResponse(
            {"error": "请先重新确认是您本人，再办理。", "confirm": asks}, status=403
        )
    return redirect(asks)


def _ask_along(request: HttpRequest, form: FreshForm | None) -> HttpResponse:
    """Keep the form that was sent in the page that asks.

    Args:
        form: for a code; None where the provider is asked, in a window of its own.
    """
    user: Any = request.user
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken" and not name.startswith("second_factor-")
        for value in values
    ]
    unproven = form is None and "second_factor-done" in request.POST
    context = {"form": form, "kept": fields, "unproven": unproven}
    context["has_key"] = form is not None and factors.has_key(user)
    status = 422 if unproven or (form and form.errors) else 200
    return render(request, "accounts/fresh_factor.html", context, status=status)
