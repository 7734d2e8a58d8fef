"""Uploads and frozen documents, encrypted at rest: the default storage of every FileField.

On disk a file is one line that names the format and the key, followed by a Fernet token
(AES-128-CBC with HMAC-SHA-256, https://github.com/fernet/spec). Sizes and digests in rows are those
of the plain content. Keys come from FILE_KEYS: the first encrypts, all decrypt, so that a key
is replaced by putting a new one in front, running `manage.py rotate_file_keys` and taking the old
one out.
"""

import binascii
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage

if TYPE_CHECKING:
    Stored = File[Any]
else:
    # Generic in the stubs only.
    Stored = File

MAGIC: Final = b"emailsec-file-1 "
_NAMED: Final = 12  # hex digits that name a key
_HEAD: Final = len(MAGIC) + _NAMED + 1
UNFINISHED: Final = ".rotating"


class Unreadable(OSError):
    """A stored file that cannot be given out; the Chinese text says why, without its content."""


def key_problem(key: str) -> str:
    """What is wrong with one of FILE_KEYS, in Chinese without the key; "" when nothing is."""
    try:
        Fernet(key.encode())
    except (ValueError, binascii.Error):
        return "不是 32 字节的 URL 安全 Base64"
    return ""


@lru_cache(maxsize=4)
def _ring(keys: tuple[str, ...]) -> dict[bytes, Fernet]:
    """Name → key, in the order of FILE_KEYS. The name tells which key is missing, not the key."""
    if not keys or any(map(key_problem, keys)):
        raise Unreadable("没有可用的文件密钥，请检查 FILE_KEYS")
    return {hashlib.sha256(k.encode()).hexdigest()[:_NAMED].encode(): Fernet(k) for k in keys}


def _keys() -> dict[bytes, Fernet]:
    return _ring(tuple(settings.FILE_KEYS))


def seal(plain: bytes) -> bytes:
    """Return what stands on disk for `plain`, under the first key."""
    name, key = next(iter(_keys().items()))
    return MAGIC + name + b"\n" + key.encrypt(plain)


def unseal(stored: bytes) -> bytes:
    """Return the plain content of what stands on disk.

    Raises:
        Unreadable: not encrypted, a key that FILE_KEYS lacks, or altered on disk.
    """
    if not stored.startswith(MAGIC):
        raise Unreadable("存储的文件没有加密，请执行 manage.py rotate_file_keys")
    name = stored[len(MAGIC) : _HEAD - 1]
    key = _keys().get(name)
    if key is None:
        raise Unreadable(f"FILE_KEYS 中缺少密钥 {name.decode('ascii', 'replace')}")
    try:
        return key.decrypt(stored[_HEAD:])
    except InvalidToken:
        raise Unreadable("存储的文件已损坏或被改动") from None


class Vault(FileSystemStorage):
    """The file system under MEDIA_ROOT, sealed. Files are read and written whole: an upload is
    bounded by UPLOAD_MAX_BYTES, a document by its pages."""

    def _open(self, name: str, mode: str = "rb") -> Stored:
        if mode != "rb":
            raise ValueError("stored files are only read, or replaced by new ones")
        content: Stored = ContentFile(unseal(Path(self.path(name)).read_bytes()), name=name)
        return content

    def _save(self, name: str, content: Stored) -> str:
        content.seek(0)
        # The stubs leave this method of every storage out.
        stored: str = super()._save(name, ContentFile(seal(content.read())))  # type: ignore[misc]
        return stored

    def size(self, name: str) -> int:
        """Bytes of the plain content."""
        return len(unseal(Path(self.path(name)).read_bytes()))

    def files(self) -> Iterator[Path]:
        """Every file on disk, in a stable order; one that a killed rotation left is removed."""
        for folder, below, names in os.walk(self.base_location):
            below.sort()
            for name in sorted(names):
                path = Path(folder) / name
                if name.endswith(UNFINISHED):
                    path.unlink(missing_ok=True)
                else:
                    yield path

    def renew(self, path: Path) -> str:
        """Bring one file under the first key, in one step: a kill leaves the old or the new.

        Returns:
            "current" (nothing to do), "renewed", "sealed" (it was not encrypted) or "gone".

        Raises:
            Unreadable: as unseal().
        """
        try:
            stored = path.read_bytes()
        except FileNotFoundError:
            return "gone"
        if stored.startswith(MAGIC + next(iter(_keys())) + b"\n"):
            return "current"
        known = stored.startswith(MAGIC)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, suffix=UNFINISHED, delete=False
        ) as written:
            _replace(written, path, seal(unseal(stored) if known else stored))
        return "renewed" if known else "sealed"


def _replace(written: IO[bytes], path: Path, content: bytes) -> None:
    try:
        written.write(content)
        written.flush()
        os.fsync(written.fileno())
        # A file that was deleted meanwhile stays deleted.
        os.chmod(written.name, path.stat().st_mode)
        os.replace(written.name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(written.name)
        raise
