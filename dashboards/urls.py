from django.urls import path

from dashboards.views import home, lists

app_name = "dashboards"
urlpatterns = [
    path("", home.home, name="home"),
    path("overview/units/", lists.units, name="units"),
    path("overview/systems/", lists.systems, name="systems"),
    path("overview/findings/", lists.findings, name="findings"),
    path("overview/units.xlsx", lists.units_export, name="units_export"),
    path("overview/systems.xlsx", lists.systems_export, name="systems_export"),
    path("overview/findings.xlsx", lists.findings_export, name="findings_export"),
    path("overview/summary.xlsx", lists.summary_export, name="summary_export"),
]
