"""What the office sent back, and how far the unit has dealt with it.

A remark is dealt with when its item has changed since the return (an answer, a file, a fact of the
inventory), when the item is no longer asked, or when the unit wrote what it says to the remark.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from assessments.gaps import item_url
from assessments.models import AnswerChange, Evidence, ReviewRemark
from assessments.rules.schema import Field, Item
from assessments.sheets import LoadedSheet


@dataclass(frozen=True)
class SentRemark:
    """A remark that the unit must deal with.

    Attributes:
        changed: the item is not what it was when it was returned.
    """

    sheet: LoadedSheet
    item: Item
    row: ReviewRemark
    changed: bool

    @property
    def url(self) -> str:
        return item_url(self.sheet, self.item)

    @property
    def dealt_with(self) -> bool:
        return self.changed or bool(self.row.reply)

    @property
    def state(self) -> str:
        if self.changed:
            return "changed"
        return "explained" if self.row.reply else "undealt"

    @property
    def label(self) -> str:
        return {"changed": "已修改", "explained": "已说明", "undealt": "待处理"}[self.state]


def sent_remarks(sheets: Iterable[LoadedSheet]) -> list[SentRemark]:
    """The remarks that were sent and are still open, sheet by sheet.

    Two queries over all sheets, none where nothing was sent.
    """
    open_rows = [
        (sheet, row, row.sent_at)
        for sheet in sheets
        for rows in sheet.remarks.values()
        for row in rows
        if row.sent_at is not None and row.closed_at is None
    ]
    if not open_rows:
        return []
    rows = [row for _, row, _ in open_rows]
    sheet_ids, items = {row.sheet_id for row in rows}, {row.item for row in rows}
    history: dict[tuple[int, str, str], list[AnswerChange]] = defaultdict(list)
    changes = AnswerChange.objects.filter(answer__sheet__in=sheet_ids, answer__item__in=items)
    for change in changes.select_related("answer").order_by("id"):
        key = (change.answer.sheet_id, change.answer.item, change.answer.field)
        history[key].append(change)
    files: dict[tuple[int, str], list[Evidence]] = defaultdict(list)
    for file in Evidence.objects.filter(sheet__in=sheet_ids, item__in=items):
        files[file.sheet_id, file.item].append(file)

    def changed(sheet: LoadedSheet, item: Item, sent: dt.datetime) -> bool:
        at = (sheet.row.pk, item.code)
        if not sheet.judged.shown(item.code) or _files_changed(files[at], sent):
            return True
        return any(
            _answer_changed(sheet, item, field, sent, history[*at, field.code])
            for field in item.fields
        )

    found = []
    for sheet, row, sent in open_rows:
        item = sheet.definition.item(row.item)
        found.append(SentRemark(sheet, item, row, changed(sheet, item, sent)))
    return found


def _answer_changed(
    sheet: LoadedSheet, item: Item, field: Field, sent: dt.datetime, history: list[AnswerChange]
) -> bool:
    stored = sheet.answers.get((item.code, field.code))
    if field.source:
        now = sheet.judged.value(item.code, field.code)
    else:
        now = stored.value if stored else ""
    if stored is not None and stored.updated_at <= sent:
        return now != stored.value
    then = [change.value for change in history if change.at <= sent]
    return now != (then[-1] if then else "")


def _files_changed(files: list[Evidence], sent: dt.datetime) -> bool:
    then = {
        file.sha256
        for file in files
        if file.uploaded_at <= sent and (file.removed_at is None or file.removed_at > sent)
    }
    return then != {file.sha256 for file in files if file.removed_at is None}
