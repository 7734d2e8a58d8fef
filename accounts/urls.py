from django.urls import path

from accounts.views import LoginView, logout, manage, password_change, powers

app_name = "accounts"
urlpatterns = [
    path("", manage.account_list, name="list"),
    path("new/", manage.account_create, name="create"),
    path("<int:user_id>/password/", manage.password_reset, name="password_reset"),
    path("<int:user_id>/active/", manage.set_active, name="set_active"),
    path("powers/", powers.powers, name="powers"),
    path("login/", LoginView.as_view(), name="login"),
    path("logout/", logout, name="logout"),
    path("password/", password_change, name="password_change"),
]
