"""Filters of the lists behind the figures; they live in the address."""

from typing import Any, Final

import django_filters
from django import forms
from django.db.models import QuerySet

from assessments.models import Campaign
from dashboards.figures import REPORT_STATES
from inventory.filters import ScopedFilterSet
from inventory.models import BuildMode, FilingState, Grade, MailSystem, Sector, Unit
from rectification import filters as rectification
from rectification.models import Finding

_SEARCH: Final = {"type": "search", "maxlength": "120"}


class PlaceFilter(ScopedFilterSet):
    """Region, 本级 only, sector, words: what every list behind a figure can be narrowed by."""

    q = django_filters.CharFilter(
        label="单位", method="by_words", widget=forms.TextInput(attrs=_SEARCH)
    )
    region = django_filters.ChoiceFilter(label="行政区划", method="by_region", empty_label="全部")
    own = django_filters.ChoiceFilter(
        label="范围", method="by_own", choices=[("1", "仅本级")], empty_label="含下级"
    )

    def by_words(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(**{f"{self.unit_path}name__icontains": value.strip()})

    def by_own(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return own_only(self, rows)


class UnitFilter(PlaceFilter):
    campaign = django_filters.ModelChoiceFilter(
        label="专项行动",
        queryset=Campaign.objects.none(),
        method="as_given",
        empty_label="最近一次",
    )
    sector = django_filters.ModelChoiceFilter(
        label="行业类别", queryset=Sector.objects.all(), empty_label="全部"
    )
    report = django_filters.ChoiceFilter(
        label="报送",
        method="by_report",
        choices=[(slug, label) for slug, (label, _) in REPORT_STATES.items()],
        empty_label="全部",
    )

    class Meta:
        model = Unit
        fields = ("q", "campaign", "region", "own", "sector", "report")

    def __init__(self, *args: Any, campaigns: QuerySet[Campaign], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["campaign"].queryset = campaigns

    def as_given(self, rows: QuerySet[Unit], name: str, value: Campaign) -> QuerySet[Unit]:
        """The rows already carry their self-check in this campaign (figures.units_of)."""
        return rows

    def by_report(self, rows: QuerySet[Unit], name: str, value: str) -> QuerySet[Unit]:
        return rows.filter(REPORT_STATES[value][1])


class SystemFilter(PlaceFilter):
    unit_path = "unit__"

    sector = django_filters.ModelChoiceFilter(
        field_name="unit__sector",
        label="行业类别",
        queryset=Sector.objects.all(),
        empty_label="全部",
    )
    build_mode = django_filters.ChoiceFilter(
        label="建设方式", choices=BuildMode.choices, empty_label="全部"
    )
    grade = django_filters.ChoiceFilter(label="等级", choices=Grade.choices, empty_label="全部")
    filing_state = django_filters.ChoiceFilter(
        label="备案情况", choices=FilingState.choices, empty_label="全部"
    )

    class Meta:
        model = MailSystem
        fields = ("q", "region", "own", "sector", "build_mode", "grade", "filing_state")


class FindingFilter(rectification.FindingFilter):
    """The filter of the list of findings, and 本级 only."""

    own = django_filters.ChoiceFilter(
        label="范围", method="by_own", choices=[("1", "仅本级")], empty_label="含下级"
    )

    class Meta:
        model = Finding
        fields = ("q", "status", "severity", "overdue", "region", "own", "sector")

    def by_own(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return own_only(self, rows)


def own_only(found: ScopedFilterSet, rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows of units whose own code is the region's, not those of its inner parts."""
    region = found.data.get("region", "")
    return rows.filter(**{f"{found.unit_path}region_id": region}) if region else rows
