from django.urls import path

from inbox import views

app_name = "inbox"
urlpatterns = [
    path("", views.message_list, name="list"),
    path("<int:message_id>/", views.read, name="read"),
    path("read-all/", views.read_all, name="read_all"),
]
