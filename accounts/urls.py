from django.urls import path

from accounts.views import (
    LoginView,
    applications,
    joining,
    logout,
    manage,
    password_change,
    powers,
    registration,
    sessions,
    unified,
)

app_name = "accounts"
urlpatterns = [
    path("", manage.account_list, name="list"),
    path("new/", manage.account_create, name="create"),
    path("<int:user_id>/password/", manage.password_reset, name="password_reset"),
    path("<int:user_id>/active/", manage.set_active, name="set_active"),
    path("<int:user_id>/ways/end/", manage.ways_end, name="ways_end"),
    path("<int:user_id>/invitation/withdraw/", manage.withdraw, name="invitation_withdraw"),
    path("join/", joining.join, name="join"),
    path("<int:user_id>/unlock/", manage.unlock, name="unlock"),
    path("apply/", registration.apply, name="apply"),
    path("apply/done/", registration.apply_done, name="apply_done"),
    path("apply/status/", registration.apply_status, name="apply_status"),
    path("registrations/", applications.registration_list, name="registration_list"),
    path("registrations/<int:pk>/", applications.registration_detail, name="registration_detail"),
    path(
        "registrations/<int:pk>/proof/",
        applications.registration_proof,
        name="registration_proof",
    ),
    path(
        "registrations/<int:pk>/approve/",
        applications.registration_approve,
        name="registration_approve",
    ),
    path(
        "registrations/<int:pk>/refuse/",
        applications.registration_refuse,
        name="registration_refuse",
    ),
    path(
        "registrations/<int:pk>/pass-on/",
        applications.registration_pass_on,
        name="registration_pass_on",
    ),
    path("powers/", powers.powers, name="powers"),
    path("login/", LoginView.as_view(), name="login"),
    path("logout/", logout, name="logout"),
    path("ways/", unified.ways, name="ways"),
    path("ways/unified/", unified.unified_link, name="unified_link"),
    path("ways/unified/<int:way_id>/end/", unified.unified_unlink, name="unified_unlink"),
    path("unified/", unified.unified_login, name="unified_login"),
    path("unified/callback/", unified.unified_callback, name="unified_callback"),
    path("logins/", sessions.own, name="sessions"),
    path("logins/<int:pk>/end/", sessions.end_one, name="session_end"),
    path("logins/end-others/", sessions.end_others, name="session_end_others"),
    path("password/", password_change, name="password_change"),
]
