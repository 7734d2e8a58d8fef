"""The register: a rendered paper becomes a frozen file with a number of pages, a digest and a code
by which anyone who holds the paper can verify it."""

import hashlib
import io
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.conf import settings
from django.core.files.base import ContentFile
from django.urls import reverse
from pypdf import PdfReader

from accounts.models import User
from emailsec.lib import readable
from inventory.models import Unit
from reports.models import Document
from reports.paper.contexts import Verification

# Without 0 O 1 I L U, so that a code can be read over the telephone. Twelve of 30 characters: about
# 59 bits, not to be guessed.
ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUPS, _GROUP = 3, 4


def new_verification() -> Verification:
    """Return a fresh code, `7F3K-92QM-4TXB`, with the address that answers it."""
    return verification_of(readable.new_code(_GROUPS, _GROUP, ALPHABET))


def verification_of(code: str) -> Verification:
    """Return the verification that prints `code`."""
    path = reverse("reports:verify", args=[code])
    return Verification(code=code, url=f"{settings.PUBLIC_URL.rstrip('/')}{path}")


def normal_code(typed: str) -> str:
    """Return a typed code in the form in which it is stored; what is no code stays as it is."""
    return readable.grouped(typed, _GROUP)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the register says of a document beside its file.

    Attributes:
        issuer: who signs: the office, or the unit.
        issued_on: the date below the signature.
        more: further columns of Document (notice, selfcheck, authorization, content, revision …).
    """

    kind: str
    unit: Unit
    number: str
    issuer: str
    issued_on: date
    verification: Verification
    more: dict[str, Any]


def keep(pdf: bytes, title: str, entry: Entry, *, by: User | None) -> Document:
    """Keep a rendered document; call inside the transaction of the act.

    Args:
        pdf: the file, rendered before the transaction began (it may take seconds).
        title: the title in the file's metadata.

    Raises:
        IntegrityError: a constraint of the register, e.g. a notice frozen twice; the file is then
            removed again.
    """
    document = Document(
        kind=entry.kind,
        unit=entry.unit,
        title=title[:200],
        number=entry.number,
        issuer=entry.issuer,
        issued_on=entry.issued_on,
        verification_code=entry.verification.code,
        sha256=hashlib.sha256(pdf).hexdigest(),
        pages=len(PdfReader(io.BytesIO(pdf)).pages),
        made_by=by,
        **entry.more,
    )
    document.file.save("document.pdf", ContentFile(pdf), save=False)
    assert document.file.name
    try:
        document.save()
    except Exception:
        document.file.storage.delete(document.file.name)
        raise
    return document


def find(code: str) -> Document | None:
    """Return the document of a printed code. The only look-up without a scope: it serves the
    public page, which shows no content."""
    rows = Document.objects.select_related("notice", "authorization")
    document: Document | None = rows.filter(verification_code=normal_code(code)).first()
    return document
