"""What the views of the register share."""

from django.http import HttpResponse

from accounts.requests import PortalRequest
from audit.downloads import hand_out
from emailsec.lib.uploads import clean_name
from reports.models import Document


def download(request: PortalRequest, document: Document) -> HttpResponse:
    """Return the document as a download and record that it was taken."""
    revision = f"（第{document.revision}版）" if document.revision > 1 else ""
    return hand_out(
        document.file,
        document,
        "document.download",
        by=request.user,
        name=clean_name(f"{document.title}{revision}.pdf"),
        sha256=document.sha256,
    )
