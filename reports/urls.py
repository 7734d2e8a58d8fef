from django.urls import URLPattern, URLResolver, path

from reports.views import authorization, destruction, documents, exports, invitation, verify

app_name = "reports"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", documents.register, name="register"),
    path("<int:document_id>/file/", documents.document_file, name="document_file"),
    path("selfchecks/<int:selfcheck_id>/print/", documents.selfcheck_print, name="selfcheck_print"),
    path(
        "authorizations/<int:authorization_id>/letter/",
        authorization.authorization_letter,
        name="authorization_letter",
    ),
    path("notices/<int:notice_id>/preview/", documents.notice_preview, name="notice_preview"),
    path("notices/<int:notice_id>/report/", documents.report_issue, name="report_issue"),
    path("units/<int:unit_id>/invitation/", invitation.invitation, name="invitation"),
    path(
        "units/<int:unit_id>/invitation/withdraw/",
        invitation.withdraw,
        name="invitation_withdraw",
    ),
    path("exports/register.xlsx", exports.register_export, name="register_export"),
    path("exports/urge.xlsx", exports.urge_export, name="urge_export"),
    path("destructions/", destruction.destruction_list, name="destruction_list"),
    path("destructions/propose/", destruction.destruction_propose, name="destruction_propose"),
    path("destructions/<int:pk>/", destruction.destruction_detail, name="destruction_detail"),
    path(
        "destructions/<int:pk>/decide/", destruction.destruction_decide, name="destruction_decide"
    ),
    path("verify/", verify.verify, name="verify_form"),
    path("verify/<str:code>/", verify.verify, name="verify"),
]
