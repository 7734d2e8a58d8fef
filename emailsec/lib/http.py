"""Requests as views meet them."""

from typing import Any

from django.http import HttpRequest


class SignedInRequest(HttpRequest):
    """A request past LoginRequiredMiddleware: `user` is a person, never anonymous.

    Only a type for views; Django itself still makes plain requests. The user is untyped here,
    because this room lies below the accounts: `inventory` names this type, every room above the
    accounts `accounts.requests.PortalRequest`.
    """

    user: Any
