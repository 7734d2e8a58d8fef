"""Security keys (WebAuthn) as a second factor: what static/js/security_key.js asks for.

django-otp-webauthn makes and checks the ceremonies (W3C Web Authentication Level 3); its own views
are not used, because they speak English and know no audit trail. Each challenge lies in the session
and is taken out before the answer to it is looked at, so that none is answered twice.
"""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpResponse, JsonResponse
from django.http.request import RawPostDataException
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django_otp_webauthn.exceptions import OTPWebAuthnApiError
from django_otp_webauthn.helpers import WebAuthnHelper
from django_otp_webauthn.utils import rewrite_exceptions

from accounts import actions, factors
from accounts.requests import PortalRequest
from accounts.views.second_factor import where_to

REGISTER, PROVE = "key_register", "key_prove"  # in the session
LONGEST_NAME = 30
FAILED = "安全密钥没有通过验证，请重试。"
NOT_ADDED = "没有添加成功，请重试；仍不成功的，可能这把密钥已经登记过。"


def _json(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Hand the view the JSON that was sent; anything else is refused in words."""

    @wraps(view)
    def with_data(request: PortalRequest) -> HttpResponse:
        try:
            data = json.loads(request.body)
        except (ValueError, RawPostDataException):  # a form was sent, and read as one
            data = None
        if not isinstance(data, dict):
            return _refused("提交的内容无法识别，请刷新页面后重试。")
        return view(request, data)

    return with_data


def _refused(error: str) -> HttpResponse:
    return JsonResponse({"error": error}, status=422)


@never_cache
@require_POST
def key_options(request: PortalRequest) -> HttpResponse:
    """Begin to register a key."""
    options, request.session[REGISTER] = WebAuthnHelper(request).register_begin(request.user)
    return JsonResponse(options)


@never_cache
@require_POST
@_json
def key_add(request: PortalRequest, data: dict[str, Any]) -> HttpResponse:
    """Register the key that answered; in a session without a proof it counts as one."""
    state = request.session.pop(REGISTER, None)
    if state is None:
        return _refused(NOT_ADDED)
    name = str(data.get("name", "")).strip()[:LONGEST_NAME] or "安全密钥"
    try:
        with transaction.atomic(), rewrite_exceptions():
            device = WebAuthnHelper(request).register_complete(
                request.user, state, data.get("credential")
            )
            actions.add_key(device=device, name=name, user=request.user)
    except (OTPWebAuthnApiError, IntegrityError):
        return _refused(NOT_ADDED)
    factors.passed(request, device)
    return JsonResponse({"url": reverse("accounts:security")})


@never_cache
@require_POST
def key_challenge(request: PortalRequest) -> HttpResponse:
    """Begin to prove a key."""
    options, request.session[PROVE] = WebAuthnHelper(request).authenticate_begin(
        request.user, require_user_verification=False
    )
    return JsonResponse(options)


@never_cache
@require_POST
@_json
def key_prove(request: PortalRequest, data: dict[str, Any]) -> HttpResponse:
    """Take the answer of a key in place of a code."""
    state = request.session.pop(PROVE, None)
    device = None
    if state is not None:
        try:
            with rewrite_exceptions():
                device = WebAuthnHelper(request).authenticate_complete(
                    request.user, state, data.get("credential")
                )
        except OTPWebAuthnApiError:
            device = None
    actions.note_key(user=request.user, device=device)
    if device is None:
        return _refused(FAILED)
    factors.passed(request, device)
    return JsonResponse({"url": where_to(request)})
