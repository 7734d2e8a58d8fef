"""Middleware of the frame."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import render

from emailsec.views import wants_json


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
