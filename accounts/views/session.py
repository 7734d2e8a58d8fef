"""Getting in and out, and one's own password."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.contrib.messages import success
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import actions
from accounts.forms import ChangePasswordForm, LoginForm
from accounts.models.sessions import SAYS
from accounts.policy import policy
from accounts.requests import PortalRequest
from accounts.sessions import current_login
from accounts.unified import ID_TOKEN, end_at_provider


@method_decorator(login_not_required, name="dispatch")
class LoginView(auth_views.LoginView):
    """Django's own log-in view (it knows open redirects and session fixation); ours by words."""

    template_name = "accounts/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the sentence that says why an earlier log-in ended, where one did."""
        over: Any = self.request.GET.get("over") or getattr(self.request, "login_over", None)
        return super().get_context_data(**kwargs) | {
            "unified_login": settings.UNIFIED_LOGIN,
            "onward": urlencode({"next": self.get_redirect_url()}),
            "over": SAYS.get(over, ""),
            "limits": policy().lockout,
        }


@require_POST
def logout(request: PortalRequest) -> HttpResponse:
    id_token = request.session.get(ID_TOKEN)
    actions.log_out(request)
    return redirect(end_at_provider(id_token) if id_token else "accounts:login")


@never_cache
@require_http_methods(["GET", "POST"])
def password_change(request: PortalRequest) -> HttpResponse:
    form = ChangePasswordForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = actions.change_password(form, by=request.user, login=current_login(request))
        update_session_auth_hash(request, user)
        success(request, "口令已修改，请牢记新口令。")
        return redirect("dashboards:home")
    forced, days = request.user.must_change_password, policy().password.max_age_days
    context = {"form": form, "forced": forced, "days": days}
    return render(request, "accounts/password_change.html", context)
