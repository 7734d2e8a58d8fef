from django.urls import URLPattern, URLResolver, path

from scans.views import authorization, system

app_name = "scans"
urlpatterns: list[URLPattern | URLResolver] = [
    path("systems/<int:system_id>/", system.system_view, name="system_view"),
    path("systems/<int:system_id>/rescan/", system.rescan, name="rescan"),
    path("systems/<int:system_id>/progress/", system.progress, name="progress"),
    path("waves/<int:wave_id>/", system.wave_detail, name="wave_detail"),
    path("observations/<int:observation_id>/", system.transcript, name="transcript"),
    path(
        "systems/<int:system_id>/authorizations/new/",
        authorization.authorization_create,
        name="authorization_create",
    ),
    path(
        "authorizations/<int:authorization_id>/",
        authorization.authorization_detail,
        name="authorization_detail",
    ),
    path(
        "authorizations/<int:authorization_id>/file/",
        authorization.authorization_file,
        name="authorization_file",
    ),
    path(
        "authorizations/<int:authorization_id>/scan/",
        authorization.authorization_scan,
        name="authorization_scan",
    ),
    path(
        "authorizations/<int:authorization_id>/withdraw/",
        authorization.authorization_withdraw,
        name="authorization_withdraw",
    ),
    path(
        "authorizations/<int:authorization_id>/void/",
        authorization.authorization_void,
        name="authorization_void",
    ),
]
