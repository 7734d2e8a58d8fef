"""The accounts of others, for the 系统管理员. Nothing of the business appears here."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import actions
from accounts.filters import AccountFilter
from accounts.forms import AccountForm
from accounts.models import User
from accounts.requests import PortalRequest
from accounts.roles import Role
from emailsec.lib.http import ours
from emailsec.lib.qr import qr_path

PAGE = 50
_WAITS = "其角色待安全管理员重新确认，确认前看不到业务。"


def _may_manage(request: PortalRequest) -> None:
    if not request.user.can("account.manage"):
        raise PermissionDenied("账号由系统管理员管理。")


@require_GET
def account_list(request: PortalRequest) -> HttpResponse:
    _may_manage(request)
    rows = User.objects.visible_to(request.user).with_standing()
    found = AccountFilter(request.GET, rows)
    page = Paginator(found.qs, PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/account_list.html", {"filter": found, "page": page})


@require_http_methods(["GET", "POST"])
def account_create(request: PortalRequest) -> HttpResponse:
    _may_manage(request)
    form = AccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            issued = actions.open_account(
                username=data["username"],
                name=data["name"],
                phone=data["phone"],
                role=Role(data["role"]),
                unit=data["unit"],
                office=data["office"],
                reason=data["reason"],
                by=request.user,
            )
        except actions.Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return _tell_once(request, issued)
    return render(request, "accounts/account_create.html", {"form": form})


@require_POST
def password_reset(request: PortalRequest, user_id: int) -> HttpResponse:
    _may_manage(request)
    user = get_object_or_404(User.objects.visible_to(request.user), pk=user_id)
    try:
        issued = actions.reset_access(user=user, by=request.user)
    except actions.Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("accounts:list")
    return _tell_once(request, issued)


def _tell_once(request: PortalRequest, issued: actions.Invited) -> HttpResponse:
    """Show the code in this answer only: no redirect, no session, no message."""
    side, path = qr_path(issued.link)
    context = {"issued": issued, "qr_side": side, "qr_path": path}
    return render(request, "accounts/account_invited.html", context)


def _act(request: PortalRequest, user_id: int, act: Callable[[User], str]) -> HttpResponse:
    """Do something to somebody's account; the page with the button, or the list, then says what
    `act` returns, or why not."""
    _may_manage(request)
    user = get_object_or_404(User.objects.visible_to(request.user), pk=user_id)
    try:
        done = act(user)
    except actions.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    back = request.POST.get("back", "")
    return redirect(ours(request, back, otherwise=resolve_url("accounts:list")))


@require_POST
def withdraw(request: PortalRequest, user_id: int) -> HttpResponse:
    def act(user: User) -> str:
        actions.withdraw_invitation(user=user, by=request.user)
        return f"给“{user.username}”的邀请已收回，链接和邀请码不再有效。"

    return _act(request, user_id, act)


@require_POST
def ways_end(request: PortalRequest, user_id: int) -> HttpResponse:
    def act(user: User) -> str:
        ended, waiting = actions.end_ways(user=user, by=request.user)
        done = f"已解除“{user.username}”的 {ended} 项登录绑定。"
        return done + (_WAITS if waiting else "")

    return _act(request, user_id, act)


@require_POST
def certificate_remove(request: PortalRequest, user_id: int, certificate_id: int) -> HttpResponse:
    """End one certificate of a person; their other ways in stay."""

    def act(user: User) -> str:
        certificate = get_object_or_404(user.certificates, pk=certificate_id)
        waiting = actions.remove_certificate(certificate=certificate, by=request.user)
        done = f"已移除“{user.username}”的“{certificate.name}”。"
        return done + (_WAITS if waiting else "")

    return _act(request, user_id, act)


@require_POST
def factor_reset(request: PortalRequest, user_id: int) -> HttpResponse:
    def act(user: User) -> str:
        waiting = actions.reset_second_factor(user=user, by=request.user)
        done = f"已解除“{user.username}”的二次验证，本人下次登录后重新设置。"
        return done + (_WAITS if waiting else "")

    return _act(request, user_id, act)


@require_POST
def set_active(request: PortalRequest, user_id: int) -> HttpResponse:
    active = request.POST.get("active") == "yes"

    def act(user: User) -> str:
        actions.set_active(user=user, active=active, by=request.user)
        return f"账号“{user.username}”已{'启用' if active else '停用'}。"

    return _act(request, user_id, act)


@require_POST
def unlock(request: PortalRequest, user_id: int) -> HttpResponse:
    def act(user: User) -> str:
        actions.unlock(user=user, by=request.user)
        return f"已解除账号“{user.username}”的登录锁定。"

    return _act(request, user_id, act)
