"""One account: who it is, what they hold and held, and a further role asked for."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts import actions
from accounts.forms import RoleForm
from accounts.models import Grant, User
from accounts.requests import PortalRequest
from accounts.roles import Role
from emailsec.lib.http import whole


@require_safe
def detail(request: PortalRequest, user_id: int) -> HttpResponse:
    if not (request.user.can("account.manage") or request.user.can("grant.manage")):
        raise PermissionDenied("账号由系统管理员和安全管理员查阅。")
    rows = User.objects.visible_to(request.user).with_standing()
    person = get_object_or_404(rows, pk=user_id)
    grants = Grant.objects.visible_to(request.user).filter(membership__user=person).with_people()
    context = {
        "account": person,
        "grants": grants,
        "came": grants.filter(pk=whole(request.GET.get("grant", "")) or 0).first(),
        "may_list": request.user.can("account.manage"),
        "certificates": person.certificates.all(),
        "may_manage": request.user.can("account.manage") and not person.is_portal_side,
    }
    return render(request, "accounts/account_detail.html", context)


@require_http_methods(["GET", "POST"])
def role_add(request: PortalRequest, user_id: int) -> HttpResponse:
    if not request.user.can("account.manage"):
        raise PermissionDenied("任职由系统管理员申请。")
    person = get_object_or_404(User.objects.visible_to(request.user), pk=user_id)
    form = RoleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            actions.request_grant(
                user=person,
                role=Role(data["role"]),
                unit=data["unit"],
                office=data["office"],
                reason=data["reason"],
                by=request.user,
            )
        except actions.Refused as refusal:
            form.add_error("role", str(refusal))
        else:
            messages.success(request, "已提交申请，安全管理员确认后生效。")
            return redirect("accounts:detail", person.pk)
    return render(request, "accounts/role_add.html", {"account": person, "form": form})
