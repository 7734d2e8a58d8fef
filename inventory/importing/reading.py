"""Open an uploaded workbook without trusting it, and give its rows as text.

Nothing is guessed and nothing is calculated: formulas, merged cells, unknown sheets and changed
heads are refused at their place, and reading goes on so that everything is told at once.
"""

import datetime as dt
import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import IO, Any, Final

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from emailsec.lib.contents.apart import GaveUp, apart
from inventory.importing.columns import MAX_ROWS, SHEETS, SILENT_SHEETS, Sheet

SECONDS: Final = 15  # of processor time; four full sheets take a quarter of it
MEMORY: Final = 384 * 1024 * 1024  # bytes on top of what the process has
_TOO_COMPLEX = "工作簿过于复杂或已损坏，无法读取；请下载模板，把内容粘贴到模板中再上传。"
# Empty rows between and after the filled ones; a sheet that is longer is not one of ours.
_MAX_SPAN: Final = 4 * MAX_ROWS
_MERGED = re.compile(rb'<mergeCell\s[^>]*ref="([A-Z0-9:]+)"')


@dataclass(frozen=True)
class CellError:
    """What is wrong at one place: "单位!B7", the text there, and why in Chinese."""

    place: str
    value: str
    reason: str

    @property
    def sheet(self) -> str:
        """The sheet of the place; 文件 for what concerns the whole workbook."""
        return self.place.partition("!")[0]


@dataclass(frozen=True)
class Line:
    """One filled row: its number in the sheet and the text of each column by key."""

    row: int
    cells: dict[str, str]


@dataclass
class Book:
    """The rows of each sheet by its name, and what was refused while reading."""

    lines: dict[str, list[Line]] = field(default_factory=dict)
    errors: list[CellError] = field(default_factory=list)


def place_of(sheet: Sheet, key: str, row: int) -> str:
    """Return the name of a cell as a spreadsheet shows it, for example 单位!B7."""
    number = next(n for n, column in enumerate(sheet.columns, 1) if column.key == key)
    return f"{sheet.name}!{get_column_letter(number)}{row}"


def read(stream: IO[bytes]) -> Book:
    """Read all sheets of a workbook that passed `emailsec.lib.uploads.check_upload`.

    In a child process: what packs to a megabyte may unpack to a table of millions of texts, which
    no row of ours asks for.

    Args:
        stream: the xlsx, seekable.
    """
    content = stream.read()
    try:
        said = apart(
            lambda: json.dumps(asdict(_read(io.BytesIO(content)))), seconds=SECONDS, memory=MEMORY
        )
    except GaveUp:
        return Book(errors=[CellError("文件", "", _TOO_COMPLEX)])
    book = json.loads(said)
    return Book(
        lines={name: [Line(**line) for line in lines] for name, lines in book["lines"].items()},
        errors=[CellError(**error) for error in book["errors"]],
    )


def _read(stream: IO[bytes]) -> Book:
    book = Book()
    try:
        source = load_workbook(stream, read_only=True, data_only=False, keep_links=False)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError):
        book.errors.append(CellError("文件", "", "工作簿已损坏，请用原程序另存后再上传。"))
        return book
    known = {sheet.name: sheet for sheet in SHEETS}
    for name in source.sheetnames:
        if name in known:
            _read_sheet(book, known[name], source[name], stream)
        elif name not in SILENT_SHEETS:
            wanted = "、".join(known)
            book.errors.append(CellError(f"{name}!A1", name, f"不认识的表；只能有{wanted}。"))
    if not any(name in known for name in source.sheetnames):
        book.errors.append(CellError("文件", "", "没有一张表与模板相同，请下载模板填写。"))
    source.close()
    return book


def _read_sheet(book: Book, sheet: Sheet, rows: Any, stream: IO[bytes]) -> None:
    for merged in _merged_cells(stream, rows):
        book.errors.append(
            CellError(f"{sheet.name}!{merged}", "", "有合并的单元格，请取消合并并逐行填写。")
        )
    lines = book.lines.setdefault(sheet.name, [])
    # A read-only sheet believes the size that the file claims; forget it and read what is there.
    rows.reset_dimensions()
    for number, cells in enumerate(rows.iter_rows(max_col=len(sheet.columns) + 20), 1):
        if number == 1:
            if not _head_is_right(book, sheet, cells):
                return
            continue
        if number > _MAX_SPAN:
            book.errors.append(_too_long(sheet, number))
            return
        texts = list(_texts(book, sheet, number, cells))
        if any(texts):
            keys = [column.key for column in sheet.columns]
            lines.append(Line(number, dict(zip(keys, texts, strict=False))))
        if len(lines) > MAX_ROWS:
            book.errors.append(_too_long(sheet, number))
            return


def _too_long(sheet: Sheet, row: int) -> CellError:
    return CellError(
        f"{sheet.name}!A{row}", "", f"超过 {MAX_ROWS} 行的上限，请分几次导入，并删去末尾的空行。"
    )


def _head_is_right(book: Book, sheet: Sheet, cells: Any) -> bool:
    heads = [str(c.value).strip() if c.value is not None else "" for c in cells]
    right = True
    for number, column in enumerate(sheet.columns):
        found = heads[number] if number < len(heads) else ""
        if found != column.head:
            place = f"{sheet.name}!{get_column_letter(number + 1)}1"
            book.errors.append(CellError(place, found, f"表头应为“{column.head}”，请勿改动模板。"))
            right = False
    for number, found in enumerate(heads[len(sheet.columns) :], len(sheet.columns) + 1):
        if found:
            place = f"{sheet.name}!{get_column_letter(number)}1"
            book.errors.append(CellError(place, found, "模板中没有这一列，请删去。"))
            right = False
    return right


def _texts(book: Book, sheet: Sheet, row: int, cells: Any) -> Iterator[str]:
    for number, cell in enumerate(cells[: len(sheet.columns)], 1):
        place = f"{sheet.name}!{get_column_letter(number)}{row}"
        if cell.value is None:
            yield ""
        elif cell.data_type == "f":
            book.errors.append(CellError(place, str(cell.value), "不接受公式，请改填结果。"))
            yield ""
        elif cell.data_type == "e":
            book.errors.append(CellError(place, str(cell.value), "单元格中是错误值，请改填内容。"))
            yield ""
        else:
            text = _text(cell.value)
            if text is None:
                book.errors.append(
                    CellError(
                        place, f"{cell.value:.6g}", "数字过长已被表格软件改写，请按文本重填。"
                    )
                )
            yield text or ""


def _text(value: Any) -> str | None:
    """The text of a cell; None where a spreadsheet has rounded a long code to a number."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, float):
        if not value.is_integer():
            return str(value)
        value = int(value)
    if isinstance(value, int):
        # A double holds 15 digits; what lies beyond was lost when the cell became a number.
        return str(value) if abs(value) < 10**15 else None
    seen = "".join(
        c for c in str(value) if unicodedata.category(c) not in {"Cf", "Cc"} or c in "\n\t"
    )
    return " ".join(seen.split())


def _merged_cells(stream: IO[bytes], rows: Any) -> list[str]:
    """Merged ranges of a sheet, read from its XML because read-only sheets do not tell them."""
    found = []
    position = stream.tell()
    try:
        with zipfile.ZipFile(stream) as archive, archive.open(rows._worksheet_path) as xml:
            tail = b""
            while block := xml.read(1 << 16):
                window = tail + block
                matches = list(_MERGED.finditer(window))
                found += [m.group(1).decode() for m in matches]
                # Keep what may be the beginning of a further match, never a counted one.
                tail = window[max(len(window) - 200, matches[-1].end() if matches else 0) :]
    finally:
        stream.seek(position)
    return found[:50]
