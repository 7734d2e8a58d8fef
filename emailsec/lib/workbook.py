"""Tables as xlsx workbooks: frozen heads, widths that fit, print titles, and no formula ever.

A text that begins with =, +, - or @ is stored as text and marked as such (quotePrefix), so that no
spreadsheet evaluates what somebody typed into a form.
"""

import datetime as dt
import io
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from emailsec.lib.workdays import OFFICE_ZONE

HEAD_ROW: Final = 3
_MIN_WIDTH, _MAX_WIDTH = 6, 44
_MAX_TEXT: Final = 32000  # a cell holds 32,767 characters
_HEAD = PatternFill("solid", fgColor="E8EDF3")
_LINE = Side(style="thin", color="B8C0CA")
_BOX = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)

Value = str | int | float | dt.date | dt.datetime | None


@dataclass(frozen=True, kw_only=True)
class Table:
    """One sheet.

    Attributes:
        title: name of the sheet and its first line.
        heads: heads of the columns.
        rows: values; dates and numbers stay dates and numbers, None stays empty.
        percent: positions of columns that hold whole percents (0–100), counted from 0.
        totals: how many rows at the end are totals, which are counted nowhere.
    """

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Value]]
    percent: frozenset[int] = frozenset()
    totals: int = 0

    @property
    def counted(self) -> int:
        """The rows of the list itself, without totals."""
        return len(self.rows) - self.totals


def build(tables: Iterable[Table], *, note: str, author: str, serial: str) -> bytes:
    """Return the workbook.

    Args:
        tables: one sheet each.
        note: second line of every sheet, after its number of rows: who exported, when, under which
            number and filters.
        author: for the metadata.
        serial: number of the export, in the metadata and the foot of each printed page.
    """
    book = Workbook()
    book.remove(book.worksheets[0])
    names: set[str] = set()
    for table in tables:
        sheet = book.create_sheet(_sheet_name(table.title, names))
        _fill(sheet, table, f"共 {table.counted} 条　{note}")
        _for_print(sheet, serial)
    properties = book.properties
    properties.creator = properties.lastModifiedBy = author
    properties.title = book.worksheets[0].title
    properties.identifier = properties.keywords = serial
    properties.description = note
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _sheet_name(title: str, names: set[str]) -> str:
    name = "".join(c for c in title if c not in "[]:*?/\\'")[:28] or "表"
    while name in names:
        name += "′"
    names.add(name)
    return name


def _fill(sheet: Worksheet, table: Table, note: str) -> None:
    last = len(table.heads)
    _text(sheet.cell(1, 1), table.title).font = Font(bold=True, size=14)
    _text(sheet.cell(2, 1), note).font = Font(size=9, color="5A6472")
    for row in (1, 2):
        sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=max(last, 1))
    sheet.cell(2, 1).alignment = Alignment(wrap_text=True, vertical="top")
    sheet.row_dimensions[2].height = 28
    for column, head in enumerate(table.heads, start=1):
        cell = _text(sheet.cell(HEAD_ROW, column), head)
        cell.font, cell.fill, cell.border = Font(bold=True), _HEAD, _BOX
        cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
    widths = [_width(head) for head in table.heads]
    for number, values in enumerate(table.rows, start=HEAD_ROW + 1):
        for column, value in enumerate(values, start=1):
            cell = _write(sheet.cell(number, column), value, column - 1 in table.percent)
            cell.border = _BOX
            widths[column - 1] = max(widths[column - 1], _width(_shown(value)))
    for column, width in enumerate(widths, start=1):
        letter = get_column_letter(column)
        sheet.column_dimensions[letter].width = min(max(width + 2, _MIN_WIDTH), _MAX_WIDTH)
    sheet.freeze_panes = f"B{HEAD_ROW + 1}"
    end = f"{get_column_letter(max(last, 1))}{HEAD_ROW + len(table.rows)}"
    sheet.auto_filter.ref = f"A{HEAD_ROW}:{end}"


def _for_print(sheet: Worksheet, serial: str) -> None:
    sheet.print_title_rows = f"{HEAD_ROW}:{HEAD_ROW}"
    setup: Any = sheet.page_setup
    setup.orientation, setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    setup.fitToWidth, setup.fitToHeight = 1, 0
    properties: Any = sheet.sheet_properties
    properties.pageSetUpPr.fitToPage = True
    foot: Any = sheet.oddFooter
    foot.left.text = serial
    foot.right.text = "第 &P 页，共 &N 页"


def _write(cell: Any, value: Value, percent: bool) -> Cell:
    if isinstance(value, str):
        _text(cell, value)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        return cell  # type: ignore[no-any-return]
    if isinstance(value, dt.datetime):
        cell.value = value.astimezone(OFFICE_ZONE).replace(tzinfo=None)
        cell.number_format = "yyyy-mm-dd hh:mm"
    elif isinstance(value, dt.date):
        cell.value = value
        cell.number_format = "yyyy-mm-dd"
    elif value is not None:
        cell.value = value / 100 if percent else value
        if percent:
            cell.number_format = "0%"
    cell.alignment = Alignment(vertical="top")
    return cell  # type: ignore[no-any-return]


def _text(cell: Any, text: str) -> Cell:
    clean = ILLEGAL_CHARACTERS_RE.sub("", text)[:_MAX_TEXT]
    cell.value = clean
    # Set after the value: openpyxl takes a leading = for a formula.
    cell.data_type = "s"
    if clean[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        cell.quotePrefix = True
    return cell  # type: ignore[no-any-return]


def _shown(value: Value) -> str:
    if isinstance(value, dt.datetime):
        return "0000-00-00 00:00"
    if isinstance(value, dt.date):
        return "0000-00-00"
    return "" if value is None else str(value)


def _width(text: str) -> int:
    """Width of the widest line in columns; a wide character takes two."""
    return max(
        (
            sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
            for line in text.splitlines()
        ),
        default=0,
    )
