"""The export log, for the 审计管理员: who has taken what about which unit."""

from typing import Any, Final

import django_filters
from django import forms
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from audit import taken
from audit.exports import conditions, export_list, serial_of
from audit.filters import EventFilter
from audit.models import AuditEvent
from audit.views import MOST_ROWS, PAGE, Row, too_many
from emailsec.lib.workbook import Table

HEADS: Final = ("时间", "操作人", "角色", "来源地址", "动作", "内容", "涉及单位数", "编号", "结果")
_SHOWN: Final = 20  # names of units found


class TakenFilter(EventFilter):
    """The trail's own filters, and whose rows were in it."""

    unit = django_filters.CharFilter(
        label="单位（名称或统一社会信用代码）",
        method="by_unit",
        widget=forms.TextInput(attrs={"type": "search", "maxlength": "120"}),
    )

    field_order = ("unit", "since", "until", "actor")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in set(self.filters) - set(self.field_order):
            del self.filters[name]

    def by_unit(self, rows: QuerySet[AuditEvent], name: str, value: str) -> Any:
        return rows.filter(pk__in=taken.events_about(value.strip()))


class TakenRow(Row):
    """One act of taking."""

    @property
    def what(self) -> str:
        """The list or the file."""
        return self.event.object_label or "—"

    @property
    def units(self) -> int:
        return int(self.event.details.get("units", 0))

    @property
    def serial(self) -> str:
        """The number on the workbook or print; files that were taken as they lie have none."""
        return serial_of(self.event) if self.event.action in _NUMBERED else ""


_NUMBERED: Final = {"list.export", "notice.preview", "invitation.print"}


def _found(request: HttpRequest) -> TakenFilter:
    user: Any = request.user
    if not user.can("audit.read"):
        raise PermissionDenied("导出台账由审计管理员查阅。")
    rows = AuditEvent.objects.visible_to(user).filter(action__in=taken.ACTIONS)
    return TakenFilter(request.GET, rows.order_by("-at", "-id"))


@require_GET
def taken_list(request: HttpRequest) -> HttpResponse:
    found = _found(request)
    page = Paginator(found.qs, PAGE).get_page(request.GET.get("page"))
    asked = request.GET.get("unit", "").strip()
    named = list(taken.units_named(asked)[: _SHOWN + 1]) if asked else []
    context = {
        "filter": found,
        "page": page,
        "rows": [TakenRow(event) for event in page],
        "asked": asked,
        "named": named[:_SHOWN],
        "more": len(named) > _SHOWN,
    }
    return render(request, "audit/taken_list.html", context)


@require_GET
def taken_export(request: HttpRequest) -> HttpResponse:
    """The same rows as the page; the export is an event itself."""
    found = _found(request)
    if refused := too_many(request, found, "audit:taken"):
        return refused
    rows = tuple(
        (
            row.event.at,
            row.event.actor_label,
            row.event.actor_role,
            row.event.address,
            row.act,
            row.what,
            row.units,
            row.serial,
            row.result,
        )
        for row in map(TakenRow, found.qs[:MOST_ROWS])
    )
    table = Table(title="导出台账", heads=HEADS, rows=rows)
    user: Any = request.user
    return export_list("taken", [table], by=user, filters=conditions(found.form), units=())
