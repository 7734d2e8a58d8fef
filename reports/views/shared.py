"""What the views of the register share."""

from django.db import transaction
from django.http import FileResponse

from accounts.requests import PortalRequest
from audit.trail import record
from emailsec.lib.uploads import clean_name
from reports.models import Document


def download(request: PortalRequest, document: Document) -> FileResponse:
    """Return the document as a download and record that it was taken."""
    file = document.file.open("rb")
    with transaction.atomic():
        record("document.download", document, by=request.user, details={"sha256": document.sha256})
    revision = f"（第{document.revision}版）" if document.revision > 1 else ""
    name = clean_name(f"{document.title}{revision}.pdf")
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/pdf")
