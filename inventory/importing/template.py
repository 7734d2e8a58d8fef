"""Write the empty workbook that an office fills in."""

import io
from collections.abc import Iterable, Mapping
from typing import Any

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from inventory.importing.columns import CONFIRMED, MAX_ROWS, SHEETS, Column
from inventory.models import Office, Sector

_INSTRUCTIONS = (
    "在“单位”“联系人”“邮件系统”“域名”四张表中填写，一行一条；没有的表空着。",
    "表头和表名不要改动，不要合并单元格，不要写公式；红色表头为必填。",
    "单位以统一社会信用代码为准：已登记的更新，未登记的新增；空着的单元格不改动原有内容。",
    "联系人、邮件系统、域名各表用统一社会信用代码指明所属单位；域名再用系统名称指明所属系统。",
    f"每张表最多 {MAX_ROWS} 行。上传后先显示检查结果，确认后才导入；有一处错误则全部不导入。",
    f"本平台为非涉密系统。涉密信息系统不得填入；每个邮件系统须填“{CONFIRMED}”。",
)


def options_for(user: Any) -> dict[str, list[str]]:
    """Return what the drop-downs that come from tables offer to `user`."""
    return {
        "sector": list(Sector.objects.filter(active=True).values_list("name", flat=True)),
        "office": list(Office.objects.under(user).in_use().values_list("name", flat=True)),
    }


def build(options: Mapping[str, Iterable[str]]) -> bytes:
    """Return the workbook as xlsx.

    Args:
        options: names for the drop-downs that come from tables, by `Column.from_table`.
    """
    book = Workbook()
    intro = book.active or book.create_sheet()
    intro.title = "填写说明"
    intro.column_dimensions["A"].width = 96
    for number, line in enumerate(_INSTRUCTIONS, 1):
        cell = intro.cell(number, 1, f"{number}. {line}")
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    lists = book.create_sheet("字典")
    lists.sheet_state = "hidden"
    used = 0
    for spec in SHEETS:
        sheet = book.create_sheet(spec.name)
        sheet.freeze_panes = "A2"
        sheet.print_title_rows = "1:1"
        for number, column in enumerate(spec.columns, 1):
            _head(sheet, number, column)
            offered = [*column.options, *options.get(column.from_table, ())]
            if offered:
                used += 1
                _drop_down(sheet, number, lists, used, offered)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _head(sheet: Worksheet, number: int, column: Column) -> None:
    letter = get_column_letter(number)
    cell = sheet.cell(1, number, column.head)
    # The red of a required head is the one that tokens.css calls seal-red.
    cell.font = Font(bold=True, color="FFB5121B" if column.required else "FF17202B")
    cell.fill = PatternFill("solid", fgColor="FFF5F7FA")
    if column.note:
        cell.comment = Comment(column.note, "平台", width=260, height=70)
    dimension = sheet.column_dimensions[letter]
    dimension.width = column.width
    dimension.number_format = "@"


def _drop_down(
    sheet: Worksheet, number: int, lists: Worksheet, used: int, offered: list[str]
) -> None:
    for row, text in enumerate(offered, 1):
        lists.cell(row, used, text)
    letter = get_column_letter(used)
    rule = DataValidation(
        type="list",
        formula1=f"字典!${letter}$1:${letter}${len(offered)}",
        allow_blank=True,
        showErrorMessage=True,
        errorTitle="不在列表中",
        error="请从列表中选择。",
    )
    own = get_column_letter(number)
    rule.add(f"{own}2:{own}{MAX_ROWS + 1}")
    sheet.add_data_validation(rule)
