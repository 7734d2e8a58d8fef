from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from audit.trail import origin_address


class OriginMiddleware:
    """Make the address of the request known to the audit trail, so that actions need no request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = origin_address.set(request.META.get("REMOTE_ADDR"))
        try:
            return self.get_response(request)
        finally:
            origin_address.reset(token)
