from django.urls import path

from assessments.views import campaigns, evidence, fill, review, sign, summary, urge

app_name = "assessments"
urlpatterns = [
    path("campaigns/", campaigns.campaign_list, name="campaign_list"),
    path("campaigns/new/", campaigns.campaign_create, name="campaign_create"),
    path("campaigns/<int:pk>/", campaigns.campaign_detail, name="campaign_detail"),
    path("campaigns/<int:pk>/publish/", campaigns.campaign_publish, name="campaign_publish"),
    path("campaigns/<int:pk>/edit/", campaigns.campaign_edit, name="campaign_edit"),
    path("campaigns/<int:pk>/deadline/", campaigns.campaign_deadline, name="campaign_deadline"),
    path("campaigns/<int:pk>/close/", campaigns.campaign_close, name="campaign_close"),
    path("campaigns/<int:pk>/archive/", campaigns.campaign_archive, name="campaign_archive"),
    path("units/<int:unit_id>/", campaigns.unit_selfchecks, name="unit_selfchecks"),
    path("urge/", urge.urge_list, name="urge_list"),
    path("<int:pk>/call/", urge.call, name="call"),
    path("<int:pk>/", fill.selfcheck_detail, name="selfcheck_detail"),
    path("<int:pk>/sheets/<int:sheet_id>/<slug:code>/", fill.section, name="section"),
    path("sheets/<int:sheet_id>/answers/", fill.answer_save, name="answer_save"),
    path(
        "sheets/<int:sheet_id>/evidence/<slug:code>/",
        evidence.evidence_upload,
        name="evidence_upload",
    ),
    path("evidence/<int:pk>/", evidence.evidence_file, name="evidence_file"),
    path("evidence/<int:pk>/remove/", evidence.evidence_remove, name="evidence_remove"),
    path("doubts/<int:pk>/explain/", summary.explain, name="explain"),
    path("<int:pk>/summary/", summary.summary, name="summary"),
    path("<int:pk>/submit/", sign.submit, name="submit"),
    path("<int:pk>/withdraw/", sign.withdraw, name="withdraw"),
    path("<int:pk>/sign/", sign.sign, name="sign"),
    path("<int:pk>/sign-stamped/", sign.sign_stamped, name="sign_stamped"),
    path("<int:pk>/refuse/", sign.refuse, name="refuse"),
    path("signoffs/<int:pk>/", sign.signoff_file, name="signoff_file"),
    path("<int:pk>/review/", review.review, name="review"),
    path("sheets/<int:sheet_id>/remarks/<slug:code>/", review.remark, name="remark"),
    path("remarks/<int:pk>/reply/", summary.remark_reply, name="remark_reply"),
    path("remarks/<int:pk>/drop/", review.remark_drop, name="remark_drop"),
    path("doubts/<int:pk>/decide/", review.decide, name="decide"),
    path("<int:pk>/return/", review.return_to_unit, name="return"),
    path("<int:pk>/accept/", review.accept, name="accept"),
]
