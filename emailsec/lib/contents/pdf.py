"""PDF: it parses, has pages, is nothing else as well, and does nothing when it is opened."""

import io
import re
import zipfile
from typing import Any, Final

from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

PAGES: Final = 2000
OBJECTS: Final = 150_000
_TAIL: Final = 1024  # bytes behind the last %%EOF, padding apart

_REPRINT = "请用“打印为 PDF”重新生成后再传。"
_BROKEN = f"PDF 已损坏，无法打开；{_REPRINT}"
_LOCKED = "PDF 设有口令或权限限制；请另存为不加密的 PDF 后再传。"
_EMPTY = f"PDF 中没有页面；{_REPRINT}"
_TOO_LONG = f"PDF 超过 {PAGES} 页；请拆分后再传。"
_TOO_COMPLEX = f"PDF 结构过于复杂，无法检查；{_REPRINT}"
_MIXED = f"PDF 中混有其他格式的内容；{_REPRINT}"

# Kinds of action and of entry that act, fetch or carry; ISO 32000-1, 12.6.4 and 7.11.4.
_ACTIONS: Final = {
    "/JavaScript": "脚本",
    "/Launch": "启动程序的动作",
    "/SubmitForm": "向外发送内容的动作",
    "/ImportData": "导入数据的动作",
    "/GoToE": "内嵌文件",
    "/GoToR": "打开其他文件的动作",
    "/Rendition": "音视频",
    "/RichMedia": "音视频",
    "/Movie": "音视频",
    "/Sound": "音视频",
    "/3D": "三维模型",
}
_ENTRIES: Final = {
    "/JS": "脚本",
    "/JavaScript": "脚本",
    "/EmbeddedFiles": "内嵌文件",
    "/EF": "内嵌文件",
    "/AA": "打开时执行的动作",
    "/XFA": "动态表单",
}
# The same, left in bytes that no reader should reach but some may.
_RAW: Final = re.compile(rb"/(JavaScript|Launch|EmbeddedFile|RichMedia|SubmitForm|XFA\s*\[)")
_RAW_WORDS: Final = {
    b"JavaScript": "脚本",
    b"Launch": "启动程序的动作",
    b"EmbeddedFile": "内嵌文件",
}
_WEB: Final = re.compile(rb"<(!doctype|html|script|svg|body|iframe|\?php)", re.IGNORECASE)


def problem(content: bytes) -> str:
    """See `contents.problem`."""
    if found := _mixed(content):
        return found
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted:
            return _LOCKED
        pages = len(reader.pages)
        if not pages:
            return _EMPTY
        if pages > PAGES:
            return _TOO_LONG
        return _acting(reader) or _raw(content)
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, OSError):
        return _BROKEN
    except RecursionError:
        return _TOO_COMPLEX


def _mixed(content: bytes) -> str:
    """Whether another program would take the file for something else."""
    end = content.rfind(b"%%EOF")
    if end < 0:
        return _BROKEN
    tail = content[end + 5 :].strip(b"\0\t\n\f\r ")
    mixed = (
        len(tail) > _TAIL
        or _WEB.search(content[:1024])
        or _WEB.search(tail)
        or zipfile.is_zipfile(io.BytesIO(content))
    )
    return _MIXED if mixed else ""


def _acting(reader: PdfReader) -> str:
    """Walk everything that hangs on the trailer, without recursion."""
    todo: list[Any] = [reader.trailer]
    seen: set[tuple[int, int]] = set()
    count = 0
    while todo:
        count += 1
        if count > OBJECTS:
            return _TOO_COMPLEX
        thing = todo.pop()
        if isinstance(thing, IndirectObject):
            if (thing.idnum, thing.generation) in seen:
                continue
            seen.add((thing.idnum, thing.generation))
            thing = thing.get_object()
        if isinstance(thing, DictionaryObject):
            if what := _held(thing):
                return _refusal(what)
            todo += thing.values()
        elif isinstance(thing, ArrayObject):
            todo += list(thing)
    return ""


def _held(entry: DictionaryObject) -> str:
    for key, what in _ENTRIES.items():
        if key in entry:
            return what
    for key in ("/S", "/Subtype"):
        if (kind := _resolved(entry, key)) in _ACTIONS:
            return _ACTIONS[str(kind)]
    opening = _resolved(entry, "/OpenAction")
    if isinstance(opening, DictionaryObject) and _resolved(opening, "/S") != "/GoTo":
        return "打开时执行的动作"
    return ""


def _resolved(entry: DictionaryObject, key: str) -> Any:
    value = entry.get(key)
    return value.get_object() if isinstance(value, IndirectObject) else value


def _raw(content: bytes) -> str:
    found = _RAW.search(content)
    return _refusal(_RAW_WORDS.get(found[1], "会动作的内容")) if found else ""


def _refusal(what: str) -> str:
    return f"PDF 含有{what}；{_REPRINT}"
