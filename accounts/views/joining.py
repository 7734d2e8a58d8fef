"""Where an invitation is taken up: first its code, then one's name and password.

The code travels in the body of a POST and in the form that answers it, never in an address: a link
carries it behind the #, which the browser keeps to itself. To open an invitation changes nothing.
"""

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.messages import success
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import actions
from accounts.forms import CodeForm, JoinForm
from accounts.models import Invitation
from accounts.policy import policy
from emailsec.lib.pace import hit, hits

_MISSES = "join"
_BACKEND = "django.contrib.auth.backends.ModelBackend"


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """Ask for a code; answer a good one with the form that takes the account into use."""
    form = CodeForm(request.POST if request.method == "POST" else None)
    limits = policy().invitation
    if hits(_MISSES, request) >= limits.misses:
        context = {"form": form, "busy": limits.miss_minutes}
        return render(request, "accounts/join_code.html", context, status=429)
    if request.method == "GET":
        return render(request, "accounts/join_code.html", {"form": form})
    if not form.is_valid():
        return render(request, "accounts/join_code.html", {"form": form}, status=422)
    invitation = actions.open_invitation(form.cleaned_data["code"])
    if invitation is None:
        hit(_MISSES, request, seconds=60 * limits.miss_minutes)
        actions.note_miss()
        return _no_such(request, form)
    return _take_up(request, form, invitation)


def _no_such(request: HttpRequest, form: CodeForm) -> HttpResponse:
    form.add_error("code", actions.NO_SUCH_CODE)
    return render(request, "accounts/join_code.html", {"form": form}, status=422)


def _take_up(request: HttpRequest, opened: CodeForm, invitation: Invitation) -> HttpResponse:
    asked = "new_password1" in request.POST
    form = JoinForm(invitation.user, request.POST if asked else None)
    if asked and form.is_valid():
        try:
            user = actions.join(form, invitation=invitation)
        except actions.Refused:
            return _no_such(request, opened)
        request.login_way = "邀请码"  # type: ignore[attr-defined]  # told by accounts.signals
        login(request, user, backend=_BACKEND)
        success(request, f"账号已启用。以后登录用的用户名是“{user.username}”，请记下。")
        return redirect("dashboards:home")
    context = {
        "form": form,
        "invitation": invitation,
        "seats": actions.seats_offered(invitation.user),
        "code": opened.cleaned_data["code"],
    }
    return render(request, "accounts/join.html", context, status=422 if asked else 200)
