from django.urls import path

from dashboards.views import home, people, workbooks

app_name = "dashboards"
urlpatterns = [
    path("", home.home, name="home"),
    path("people/", people.people, name="people"),
    path("people/<int:user_id>/leave/", people.leave, name="leave"),
    path("units/<int:unit_id>/people/", people.unit_people, name="unit_people"),
    path("handovers/<int:handover_id>/", people.handover, name="handover"),
    path("overview/units.xlsx", workbooks.units, name="units_export"),
    path("overview/systems.xlsx", workbooks.systems, name="systems_export"),
    path(
        "overview/campaigns/<int:campaign_id>/selfchecks.xlsx",
        workbooks.selfchecks,
        name="selfchecks_export",
    ),
    path("overview/findings.xlsx", workbooks.findings, name="findings_export"),
    path("overview/notices.xlsx", workbooks.notices, name="notices_export"),
    path("overview/summary.xlsx", workbooks.whole, name="summary_export"),
]
