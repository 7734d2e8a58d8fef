from django.urls import path

from accounts.views import (
    LoginView,
    joining,
    logout,
    manage,
    password_change,
    powers,
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
