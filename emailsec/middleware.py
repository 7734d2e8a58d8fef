"""Middleware of the frame."""

import contextlib
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import render

from emailsec.lib.http import wants_json
from emailsec.views import too_large


class ProxiedAddress:
    """Take the caller's address from the reverse proxy, for the audit trail and the lock-out.

    Only the last address of X-Forwarded-For was written by the proxy itself; all before it came
    with the request and may be invented. Not in use where no proxy stands in front.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.BEHIND_PROXY:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        last = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        with contextlib.suppress(ValueError):  # otherwise the proxy's own address stays
            request.META["REMOTE_ADDR"] = str(ip_address(last))
        return self.get_response(request)


class Fences:
    """Headers that keep other sites, and the abilities of the browser, away from every answer.

    The content security policy is django-csp's; what is here has no package. A request that
    announces more than the largest upload is refused before anything of it is read.
    """

    HEADERS: Final = {
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": ", ".join(
            f"{ability}=()"
            for ability in (
                *("accelerometer", "autoplay", "camera", "display-capture", "fullscreen"),
                *("geolocation", "gyroscope", "magnetometer", "microphone", "midi", "payment"),
                *("picture-in-picture", "serial", "usb", "screen-wake-lock", "xr-spatial-tracking"),
            )
        ),
        "X-Permitted-Cross-Domain-Policies": "none",
    }

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isascii() and length.isdecimal() and int(length) > settings.REQUEST_MAX_BYTES:
            response = too_large(request)
        else:
            response = self.get_response(request)
        for name, value in self.HEADERS.items():
            response.setdefault(name, value)
        return response


class NothingIsKept:
    """Let no browser or proxy keep what a logged-in person was sent, page or file.

    On a shared computer the next person must not find it by going back. Static files are answered
    further out and stay cacheable.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        known = request.user.is_authenticated  # before a log-out forgets the person
        response = self.get_response(request)
        if known or request.user.is_authenticated:
            response["Cache-Control"] = "no-store"
        return response


class MethodNotAllowedPage:
    """Put a page where Django answers 405 with an empty one.

    People meet it when a log-in leads back to the address of a button's POST.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            if wants_json(request):
                page: HttpResponse = JsonResponse({"error": "此地址不接受这种请求。"}, status=405)
            else:
                page = render(request, "405.html", status=405)
            page["Allow"] = response["Allow"]
            return page
        return response
