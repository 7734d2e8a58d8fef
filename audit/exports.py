"""A list leaves the portal as a workbook: file and audit event carry the same number."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.http import HttpResponse
from django.utils import timezone

from audit.downloads import attachment
from audit.models import AuditEvent
from audit.taken import NamedUnit, counted, note_taken
from audit.trail import Actor, record
from emailsec.lib import workbook
from emailsec.lib.words import cn_datetime


def export_list(
    slug: str,
    tables: Sequence[workbook.Table],
    *,
    by: Actor,
    filters: Mapping[str, str],
    units: Iterable[NamedUnit],
) -> HttpResponse:
    """Return the workbook as a download and record the export.

    The number is that of the audit event, so that a file found anywhere leads to who exported it,
    when and from where.

    Args:
        slug: stable name of the list, e.g. "units".
        tables: its sheets; the first names the file.
        by: who exports.
        filters: the conditions in force, label → text, as the sheet tells them.
        units: whose rows are in it, for the export log; nobody's where it only counts.
    """
    now = timezone.now()
    rows = sum(table.counted for table in tables)
    once, told = counted(units)
    with transaction.atomic():
        event = record(
            "list.export",
            None,
            by=by,
            details={"list": slug, "rows": rows, "filters": dict(filters)} | told,
            label=tables[0].title,
        )
        note_taken(event, once)
    serial = serial_of(event)
    within = "，".join(f"{label}：{text}" for label, text in filters.items()) or "全部"
    note = f"{mark_of(event)}　范围：{within}　内部资料，注意保管"
    content = workbook.build(tables, note=note, author=by.label, serial=serial)
    name = f"{tables[0].title}_{timezone.localtime(now):%Y%m%d%H%M}.xlsx"
    return attachment(content, name)


def serial_of(event: AuditEvent) -> str:
    """The number that a workbook or a print carries: that of its event."""
    return f"DC-{timezone.localtime(event.at):%Y}-{event.pk:06d}"


def mark_of(event: AuditEvent) -> str:
    """Who took it, when and under which number, as it stands on a workbook or a print."""
    return (
        f"导出人：{event.actor_label}　导出时间：{cn_datetime(event.at)}　编号：{serial_of(event)}"
    )


def record_print(action: str, row: Model, *, unit: NamedUnit, by: Actor) -> str:
    """Record a print that no register keeps, and return the mark that it carries.

    Args:
        action: slug of the event, one of `taken.ACTIONS`.
        row: what is printed.
        unit: whom it tells of.
        by: who prints it.
    """
    once, told = counted([unit])
    with transaction.atomic():
        event = record(action, row, by=by, details=told)
        note_taken(event, once)
    return mark_of(event)


def conditions(form: Any) -> dict[str, str]:
    """The filters in force in words (label → text), as `export_list` tells them.

    What a filter could not read narrowed nothing, and is no condition: the file holds all rows.

    Args:
        form: the bound form of a filter set.
    """
    said = {}
    for bound in form:
        value = form.data.get(bound.html_name, "")
        if value != "" and bound.name not in form.errors:
            choices = {str(key): str(text) for key, text in getattr(bound.field, "choices", ())}
            said[str(bound.label)] = choices.get(value, value).strip("　 ")
    return said
