from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import sessions


class LiveLogin:
    """Let no request pass as a person's whose log-in has ended or run out.

    It goes on as anonymous; `request.login_over` tells why, for the log-in page.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.login_over = sessions.check(request)  # type: ignore[attr-defined]
        return self.get_response(request)


class LoginRequired(LoginRequiredMiddleware):
    """Django's own, which also tells the log-in page why a log-in ended and where to go on."""

    def handle_no_permission(self, request: Any, view_func: Any) -> Any:
        query = {"next": _way_back(request)}
        if request.login_over is not None:
            query["over"] = request.login_over.value
        url = f"{resolve_url(settings.LOGIN_URL)}?{urlencode(query, safe='/')}"
        if "HX-Request" in request.headers:  # a fragment's place must not become a log-in page
            return HttpResponse(headers={"HX-Redirect": url})
        return redirect(url)


def _way_back(request: HttpRequest) -> str:
    """The page to go on with: this one, or the page whose form or script asked for it."""
    if request.method == "GET" and "HX-Request" not in request.headers:
        return request.get_full_path()
    came_from = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(came_from, {request.get_host()}):
        parts = urlsplit(came_from)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path
    return str(resolve_url(settings.LOGIN_REDIRECT_URL))


class PasswordChangeMiddleware:
    """Let a person with an initial password reach nothing but the page that changes it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if user.is_authenticated and user.must_change_password:
            allowed = {reverse("accounts:password_change"), reverse("accounts:logout")}
            if request.path not in allowed and not request.path.startswith("/static/"):
                return redirect("accounts:password_change")
        return self.get_response(request)
