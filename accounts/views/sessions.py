"""我的登录: where one is logged in, and the way to end it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts import actions
from accounts.models import EndOfLogin, LoginSession
from accounts.policy import policy
from accounts.requests import PortalRequest
from accounts.sessions import current_login
from accounts.views.session import logout


@require_GET
def own(request: PortalRequest) -> HttpResponse:
    """Every live log-in of one's own, the latest act first."""
    context = {
        "logins": LoginSession.objects.visible_to(request.user).live(),
        "here": current_login(request),
        "limits": policy().session,
    }
    return render(request, "accounts/sessions.html", context)


@require_POST
def end_one(request: PortalRequest, pk: int) -> HttpResponse:
    login = get_object_or_404(LoginSession.objects.visible_to(request.user), pk=pk)
    if login.pk == current_login(request):
        return logout(request)
    actions.end_session(login=login, by=request.user)
    messages.success(request, f"已结束在“{login.browser}”的登录。")
    return redirect("accounts:sessions")


@require_POST
def end_others(request: PortalRequest) -> HttpResponse:
    count = actions.end_sessions(
        user=request.user, why=EndOfLogin.OWN, by=request.user, except_=current_login(request)
    )
    if count:
        messages.success(request, f"已结束其他 {count} 处登录。")
    else:
        messages.info(request, "没有其他登录。")
    return redirect("accounts:sessions")
