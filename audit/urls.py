from django.urls import path

from audit import views, views_taken

app_name = "audit"
urlpatterns = [
    path("", views.event_list, name="list"),
    path("<int:event_id>/", views.event_detail, name="detail"),
    path("chain/", views.chain, name="chain"),
    path("chain/verify/", views.verify, name="verify"),
    path("export/", views.event_export, name="export"),
    path("taken/", views_taken.taken_list, name="taken"),
    path("taken/export/", views_taken.taken_export, name="taken_export"),
]
