"""What stands between a correct password and the portal: live log-ins, and the gate."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import django_otp
from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import actions, certificates, factors, fresh, sessions
from accounts.certificates import Shown
from accounts.lockout import Locked
from accounts.models import ClientCertificate, EndOfLogin

_TOLD = "certificate_told"  # in the session


class LiveLogin:
    """Let no request pass as a person's whose log-in has ended or run out.

    It goes on as anonymous; `request.login_over` tells why, for the log-in page.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            _take_in(request)
        except Exception:  # its page is answered before it is known who asks: nobody's, kept or not
            request.user = AnonymousUser()
            raise
        request.login_over = sessions.check(request)  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer wherever a password was wrong too often (accounts.lockout).

        Who is logged in and cannot tell the password is logged out.
        """
        if not isinstance(error, Locked):
            return None
        if request.user.is_authenticated:
            sessions.end(request, EndOfLogin.GUESSED)
            return redirect(f"{resolve_url(settings.LOGIN_URL)}?over={EndOfLogin.GUESSED}")
        page = render(request, "accounts/lockout.html", {"minutes": error.minutes}, status=429)
        page["Retry-After"] = str(60 * error.minutes)
        return page


def _take_in(request: HttpRequest) -> None:
    """Read what was sent before it is asked who sent it.

    A body may come in over minutes. Were the log-in looked at first, whoever was stopped meanwhile
    would still act, as the person and with the password of before.
    """
    if request.method in {"GET", "HEAD"}:
        return
    with contextlib.suppress(UnreadablePostError):  # broken off: the form is empty then
        # A form with files is read in pieces, anything else as a whole.
        _ = request.POST if request.content_type == "multipart/form-data" else request.body


class CertificateProves:
    """Let the certificate of the connection prove the person, for as long as it is shown.

    A certificate that is bound to the person proves an unproven log-in by itself. A log-in that it
    proved is unproven in any request without it: who steals the cookie has no use of it elsewhere,
    and pulling the USB Key ends what it opened. The session's key need not change for that.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        found, fault = certificates.look(request)
        request.certificate, request.certificate_fault = found, fault  # type: ignore[attr-defined]
        user: Any = request.user
        if settings.CLIENT_CERT_PROXY_SECRET and user.is_authenticated:
            device = user.otp_device
            if device is None:
                self._prove(request, user, found, fault)
            elif isinstance(device, ClientCertificate) and device.digest != (
                found and found.digest
            ):
                user.otp_device = None
        return self.get_response(request)

    def _prove(self, request: HttpRequest, user: Any, found: Shown | None, fault: str) -> None:
        way = actions.prove_by_certificate(user=user, certificate=found) if found else None
        if way is not None:
            django_otp.login(request, way)
            sessions.came_by(request, way)
        elif (found or fault) and not request.session.get(_TOLD) and user.certificates.exists():
            request.session[_TOLD] = True  # one line for a log-in
            reason = fault or "不是此账号绑定的证书"
            actions.note_certificate_failure(user=user, reason=reason, certificate=found)


class LoginRequired(LoginRequiredMiddleware):
    """Django's own, which also tells the log-in page why a log-in ended and where to go on."""

    def handle_no_permission(self, request: Any, view_func: Any) -> Any:
        query = {"next": _way_back(request)}
        if request.login_over is not None:
            query["over"] = request.login_over.value
        return _sent_to(request, f"{resolve_url(settings.LOGIN_URL)}?{urlencode(query, safe='/')}")


def _sent_to(request: HttpRequest, url: str) -> HttpResponse:
    if "HX-Request" in request.headers:  # a fragment's place must not become a page of its own
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


@dataclass(frozen=True)
class Step:
    """What a person must have done before anything else opens.

    Attributes:
        page: URL name of the page where it is done.
        asked: says whether it is still to be done.
        also: URL names that this page needs.
        returns: whether the page leads back to where the person wanted to go.
    """

    page: str
    asked: Callable[[Any], bool]
    also: frozenset[str] = frozenset()
    returns: bool = False


def _unproven(user: Any) -> bool:
    return not user.is_verified() and factors.has_factor(user)


def _without_factor(user: Any) -> bool:
    return (
        not user.is_verified() and bool(factors.why_required(user)) and not factors.has_factor(user)
    )


# In this order: who has a second factor proves it before changing so much as the password.
STEPS = (
    Step(
        page="accounts:second_factor",
        asked=_unproven,
        also=frozenset({"accounts:key_challenge", "accounts:key_prove"}),
        returns=True,
    ),
    Step(page="accounts:password_change", asked=lambda user: user.must_change_password),
    Step(
        page="accounts:security",
        asked=_without_factor,
        also=frozenset(
            {"accounts:authenticator", "accounts:key_options", "accounts:key_add"}
            | {"accounts:ways", "accounts:certificate_add"}
            # Whoever came in by the unified log-in is asked there before they set one up.
            | {"accounts:second_factor", "accounts:unified_confirm", "accounts:unified_callback"}
            | {"accounts:unified_confirmed"}
        ),
    ),
)


class Gate:
    """Let a logged-in person reach nothing but the first step that is still to be done.

    Decides by the name of the route, so that a page which is new is behind the gate by itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        """Return the way to that step, or the page that asks once more before an act of weight;
        None where the way is free."""
        if not request.user.is_authenticated:
            return None
        route = request.resolver_match.view_name if request.resolver_match else ""
        step = next((step for step in STEPS if step.asked(request.user)), None)
        if step is None or route in {step.page, *step.also}:
            return fresh.ask(request, route)
        if route == "accounts:logout":
            return None
        query = urlencode({"next": _way_back(request)}, safe="/") if step.returns else ""
        return _sent_to(request, f"{reverse(step.page)}?{query}".rstrip("?"))
