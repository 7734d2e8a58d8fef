"""What the provider of the unified log-in says of a person, believed only after every check.

OpenID Connect Core 1.0, code flow (3.1), with PKCE (RFC 7636). The library talks to the provider
and finds its key; what a token must say is asked here, because the library asks neither issuer
nor audience. Nothing but the signed identity token is read, and no account is ever made from it.
"""

import math
import time
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import jwt
import requests
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.urls import reverse
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.views import OIDCAuthenticationRequestView

from accounts.models import UnifiedIdentity
from accounts.policy import policy

# Clocks of provider and portal may differ by so much, in seconds.
LEEWAY: Final = 30
ID_TOKEN: Final = "unified_id_token"  # noqa: S105 - a key of the session
_ASKED: Final = ["iss", "sub", "aud", "exp", "iat", "nonce"]


class Unproven(Exception):
    """The provider did not prove who the person is; `str(error)` is for the trail, in Chinese."""


@dataclass(frozen=True)
class Identity:
    """Who the person is by the provider's word.

    Attributes:
        name: what the provider calls the person, for people to recognise it; "" if it does not.
        strong: the provider asked for a second factor of a kind that the settings accept.
        proven_at: when the provider last asked the person to prove who they are (`auth_time`), in
            seconds since 1970; 0 where it does not say, or says a time that is not yet.
        token: the identity token itself, to name the session when it is ended at the provider.
    """

    issuer: str
    subject: str
    name: str
    strong: bool
    proven_at: int
    token: str = field(repr=False)


def bound_to(identity: Identity) -> UnifiedIdentity | None:
    """The account that the identity is bound to; None where nobody has bound it."""
    found = UnifiedIdentity.objects.filter(issuer=identity.issuer, subject=identity.subject)
    way: UnifiedIdentity | None = found.select_related("user").first()
    return way


class Provider(OIDCAuthenticationBackend):
    """The provider that the settings name."""

    def identify(self, *, code: str, verifier: str, nonce: str, redirect_uri: str) -> Identity:
        """Exchange the code of a log-in for the person's identity.

        Args:
            code: from the provider's answer.
            verifier: of RFC 7636, kept in the session that began the log-in.
            nonce: of the same session; the token must repeat it.
            redirect_uri: the address the provider answered to.

        Raises:
            Unproven: the provider refused or cannot be reached, or its token fails a check.
        """
        try:
            answer = self.get_token(
                {
                    "client_id": self.OIDC_RP_CLIENT_ID,
                    "client_secret": self.OIDC_RP_CLIENT_SECRET,
                    "grant_type": "authorization_code",
                    "code": code,
                    "redirect_uri": redirect_uri,
                    "code_verifier": verifier,
                }
            )
            said = self.verify_token(answer["id_token"], nonce=nonce)
        except requests.RequestException as error:
            raise Unproven("无法从认证方取得令牌") from error
        except (jwt.PyJWTError, SuspiciousOperation, LookupError, TypeError, ValueError) as error:
            raise Unproven("认证方的令牌未通过核验") from error
        return _identity(said, answer["id_token"])

    def get_payload_data(self, token: str, key: Any) -> dict[str, Any]:
        """The claims of a token with a sound signature, of this issuer, for us, and in time."""
        said: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[self.OIDC_RP_SIGN_ALGO],
            issuer=settings.OIDC_ISSUER,
            audience=self.OIDC_RP_CLIENT_ID,
            leeway=LEEWAY,
            options={"require": _ASKED},
        )
        # Core 3.1.3.7: who a token of several audiences was issued to must be us as well.
        several = isinstance(said["aud"], list) and len(said["aud"]) > 1
        if said.get("azp", None if several else self.OIDC_RP_CLIENT_ID) != self.OIDC_RP_CLIENT_ID:
            raise jwt.InvalidAudienceError("azp")
        return said


def _identity(said: dict[str, Any], token: str) -> Identity:
    methods = said.get("amr") or []
    told = {said.get("acr"), *(methods if isinstance(methods, list) else [methods])}
    subject = said["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise Unproven("认证方的令牌未通过核验")
    return Identity(
        issuer=said["iss"],
        subject=subject,
        name=str(said.get("name") or said.get("preferred_username") or ""),
        strong=bool(told & set(settings.OIDC_SECOND_FACTOR)),
        proven_at=_proven_at(said.get("auth_time")),
        token=token,
    )


def _proven_at(said: Any) -> int:
    """What stands in `auth_time` (Core, 2), where it is a time that has come."""
    number = isinstance(said, int | float) and not isinstance(said, bool) and math.isfinite(said)
    now = int(time.time())
    return min(int(said), now) if number and said <= now + LEEWAY else 0


class AskAgain(OIDCAuthenticationRequestView):
    """Send a person who is logged in to the provider, to prove once more who they are.

    `prompt` makes the provider ask whatever session it keeps; `max_age` obliges it to say in the
    token when it asked (Core, 3.1.2.1). What counts is what the token says.
    """

    def get_extra_params(self, request: Any) -> dict[str, Any]:
        age = policy().second_factor.recent_minutes * 60
        return dict(super().get_extra_params(request)) | {"prompt": "login", "max_age": age}


def end_at_provider(id_token: str) -> str:
    """The address that ends the session at the provider as well (RP-Initiated Logout 1.0)."""
    asked = {
        "id_token_hint": id_token,
        "client_id": settings.OIDC_RP_CLIENT_ID,
        "post_logout_redirect_uri": settings.PUBLIC_URL + reverse("accounts:login"),
    }
    return f"{settings.OIDC_OP_LOGOUT_ENDPOINT}?{urlencode(asked)}"
