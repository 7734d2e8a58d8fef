"""A real OpenID provider on a loopback port, as the tests command it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import oidc_provider_mock
import pytest
import requests


@contextmanager
def running() -> Iterator[str]:
    """Start one; yields its issuer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")  # plain HTTP, on the loopback only
        with oidc_provider_mock.run_server_in_thread() as server:
            yield f"http://localhost:{server.server_port}"


def configure(settings: Any, provider: str) -> None:
    """Point the portal to it."""
    settings.UNIFIED_LOGIN = True
    settings.OIDC_ISSUER = provider
    settings.OIDC_OP_AUTHORIZATION_ENDPOINT = f"{provider}/oauth2/authorize"
    settings.OIDC_OP_TOKEN_ENDPOINT = f"{provider}/oauth2/token"
    settings.OIDC_OP_JWKS_ENDPOINT = f"{provider}/jwks"
    settings.OIDC_RP_CLIENT_ID = "portal"
    settings.OIDC_RP_CLIENT_SECRET = "client-secret-of-the-tests"
    settings.OIDC_VERIFY_KID = False  # this provider has one key and does not name it


def person(provider: str, subject: str = "zhang", **claims: Any) -> None:
    """Make the provider say `claims` of a person; they override what it would sign itself.

    It keeps no session of its own and says the moment of its answer as `auth_time`, where nothing
    else is said here; None is a provider that does not say.
    """
    requests.put(f"{provider}/users/{subject}", json=claims, timeout=5).raise_for_status()


def consent(address: str, subject: str = "zhang", **form: str) -> str:
    """Log in at the provider; returns where it sends the browser back to."""
    answer = requests.post(address, data={"sub": subject, **form}, allow_redirects=False, timeout=5)
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"
