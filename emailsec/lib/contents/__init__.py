"""What is inside an uploaded file: parsed or decoded in a child process with bounded means.

A file is whatever any program takes it for. So each kind is read by a real parser, must be nothing
else at the same time, and must hold nothing that acts when it is opened.
"""

from collections.abc import Callable, Mapping
from typing import Final

from emailsec.lib.contents import containers, pdf, pictures
from emailsec.lib.contents.apart import GaveUp, apart

SECONDS: Final = 10  # of processor time; a scan of a hundred pages takes less than one
MEMORY: Final = 768 * 1024 * 1024  # bytes on top of what the process has; 80 megapixels need 320 MB

_READERS: Final[Mapping[str, Callable[[bytes], str]]] = {
    "pdf": pdf.problem,
    "png": pictures.png_problem,
    "jpg": pictures.jpeg_problem,
    "docx": containers.problem,
    "xlsx": containers.problem,
    "ofd": containers.problem,
}


def problem(kind: str, content: bytes) -> str:
    """Return why the content of a file is not accepted, one Chinese sentence that says what to do;
    "" when nothing is wrong.

    Args:
        kind: the kind that name and first bytes agree on, see `uploads.ALLOWED`.
        content: the whole file.
    """
    try:
        return apart(lambda: _READERS[kind](content), seconds=SECONDS, memory=MEMORY)
    except GaveUp:
        return "文件过于复杂或已损坏，无法检查；请用原程序重新导出，或打印为 PDF 后再传。"
