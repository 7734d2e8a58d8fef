"""The public page that answers for a paper: is it ours, is this file the one we registered."""

import hashlib
from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from emailsec.lib.pace import hit
from emailsec.lib.uploads import Upload
from reports.forms import VerifyForm
from reports.register import find, normal_code

# Questions per address and minute: enough for a post room, too few to guess codes.
LIMIT: Final = 30
TEMPLATE: Final = "reports/verify.html"


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def verify(request: HttpRequest, code: str = "") -> HttpResponse:
    """Say what the register knows of a code, without any content of the document."""
    if (code or request.method == "POST") and hit("verify", request, seconds=60) > LIMIT:
        return render(request, TEMPLATE, {"form": VerifyForm(), "busy": True}, status=429)
    sent = request.method == "POST"
    form = VerifyForm(
        request.POST if sent else None, request.FILES if sent else None, initial={"code": code}
    )
    matches = None
    if sent:
        if not form.is_valid():
            return render(request, TEMPLATE, {"form": form}, status=422)
        code = normal_code(form.cleaned_data["code"])
        if not form.cleaned_data["file"]:
            return redirect("reports:verify", code or "-")
    document = find(code) if code else None
    if document is not None and form.is_bound:
        matches = _digest(form.cleaned_data["file"]) == document.sha256
    context = {"form": form, "asked": code, "document": document, "matches": matches}
    missing = bool(code) and document is None
    return render(request, TEMPLATE, context, status=404 if missing else 200)


def _digest(file: Upload) -> str:
    digest = hashlib.sha256()
    for block in file.chunks():
        digest.update(block)
    return digest.hexdigest()
