"""Filters of the lists of findings and notices. They live in the address, so that a figure can
link to its rows."""

from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from emailsec.lib.workdays import today
from inventory.filters import PlaceFilter
from inventory.models import Sector
from rectification.models import Finding, Notice, Severity

UNCLOSED = "unclosed"
_SEARCH = forms.TextInput(attrs={"type": "search", "maxlength": "120"})


class _CaseFilter(PlaceFilter):
    """Region and sector are for those who see more than one unit."""

    unit_path = "unit__"

    sector = django_filters.ModelChoiceFilter(
        field_name="unit__sector",
        label="行业类别",
        queryset=Sector.objects.all(),
        empty_label="全部",
    )
    overdue = django_filters.ChoiceFilter(
        label="期限", method="by_overdue", choices=[("1", "已逾期")], empty_label="全部"
    )

    def __init__(self, *args: Any, one_unit: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if one_unit:
            for name in ("region", "own", "sector"):
                del self.filters[name]


class FindingFilter(_CaseFilter):
    q = django_filters.CharFilter(label="编号、问题或单位", method="by_text", widget=_SEARCH)
    status = django_filters.ChoiceFilter(
        label="状态",
        method="by_status",
        choices=[(UNCLOSED, "未销号"), *Finding.Status.choices],
        empty_label="全部",
    )
    severity = django_filters.ChoiceFilter(
        label="严重程度", choices=Severity.choices, empty_label="全部"
    )

    class Meta:
        model = Finding
        fields = ("q", "status", "severity", "overdue", "region", "own", "sector")

    def by_text(self, rows: QuerySet[Finding], name: str, value: str) -> QuerySet[Finding]:
        text = value.strip()
        return rows.filter(
            Q(number__icontains=text) | Q(title__icontains=text) | Q(unit__name__icontains=text)
        )

    def by_status(self, rows: Any, name: str, value: str) -> Any:
        return rows.unclosed() if value == UNCLOSED else rows.filter(status=value)

    def by_overdue(self, rows: Any, name: str, value: str) -> Any:
        return rows.overdue()


class NoticeFilter(_CaseFilter):
    q = django_filters.CharFilter(label="文号或单位", method="by_text", widget=_SEARCH)
    status = django_filters.ChoiceFilter(
        label="状态", choices=Notice.Status.choices, empty_label="全部"
    )

    class Meta:
        model = Notice
        fields = ("q", "status", "overdue", "region", "own", "sector")

    def by_text(self, rows: QuerySet[Notice], name: str, value: str) -> QuerySet[Notice]:
        text = value.strip()
        return rows.filter(
            Q(number__icontains=text)
            | Q(case_number__icontains=text)
            | Q(unit__name__icontains=text)
        )

    def by_overdue(self, rows: QuerySet[Notice], name: str, value: str) -> QuerySet[Notice]:
        return rows.filter(status__in=["served", "signed", "refused"], deadline__lt=today())
