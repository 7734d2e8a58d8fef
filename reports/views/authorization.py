"""《远程检测授权书》 as PDF, to be printed, signed and sealed."""

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.requests import PortalRequest
from reports.letters import issue_letter
from reports.mapping import Incomplete
from reports.views.shared import download
from scans.models import Authorization


@require_POST
def authorization_letter(request: PortalRequest, authorization_id: int) -> HttpResponseBase:
    """Print the letter; the first press puts it into the register, later ones return it."""
    rows = Authorization.objects.visible_to(request.user).select_related("system__unit")
    letter = get_object_or_404(rows, pk=authorization_id)
    try:
        document = issue_letter(letter, by=request.user)
    except Incomplete as error:
        messages.error(request, str(error))
        return redirect("scans:authorization_detail", letter.pk)
    return download(request, document)
