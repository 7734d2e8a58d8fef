"""docx, xlsx and ofd: ZIP containers of XML. They unpack to a bounded size, stay within themselves,
fetch nothing and run nothing."""

import io
import re
import xml.etree.ElementTree as ET
import zipfile
from typing import Final

MEMBERS: Final = 2000
UNPACKED: Final = 200 * 1024 * 1024
RATIO: Final = 200  # text of a table packs to a fiftieth
_SMALL: Final = 1024 * 1024  # bytes below which a ratio says nothing
_DEPTH: Final = 1  # a table within a report, nothing within that
_COMMENT: Final = 64

_TO_PDF = "请转为 PDF 后再传。"
_TOO_LARGE = "压缩内容过大，无法接受；请另存为较小的文件或转为 PDF。"
_MACROS = "文件含有宏，无法接受；请另存为不含宏的文件或转为 PDF。"
_BROKEN = "文件已损坏，无法打开；请用原程序重新保存后再传。"
_LOCKED = "文件设有口令；请另存为不加密的文件后再传。"
_STRANGE = f"文件的内部结构不正常；请用原程序另存，或{_TO_PDF}"
_CARRIES = f"文件内嵌了其他文件或对象；请删去后再传，或{_TO_PDF}"
_FETCHES = f"文件引用了外部内容（如模板、图片或其他工作簿）；请断开链接后再传，或{_TO_PDF}"

_NESTED: Final = (".docx", ".xlsx", ".pptx")
_ARCHIVES: Final = (b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")
_PROGRAMS: Final = (b"MZ", b"\x7fELF", b"\xd0\xcf\x11\xe0", b"#!")
_DTD: Final = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_RELATION: Final = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"


def problem(content: bytes, depth: int = 0) -> str:
    """See `contents.problem`; `depth` is that of a container within a container."""
    if b"%PDF-" in content[:1024]:
        return _STRANGE
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if found := _declared(members) or _ends(content, archive):
                return found
            for member in members:
                if found := _member(archive, member, depth):
                    return found
    except (zipfile.BadZipFile, OSError, NotImplementedError, EOFError, ValueError):
        return _BROKEN
    return ""


def _declared(members: list[zipfile.ZipInfo]) -> str:
    """What the directory says by itself, before anything is unpacked."""
    if len(members) > MEMBERS or sum(m.file_size for m in members) > UNPACKED:
        return _TOO_LARGE
    names = [m.filename for m in members]
    if len(set(names)) != len(names) or any(map(_leads_out, members)):
        return _STRANGE
    if any(m.flag_bits & 1 for m in members):
        return _LOCKED
    if any(m.file_size > max(_SMALL, RATIO * m.compress_size) for m in members):
        return _TOO_LARGE
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        return _MACROS
    return ""


def _leads_out(member: zipfile.ZipInfo) -> bool:
    """A name that another program would unpack outside the folder it was told."""
    name = member.orig_filename
    return (
        name.startswith("/")
        or any(c in name for c in "\\:\0")
        or ".." in name.split("/")
        or member.external_attr >> 28 == 0o12  # a symbolic link
    )


def _ends(content: bytes, archive: zipfile.ZipFile) -> str:
    """Nothing may stand behind the directory but a short comment."""
    end = content.rfind(b"PK\x05\x06") + 22 + len(archive.comment)
    return "" if end == len(content) and len(archive.comment) <= _COMMENT else _STRANGE


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, depth: int) -> str:
    # Reads no more than was declared, and fails when the digest differs.
    content = archive.read(member)
    name = member.filename.lower()
    if content.startswith(_ARCHIVES):
        allowed = depth < _DEPTH and name.endswith(_NESTED) and "/embeddings/" in f"/{name}"
        return problem(content, depth + 1) if allowed else _CARRIES
    if content.startswith(_PROGRAMS):
        return _CARRIES
    # Whatever its encoding, wherever it stands, and whatever the part is called (another part says
    # what it is): a definition of entities has no place in these formats but in a drawing.
    text = content.replace(b"\0", b"") if _is_xml(content) else b""
    if not name.endswith(".svg") and _DTD.search(text):
        return _STRANGE
    if name.endswith(".rels") and _fetches(content):
        return _FETCHES
    return ""


def _is_xml(content: bytes) -> bool:
    """Whether a parser could take it for XML: UTF-8 or UTF-16, with a mark of its bytes or not."""
    return content[:64].lstrip(b"\xef\xbb\xbf\xff\xfe\0\t\n\r ")[:1] in {b"<", b""}


def _fetches(relations: bytes) -> bool:
    """Whether something is loaded from outside when the file is opened; a link that a person has to
    press is not."""
    try:
        root = ET.fromstring(relations)  # noqa: S314 - without entities, in a bounded child
    except ET.ParseError:
        return True
    return any(
        relation.get("TargetMode", "").lower() == "external"
        and not relation.get("Type", "").endswith("/hyperlink")
        for relation in root.iter(_RELATION)
    )
