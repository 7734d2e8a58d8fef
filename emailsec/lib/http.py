"""Requests as views meet them."""

from typing import Any, Final

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

# What fits into the 64 bits of a key, whatever its digits.
KEY_DIGITS: Final = 18


def whole(text: str) -> int | None:
    """The key or version that an address or a form names; None where the text is none."""
    fits = text.isascii() and text.isdecimal() and len(text) <= KEY_DIGITS
    return int(text) if fits else None


def ours(request: HttpRequest, there: str, *, otherwise: str) -> str:
    """The address `there` that a form or an address names, if it is one of ours."""
    known = url_has_allowed_host_and_scheme(
        there, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return there if known else otherwise


def wants_json(request: HttpRequest) -> bool:
    """Whether a script of ours asks (it sends Accept: application/json)."""
    return request.headers.get("Accept", "").startswith("application/json")


class SignedInRequest(HttpRequest):
    """A request past LoginRequiredMiddleware: `user` is a person, never anonymous.

    Only a type for views; Django itself still makes plain requests. The user is untyped here,
    because this room lies below the accounts: `inventory` names this type, every room above the
    accounts `accounts.requests.PortalRequest`.
    """

    user: Any
