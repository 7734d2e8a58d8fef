"""权限一览, for the 安全管理员: which role may do what, and who holds which role. Read only."""

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.filters import AccountFilter
from accounts.models import User
from accounts.requests import PortalRequest
from accounts.roles import POWER_LABELS, POWERS, Role

PAGE = 50


@require_GET
def powers(request: PortalRequest) -> HttpResponse:
    """The table of roles and powers as the portal applies it, and the people."""
    if not request.user.can("grant.manage"):
        raise PermissionDenied("权限一览由安全管理员查阅。")
    found = AccountFilter(
        request.GET, User.objects.visible_to(request.user).filter(is_active=True).with_places()
    )
    del found.form.fields["state"]  # who is stopped holds no power
    context = {
        "roles": list(Role),
        "table": [
            (label, [(role, power in POWERS[role]) for role in Role])
            for power, label in POWER_LABELS.items()
        ],
        "filter": found,
        "page": Paginator(found.qs, PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "accounts/powers.html", context)
