"""Filters of the audit trail. They live in the address."""

import datetime as dt
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet

from audit import words
from audit.models import AuditEvent
from emailsec.lib.workdays import OFFICE_ZONE

# The office's dates are days of Beijing; the rows hold moments.
_DATE = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_SEARCH = forms.TextInput(attrs={"type": "search", "maxlength": "120"})


def _begin_of(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), OFFICE_ZONE)


class SpanForm(forms.Form):
    """A span of days that ends before it begins is a slip, not an empty trail."""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        since, until = data.get("since"), data.get("until")
        if since and until and until < since:
            self.add_error("until", "“至”不能早于“自”。")
        return data


class EventFilter(django_filters.FilterSet):
    since = django_filters.DateFilter(label="自", method="by_since", widget=_DATE)
    until = django_filters.DateFilter(label="至", method="by_until", widget=_DATE)
    actor = django_filters.CharFilter(
        label="操作人", field_name="actor_label", lookup_expr="icontains", widget=_SEARCH
    )
    act = django_filters.ChoiceFilter(
        label="动作", method="by_act", choices=words.choices, empty_label="全部"
    )
    address = django_filters.CharFilter(
        label="来源地址", field_name="address", lookup_expr="startswith", widget=_SEARCH
    )
    kind = django_filters.ChoiceFilter(
        label="对象类别", field_name="object_type", choices=words.kinds, empty_label="全部"
    )
    key = django_filters.CharFilter(label="对象编号", field_name="object_id", widget=_SEARCH)
    object = django_filters.CharFilter(
        label="对象", field_name="object_label", lookup_expr="icontains", widget=_SEARCH
    )
    result = django_filters.ChoiceFilter(
        label="结果", choices=list(words.RESULTS.items()), empty_label="全部"
    )

    class Meta:
        model = AuditEvent
        form = SpanForm
        fields = ("since", "until", "actor", "address", "act", "kind", "key", "object", "result")

    def filter_queryset(self, queryset: QuerySet[AuditEvent]) -> Any:
        """Nothing where a filter cannot be read: the whole trail would look like the answer."""
        return queryset.none() if self.form.errors else super().filter_queryset(queryset)

    def by_act(self, rows: QuerySet[AuditEvent], name: str, value: str) -> Any:
        return rows.filter(action__in=words.same_words(value))

    def by_since(self, rows: QuerySet[AuditEvent], name: str, value: dt.date) -> Any:
        return rows.filter(at__gte=_begin_of(value))

    def by_until(self, rows: QuerySet[AuditEvent], name: str, value: dt.date) -> Any:
        """To the end of that day."""
        if value == dt.date.max:
            return rows
        return rows.filter(at__lt=_begin_of(value + dt.timedelta(days=1)))
