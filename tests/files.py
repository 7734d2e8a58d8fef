"""The smallest files that are what they say: a parser and a decoder accept them."""

import hashlib
import io
import zipfile
from collections.abc import Mapping

from PIL import Image


def pdf(words: str = "", *, catalog: str = "", before: bytes = b"", after: bytes = b"") -> bytes:
    """A one-page PDF.

    Args:
        words: ASCII, a comment inside; other words make another content.
        catalog: more entries of the document's catalog, e.g. "/OpenAction 9 0 R".
        before, after: bytes outside of what is the PDF.
    """
    objects = (
        f"<</Type/Catalog/Pages 2 0 R{catalog}>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
    )
    out = bytearray(b"%PDF-1.4\n" + (f"%{words}\n".encode() if words else b""))
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n".encode()
    table = len(out)
    out += b"xref\n0 4\n0000000000 65535 f \n"
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % table
    return before + bytes(out) + after


def image(kind: str = "png", *, size: tuple[int, int] = (8, 8), shade: int = 200) -> bytes:
    """A plain grey picture, `kind` "png" or "jpeg"."""
    out = io.BytesIO()
    Image.new("L", size, shade).save(out, kind)
    return out.getvalue()


PDF = pdf()
PNG = image()
PDF_SHA256 = hashlib.sha256(PDF).hexdigest()


_MARKERS = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml", "ofd": "OFD.xml"}


def container(kind: str = "docx", members: Mapping[str, bytes] | None = None) -> bytes:
    """A ZIP container that its marker makes a docx, xlsx or ofd, with further members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ({_MARKERS[kind]: b"<x/>"} | dict(members or {})).items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
