"""Pictures: they decode, are not too large to decode, and nothing hangs on to their end."""

import io
import re
import zipfile
from typing import Final

from PIL import Image, ImageFile

PIXELS: Final = 80_000_000  # A3 at 600 dpi has 70 million
_TAIL: Final = 64  # bytes that careless programs leave behind a picture
_SAMSUNG_TAIL: Final = 64 * 1024  # notes that such telephones put behind a photograph

_TOO_LARGE = f"图片超过 {PIXELS // 10_000} 万像素；请降低扫描或拍摄的分辨率后再传。"
_BROKEN = "图片已损坏，无法打开；请重新扫描、拍摄或另存后再传。"
_TRAILING = "图片末尾附有其他内容（例如动态照片的视频）；请截图或用看图程序另存后再传。"

_PNG_HEAD: Final = 8
# Within the coded picture FF 00 is a byte FF, FF D0 to FF D7 restart the coder.
_NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

Image.preinit()  # loads the decoders here: a child process imports nothing


def png_problem(content: bytes) -> str:
    """See `contents.problem`."""
    return _decoded("PNG", content) or _tail_problem(content, content[_png_end(content) :])


def jpeg_problem(content: bytes) -> str:
    """See `contents.problem`. Telephones put further pictures (brightness, depth) behind the first;
    those are pictures too."""
    if problem := _decoded("JPEG", content):
        return problem
    rest = content[_jpeg_end(content) :].lstrip(b"\0")
    while rest.startswith(b"\xff\xd8\xff"):
        rest = rest[_jpeg_end(rest) :].lstrip(b"\0")
    if rest.endswith(b"SEFT") and len(rest) <= _SAMSUNG_TAIL:
        rest = b""
    return _tail_problem(content, rest)


def _decoded(kind: str, content: bytes) -> str:
    # In the child only: our own limit is told in our words, and half a picture is none, although
    # WeasyPrint tells Pillow otherwise.
    Image.MAX_IMAGE_PIXELS = None
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with Image.open(io.BytesIO(content), formats=[kind]) as picture:
            if picture.width * picture.height > PIXELS:
                return _TOO_LARGE
            picture.load()
    except (OSError, ValueError, SyntaxError, EOFError):
        return _BROKEN
    return ""


def _tail_problem(content: bytes, tail: bytes) -> str:
    if len(tail) > _TAIL or zipfile.is_zipfile(io.BytesIO(content)):
        return _TRAILING
    return ""


def _png_end(content: bytes) -> int:
    """Where the chunk IEND ends; the whole length where there is none (such a file loads too)."""
    place = _PNG_HEAD
    while place + 12 <= len(content):
        length = int.from_bytes(content[place : place + 4])
        ends = content[place + 4 : place + 8] == b"IEND"
        place += 12 + length
        if ends:
            return place
    return len(content)


def _jpeg_end(content: bytes) -> int:
    """Where the first picture of `content` ends (EOI), walking its segments; ITU-T T.81, B.1."""
    place = 2
    while found := _NEXT_MARKER.search(content, place):
        kind, place = found[0][1:], found.end()
        if kind == b"\xd9":
            return place
        if kind != b"\x01":  # TEM has no length, every other segment here has
            place += int.from_bytes(content[place : place + 2])
    return len(content)
