from django.urls import path

from rectification.views import findings, notices, rechecks, replies

app_name = "rectification"
urlpatterns = [
    path("confirm/<int:selfcheck_id>/", findings.confirm, name="confirm"),
    path("findings/", findings.finding_list, name="finding_list"),
    path("findings/<int:pk>/", findings.finding_detail, name="finding_detail"),
    path("findings/<int:pk>/false-alarm/", findings.false_alarm, name="false_alarm"),
    path("findings/<int:pk>/transfer/", findings.transfer, name="transfer"),
    path("findings/<int:pk>/rechecks/", rechecks.finding_rechecks, name="finding_rechecks"),
    path("findings/<int:pk>/rescan/", rechecks.finding_rescan, name="finding_rescan"),
    path("findings/<int:pk>/recheck/", rechecks.record_recheck, name="recheck"),
    path("findings/<int:pk>/close/", rechecks.close, name="close"),
    path("findings/<int:pk>/fail/", findings.fail, name="fail"),
    path("findings/<int:pk>/reopen/", findings.reopen, name="reopen"),
    path("notices/", notices.notice_list, name="notice_list"),
    path("units/<int:unit_id>/notices/new/", notices.notice_create, name="notice_create"),
    path("notices/<int:pk>/", notices.notice_detail, name="notice_detail"),
    path("notices/<int:pk>/check/", notices.check, name="check"),
    path("notices/<int:pk>/approve/", notices.approve, name="approve"),
    path("notices/<int:pk>/edit/", notices.notice_edit, name="notice_edit"),
    path("notices/<int:pk>/withdraw/", notices.withdraw, name="withdraw"),
    path("notices/<int:pk>/send-back/", notices.send_back, name="send_back"),
    path("notices/<int:pk>/void/", notices.void, name="void"),
    path("notices/<int:pk>/revoke/", notices.revoke, name="revoke"),
    path("notices/<int:pk>/serve/", notices.serve, name="serve"),
    path("notices/<int:pk>/sign/", notices.sign, name="sign"),
    path("notices/<int:pk>/refuse/", notices.refuse, name="refuse"),
    path("notices/<int:pk>/scans/<slug:kind>/", notices.scan_upload, name="scan_upload"),
    path("scans/<int:pk>/", notices.scan_file, name="scan_file"),
    path("notices/<int:notice_id>/reply/", replies.reply, name="reply"),
    path("evidence/<int:pk>/", replies.evidence_file, name="evidence_file"),
    path("notices/<int:pk>/extensions/", replies.extension_ask, name="extension_ask"),
    path("extensions/<int:pk>/decide/", replies.extension_decide, name="extension_decide"),
    path("notices/<int:pk>/rechecks/", rechecks.notice_rechecks, name="notice_rechecks"),
    path("notices/<int:pk>/rescan/", rechecks.notice_rescan, name="notice_rescan"),
]
