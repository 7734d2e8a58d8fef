"""The type of a request that has passed LoginRequiredMiddleware."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import User


class PortalRequest(HttpRequest):
    """A request of a person who is logged in; views name it instead of HttpRequest."""

    user: User
    htmx: HtmxDetails
