"""The frame's pages alone, so that the look can be tested before and apart from the apps."""

from django.contrib.auth.decorators import login_not_required
from django.shortcuts import render
from django.urls import include, path

from emailsec import views
from emailsec.urls import urlpatterns as portal_urls


@login_not_required
def crash(request):
    raise RuntimeError("on purpose")


@login_not_required
def lockout(request):
    return render(request, "accounts/lockout.html", {"minutes": 15})


handler404 = views.not_found
handler500 = views.server_error
urlpatterns = [
    path("look/gallery/", views.gallery),
    path("look/crash/", crash),
    path("look/lockout/", lockout),
    path("", include(portal_urls)),
]
