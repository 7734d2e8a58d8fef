"""The unified log-in (统一身份认证): coming in by it, binding it to one's account, and proving
there once more who one is.

No account arises here. A person binds the identity after logging in with the password; both ends
are then proven by the person alone, and no administrator types identifiers of others.
"""

import time
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import django_otp
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST
from mozilla_django_oidc.views import OIDCAuthenticationRequestView

from accounts import actions, factors, sessions
from accounts.forms import OwnPasswordForm
from accounts.models import ClientCertificate, UnifiedIdentity, User
from accounts.requests import PortalRequest
from accounts.sessions import current_login
from accounts.unified import ID_TOKEN, AskAgain, Identity, Provider, Unproven, bound_to
from accounts.views.second_factor import where_to

# One sentence for whatever went wrong: the trail says what it was.
REFUSED: Final = (
    "统一身份认证登录没有成功。第一次使用前，请先用用户名和口令登录，在“登录方式”页绑定；"
    "已经绑定仍不能登录的，请联系平台系统管理员。"
)
NOT_CONFIRMED: Final = (
    "统一身份认证没有确认是您本人，请重新去确认；仍不行的，请联系平台系统管理员。"
)
_AGAIN: Final = "again"  # beside the state of a log-in that only confirms: where to go on
_LINK_UNTIL: Final = "unified_link_until"
_LINK_SECONDS: Final = 600


def _on() -> None:
    if not settings.UNIFIED_LOGIN:
        raise Http404


@login_not_required
@never_cache
@require_GET
def unified_login(request: HttpRequest) -> HttpResponse:
    """Send the person to the provider; who is logged in only to bind the identity."""
    _on()
    if request.user.is_authenticated and not _linking(request):
        return redirect("dashboards:home")
    answer: HttpResponse = OIDCAuthenticationRequestView.as_view()(request)
    return answer


def _linking(request: HttpRequest) -> bool:
    return bool(request.session.get(_LINK_UNTIL, 0) > time.time())


@login_not_required
@never_cache
@require_GET
def unified_callback(request: HttpRequest) -> HttpResponse:
    """The provider's answer: the end of a log-in, or of a binding or a confirmation that the person
    began."""
    _on()
    begun = _begun(request)
    back = begun.get(_AGAIN, "")
    try:
        identity = _identify(request, begun)
    except Unproven as error:
        actions.note_unified_failure(reason=str(error))
        return _not_confirmed(request, back, NOT_CONFIRMED) if back else _refused(request)
    if isinstance(request.user, User) and back:
        return _confirm(request, request.user, identity, back)
    if isinstance(request.user, User):
        return _link(request, request.user, identity)
    way = bound_to(identity)
    if way is None or not way.user.is_active:
        reason = "没有绑定账号" if way is None else "账号已停用"
        actions.note_unified_failure(reason=reason, subject=identity.subject)
        return _refused(request)
    return _enter(request, way, identity)


def _begun(request: HttpRequest) -> dict[str, Any]:
    """Take the log-in out of the session, so that its answer counts once; {} if there is none."""
    states: dict[str, dict[str, Any]] = request.session.get("oidc_states", {})
    request.session.modified = True
    return states.pop(request.GET.get("state", ""), {})


def _identify(request: HttpRequest, begun: dict[str, Any]) -> Identity:
    if not begun:
        raise Unproven("不是由本会话发起，或者已经用过")
    if "code" not in request.GET:
        raise Unproven("认证方没有放行")
    return Provider().identify(
        code=request.GET["code"],
        verifier=begun["code_verifier"],
        nonce=begun["nonce"],
        redirect_uri=request.build_absolute_uri(reverse("accounts:unified_callback")),
    )


def _refused(request: HttpRequest) -> HttpResponse:
    messages.error(request, REFUSED)
    return redirect("accounts:ways" if request.user.is_authenticated else "accounts:login")


def _enter(request: HttpRequest, way: UnifiedIdentity, identity: Identity) -> HttpResponse:
    back = request.session.get("oidc_login_next")
    request.login_way = "统一身份认证"  # type: ignore[attr-defined]  # told by accounts.signals
    login(request, way.user, backend="django.contrib.auth.backends.ModelBackend")
    if identity.strong:
        django_otp.login(request, way)
    sessions.came_by(request, way)
    request.session[factors.PASSED_AT] = identity.proven_at
    if settings.OIDC_OP_LOGOUT_ENDPOINT:
        request.session[ID_TOKEN] = identity.token
    way.last_used_at = timezone.now()
    way.save(update_fields=["last_used_at"])
    return redirect(back or resolve_url(settings.LOGIN_REDIRECT_URL))


def _link(request: HttpRequest, user: User, identity: Identity) -> HttpResponse:
    if not _linking(request):
        return _refused(request)
    del request.session[_LINK_UNTIL]
    try:
        actions.link_identity(user=user, identity=identity, by=user, login=current_login(request))
    except actions.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        if factors.proves_at_provider(user):  # of whom nothing else is asked
            request.session[factors.PASSED_AT] = identity.proven_at
        messages.success(request, "已绑定统一身份认证，今后可以用它登录。")
    return redirect("accounts:ways")


@never_cache
@require_GET
def unified_confirm(request: PortalRequest) -> HttpResponse:
    """Send the person to the provider once more, before an act of weight."""
    there = where_to(request)
    if not factors.proves_at_provider(request.user):
        return redirect(there)
    answer: HttpResponse = AskAgain.as_view()(request)
    state = parse_qs(urlsplit(answer["Location"]).query)["state"][0]
    request.session["oidc_states"][state][_AGAIN] = there
    return answer


def _confirm(request: HttpRequest, user: Any, identity: Identity, back: str) -> HttpResponse:
    try:
        actions.confirm_at_provider(user=user, identity=identity, verified=user.is_verified())
    except actions.Refused as refusal:
        return _not_confirmed(request, back, str(refusal))
    factors.confirmed(request, identity.proven_at)
    return redirect(back)


def _not_confirmed(request: HttpRequest, back: str, told: str) -> HttpResponse:
    messages.error(request, told)
    query = urlencode({"next": back}, safe="/")
    return redirect(f"{reverse('accounts:second_factor')}?{query}")


@never_cache
@require_GET
def unified_confirmed(request: PortalRequest) -> HttpResponse:
    """Where a confirmation ends whose form waits in another window."""
    if not factors.is_fresh(request):
        return redirect("dashboards:home")
    return render(request, "accounts/unified_confirmed.html")


@never_cache
@require_GET
def ways(request: PortalRequest) -> HttpResponse:
    """The ways by which the person may log in, beside name and password."""
    return ways_page(request)


def ways_page(
    request: PortalRequest,
    *,
    unified_form: OwnPasswordForm | None = None,
    certificate_form: OwnPasswordForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page again, with the form that was refused."""
    user = request.user
    shown = request.certificate
    own = ClientCertificate.objects.visible_to(user)
    context: dict[str, Any] = {
        "identities": UnifiedIdentity.objects.visible_to(user),
        "unified_form": unified_form or OwnPasswordForm(user=user, prefix="unified"),
        "unified_login": settings.UNIFIED_LOGIN,
        "certificates": own,
        "certificates_on": bool(settings.CLIENT_CERT_PROXY_SECRET),
        "certificate_form": certificate_form or OwnPasswordForm(user=user, prefix="certificate"),
        "shown": shown,
        "shown_is_own": shown is not None and own.filter(digest=shown.digest).exists(),
        "fault": request.certificate_fault,
    }
    return render(request, "accounts/ways.html", context, status=status)


@sensitive_post_parameters("unified-password")
@require_POST
def unified_link(request: PortalRequest) -> HttpResponse:
    """Ask the password once more, then send the person to the provider."""
    _on()
    form = OwnPasswordForm(request.POST, user=request.user, prefix="unified")
    if not form.is_valid():
        return ways_page(request, unified_form=form, status=422)
    request.session[_LINK_UNTIL] = time.time() + _LINK_SECONDS
    return redirect("accounts:unified_login")


@require_POST
def unified_unlink(request: PortalRequest, way_id: int) -> HttpResponse:
    """End one's own binding."""
    way = get_object_or_404(UnifiedIdentity.objects.visible_to(request.user), pk=way_id)
    actions.unlink_identity(way=way, by=request.user)
    messages.success(request, "已解除统一身份认证绑定。")
    return redirect("accounts:ways")
