"""《远程检测授权书》 as PDF, to be printed, signed and sealed."""

from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET

from accounts.requests import PortalRequest
from emailsec.lib.uploads import clean_name
from reports.letters import issue_letter
from reports.mapping import Incomplete
from scans.models import Authorization


@require_GET
def authorization_letter(request: PortalRequest, authorization_id: int) -> HttpResponseBase:
    rows = Authorization.objects.visible_to(request.user).select_related("system__unit")
    letter = get_object_or_404(rows, pk=authorization_id)
    try:
        document = issue_letter(letter, by=request.user)
    except Incomplete as error:
        messages.error(request, str(error))
        response: HttpResponse = redirect("scans:authorization_detail", letter.pk)
        return response
    return FileResponse(
        document.file.open("rb"),
        as_attachment=True,
        filename=clean_name(f"{document.title}.pdf"),
        content_type="application/pdf",
    )
