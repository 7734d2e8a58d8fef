"""Filters of the register."""

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from reports.models import Document


class DocumentFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(
        label="文号、单位或验证码",
        method="by_text",
        widget=forms.TextInput(attrs={"type": "search", "maxlength": "60"}),
    )
    kind = django_filters.ChoiceFilter(
        label="种类", choices=Document.Kind.choices, empty_label="全部"
    )

    class Meta:
        model = Document
        fields = ("q", "kind")

    def by_text(self, rows: QuerySet[Document], name: str, value: str) -> QuerySet[Document]:
        text = value.strip()
        return rows.filter(
            Q(number__icontains=text)
            | Q(unit__name__icontains=text)
            | Q(verification_code__iexact=text)
        )
