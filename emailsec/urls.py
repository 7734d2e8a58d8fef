from django.urls import include, path

from emailsec import views

handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.server_error

urlpatterns = [
    path("", include("dashboards.urls")),
    path("accounts/", include("accounts.urls")),
    path("audit/", include("audit.urls")),
    path("inventory/", include("inventory.urls")),
    path("inbox/", include("inbox.urls")),
    path("scans/", include("scans.urls")),
    path("selfchecks/", include("assessments.urls")),
    path("rectification/", include("rectification.urls")),
    path("documents/", include("reports.urls")),
    path(".well-known/security.txt", views.security_txt, name="security_txt"),
    path("gallery/", views.gallery),
]
