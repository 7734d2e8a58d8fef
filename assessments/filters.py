"""Filter of the self-checks of a campaign. It lives in the address, so that a figure can link to
its rows."""

from typing import Any

import django_filters
from django import forms

from assessments.models import SelfCheck
from inventory.filters import PlaceFilter
from inventory.models import Sector

REPORTED, MISSING = "reported", "missing"


class SelfCheckFilter(PlaceFilter):
    unit_path = "unit__"

    q = django_filters.CharFilter(
        label="单位",
        field_name="unit__name",
        lookup_expr="icontains",
        widget=forms.TextInput(attrs={"type": "search", "maxlength": "120"}),
    )
    status = django_filters.ChoiceFilter(
        label="状态",
        method="by_status",
        choices=[(REPORTED, "已报送"), (MISSING, "未报送"), *SelfCheck.Status.choices],
        empty_label="全部",
    )
    sector = django_filters.ModelChoiceFilter(
        field_name="unit__sector",
        label="行业类别",
        queryset=Sector.objects.all(),
        empty_label="全部",
    )

    class Meta:
        model = SelfCheck
        fields = ("q", "status", "region", "own", "sector")

    def by_status(self, rows: Any, name: str, value: str) -> Any:
        if value == REPORTED:
            return rows.reported()
        return rows.to_be_urged() if value == MISSING else rows.filter(status=value)
