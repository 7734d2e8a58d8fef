"""Acts that ask for the second factor again when its last proof is some minutes old."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts import actions, factors
from accounts.forms.second_factor import FreshForm
from emailsec.lib.http import wants_json

View = Callable[..., HttpResponse]


def fresh_factor(returns_to: str = "") -> Callable[[View], View]:
    """Guard a view; whoever has no second factor passes, as they pass the log-in.

    A form that was sent is kept: the page that asks for the code carries its fields and sends them
    on, so that nothing typed is lost and nothing waits in the session. A form with files must not
    be guarded, because a page cannot carry those.

    Args:
        returns_to: for a view that answers with a file: URL name of the page with its button,
            where the person presses it once more. Other pages open by themselves.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            user: Any = request.user
            if factors.is_fresh(request) or not factors.has_factor(user):
                return view(request, *args, **kwargs)
            if wants_json(request):
                error = "请刷新本页，重新通过二次验证后再办理。"
                return JsonResponse({"error": error}, status=403)
            if request.method != "POST":
                return _ask_first(request, returns_to)
            form = FreshForm(request.POST if "second_factor-code" in request.POST else None)
            if form.is_valid() and _proves(request, form):
                return view(request, *args, **kwargs)
            return _ask_along(request, form)

        return guarded

    return guard


def _proves(request: HttpRequest, form: FreshForm) -> bool:
    user: Any = request.user
    try:
        device = actions.prove(user=user, code=form.cleaned_data["code"])
    except actions.Refused as refusal:
        form.add_error("code", str(refusal))
        return False
    factors.passed(request, device)
    return True


def _ask_first(request: HttpRequest, returns_to: str) -> HttpResponse:
    there = request.get_full_path()
    if returns_to:
        there = f"{reverse(returns_to)}?{request.GET.urlencode()}"
        messages.info(request, "通过二次验证后，请再次点击按钮。")
    return redirect(f"{reverse('accounts:second_factor')}?{urlencode({'next': there})}")


def _ask_along(request: HttpRequest, form: FreshForm) -> HttpResponse:
    user: Any = request.user
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken" and not name.startswith("second_factor-")
        for value in values
    ]
    context = {"form": form, "kept": fields, "has_key": factors.has_key(user)}
    return render(request, "accounts/fresh_factor.html", context)
