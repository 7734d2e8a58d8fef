"""Check uploaded files: size, kind by name, and kind by content must agree.

Allowed kinds: pdf png jpg docx xlsx ofd. The content decides: a renamed executable is refused
whatever its name says.
"""

import hashlib
import io
import unicodedata
import uuid
import zipfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from emailsec.lib import contents
from emailsec.lib.classified import ADVICE, is_marked

if TYPE_CHECKING:
    Upload = UploadedFile[Any]
else:
    # Generic in the stubs only.
    Upload = UploadedFile

ALLOWED: Final = ("pdf", "png", "jpg", "docx", "xlsx", "ofd")
CONTENT_TYPES: Final = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ofd": "application/ofd",
}
_ALLOWED_TEXT = "pdf、png、jpg、docx、xlsx、ofd"
# A member that marks the office container formats; OFD by GB/T 33190.
_ZIP_MARKERS: Final = {
    "docx": "word/document.xml",
    "xlsx": "xl/workbook.xml",
    "ofd": "OFD.xml",
}
NAME_LENGTH: Final = 120


@dataclass(frozen=True)
class CheckedFile:
    """What is kept of an accepted upload.

    Attributes:
        name: file name without any path, at most NAME_LENGTH characters.
        kind: one of ALLOWED.
        size: bytes.
        sha256: hex digest of the content.
    """

    name: str
    kind: str
    size: int
    sha256: str


def _zip_kind(stream: IO[bytes]) -> str:
    try:
        with zipfile.ZipFile(stream) as archive:
            names = {m.filename for m in archive.infolist()}
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return ""
    return next((kind for kind, marker in _ZIP_MARKERS.items() if marker in names), "")


def content_kind(stream: IO[bytes]) -> str:
    """Return the kind told by the content, or "" where it is none of the allowed ones."""
    stream.seek(0)
    head = stream.read(1024)
    stream.seek(0)
    if head.startswith(b"%PDF-"):
        return "pdf"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if head.startswith(b"PK\x03\x04"):
        kind = _zip_kind(stream)
        stream.seek(0)
        return kind
    return ""


def clean_name(raw: str) -> str:
    """Return a file name without path, control or bidi characters; one longer than NAME_LENGTH is
    shortened in its middle, so that beginning and end still tell it from others."""
    name = raw.replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(c for c in name if unicodedata.category(c) not in {"Cc", "Cf"}).strip(". ")
    if len(name) <= NAME_LENGTH:
        return name
    head = NAME_LENGTH * 2 // 3
    return f"{name[:head]}…{name[head + 1 - NAME_LENGTH :]}"


def suffix_of(name: str) -> str:
    """The kind that a name claims, in small letters; "" without a suffix, "jpg" for jpeg."""
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    return "jpg" if suffix == "jpeg" else suffix


def stored_path(folder: str, key: object, name: str) -> str:
    """Return a random path for a file below MEDIA_ROOT; nothing of its own name enters it.

    Args:
        folder, key: where its kind and its owner keep theirs.
        name: only its suffix is looked at, and only where it is one of ALLOWED.
    """
    suffix = suffix_of(name)
    return f"{folder}/{key}/{uuid.uuid4().hex}.{suffix if suffix in ALLOWED else 'bin'}"


def already_there(place: str, name: str) -> str:
    """The sentence for a file whose content stands there already.

    Args:
        place: where, as 本题.
        name: the name of the file that is there.
    """
    return f"{place}已有内容相同的文件“{name}”，不必重复上传。"


def check_upload(file: Upload, *, kinds: tuple[str, ...] = ALLOWED) -> CheckedFile:
    """Check one upload and return what is kept of it.

    Args:
        file: the uploaded file; left at position 0.
        kinds: the kinds wanted here, a subset of ALLOWED.

    Raises:
        ValidationError: Chinese text for the field: too large, empty, a kind that is not allowed,
            or content that is not what the name says.
    """
    name = clean_name(file.name or "")
    if is_marked(name, name=True):
        raise ValidationError(f"文件名中的{ADVICE}")
    suffix = suffix_of(name)
    wanted = "、".join(kinds) if kinds != ALLOWED else _ALLOWED_TEXT
    limit = settings.UPLOAD_MAX_BYTES
    size = file.size or 0
    if size == 0:
        raise ValidationError("文件是空的，请检查后重新选择。")
    if size > limit:
        raise ValidationError(
            f"文件大小为 {size / 1048576:.1f} MB，超过 {limit // 1048576} MB 的上限；"
            "请压缩图片或拆分后再传。"
        )
    if suffix not in kinds:
        raise ValidationError(f"不接受此类文件；请上传 {wanted} 文件。")
    stream = file.file or io.BytesIO()
    kind = content_kind(stream)
    if kind != suffix:
        raise ValidationError(
            f"文件内容与扩展名“.{suffix}”不符；请用原程序另存为 {wanted} 后再传，不要只改文件名。"
        )
    stream.seek(0)
    content = stream.read()
    stream.seek(0)
    if problem := contents.problem(kind, content):
        raise ValidationError(problem)
    digest = hashlib.sha256(content).hexdigest()
    return CheckedFile(name=name, kind=kind, size=size, sha256=digest)
