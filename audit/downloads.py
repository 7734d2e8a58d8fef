"""The only way a file leaves the portal: as an attachment, with its event on the trail."""

import hashlib
import logging
from typing import Final

from django.db import transaction
from django.db.models import Model
from django.db.models.fields.files import FieldFile
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.http import content_disposition_header

from audit.taken import counted, note_taken
from audit.trail import Actor, record
from emailsec.lib.uploads import CONTENT_TYPES, suffix_of
from emailsec.lib.vault import Unreadable

log = logging.getLogger(__name__)
_OTHER: Final = "application/octet-stream"


def attachment(content: bytes, name: str, *, inline: bool = False) -> HttpResponse:
    """A file as an answer that no browser runs, guesses about or keeps.

    Args:
        content: the whole file.
        name: its name for the reader; the suffix tells the content type.
        inline: shown by the browser's own reader; only for what the portal itself has typeset.
    """
    kind = CONTENT_TYPES.get(suffix_of(name), _OTHER)
    answer = HttpResponse(content, content_type=kind)
    answer["Content-Disposition"] = content_disposition_header(not inline, name) or "attachment"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "no-store"
    if not inline:
        answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def hand_out(
    file: FieldFile, row: Model, action: str, *, by: Actor, name: str, sha256: str
) -> HttpResponse:
    """A stored file as a download, recorded; the caller has checked scope and power.

    Args:
        file: the file as it is stored.
        row: what it belongs to, for the event; its `unit` for the export log.
        action: slug of the event, e.g. "evidence.download".
        by: who takes it.
        name: its name for the reader.
        sha256: digest at the time it came in. What stands there now must still be that file.

    Returns:
        The attachment, or a page (503) that says that the file cannot be read; that is recorded as
        failed, and its reason stands in the log for the system administrator.
    """
    try:
        with file.open("rb") as stream:
            content: bytes = stream.read()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise Unreadable("存储的文件与登记的摘要不符")
    except (FileNotFoundError, Unreadable) as problem:
        reason = str(problem) if isinstance(problem, Unreadable) else "存储的文件不在原处"
        log.error("stored file unreadable file=%s reason=%s", file.name, reason)
        record(action, row, by=by, details={"sha256": sha256, "reason": reason}, result="failed")
        return HttpResponse(render_to_string("503_file.html", {"name": name}), status=503)
    once, told = counted([unit] if (unit := getattr(row, "unit", None)) else [])
    with transaction.atomic():
        event = record(action, row, by=by, details={"sha256": sha256} | told)
        note_taken(event, once)
    return attachment(content, name)
