"""Filters of the lists. They live in the address, so that a figure can link to its rows."""

from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from emailsec.lib.http import whole
from inventory import codes
from inventory.models import (
    Affiliation,
    Authority,
    BuildMode,
    FilingState,
    Grade,
    MailSystem,
    Office,
    Region,
    Sector,
    Unit,
)


def region_choices(units: QuerySet[Unit]) -> list[tuple[str, str]]:
    """The regions in which `units` lie and those above them; counties with their city's name."""
    held = set(units.order_by().values_list("region_id", flat=True).distinct())
    wanted = held | {c[:4] + "00" for c in held} | {c[:2] + "0000" for c in held}
    rows = Region.objects.filter(pk__in=wanted).select_related("parent")
    return [
        (r.pk, f"{r.parent.name}{r.name}" if r.level == 3 and r.parent else r.name) for r in rows
    ]


def region_prefix(code: str) -> str:
    """The digits that a region and all within it share, from the code alone."""
    while code.endswith("00") and len(code) > 2:
        code = code[:-2]
    return code


class PlaceFilter(django_filters.FilterSet):
    """Region, 本级 and one unit: what every list of what units own can be narrowed by.

    The choices of regions come from what the person may see. Subclasses set `unit_path`, the lookup
    that leads to the unit.
    """

    unit_path = ""

    region = django_filters.ChoiceFilter(label="行政区划", method="by_region", empty_label="全部")
    own = django_filters.ChoiceFilter(
        label="范围", method="by_own", choices=[("1", "仅本级")], empty_label="含下级"
    )
    # Reached from the page of a unit, never chosen from a list of perhaps thousands.
    unit = django_filters.ChoiceFilter(label="单位", method="by_unit", widget=forms.HiddenInput)

    def __init__(self, *args: Any, units: QuerySet[Unit], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["region"].extra["choices"] = region_choices(units)
        asked = str(self.data.get("unit", "")) if self.data else ""
        known = units.filter(pk=whole(asked) or 0)
        self.filters["unit"].extra["choices"] = [(str(unit.pk), unit.name) for unit in known]

    def by_region(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(**{f"{self.unit_path}region__code__startswith": region_prefix(value)})

    def by_unit(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(**{f"{self.unit_path}pk": value})

    def by_own(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Units whose own code is the region's, not those of its inner parts."""
        region = self.form.cleaned_data.get("region")
        return rows.filter(**{f"{self.unit_path}region_id": region}) if region else rows


def _domain_part(text: str) -> str:
    try:
        return codes.domain_name(text)
    except ValueError:
        return text.lower()


class UnitFilter(PlaceFilter):
    q = django_filters.CharFilter(
        label="名称、代码或域名",
        method="by_text",
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    sector = django_filters.ModelChoiceFilter(
        label="行业类别", queryset=Sector.objects.all(), empty_label="全部"
    )
    affiliation = django_filters.ChoiceFilter(
        label="隶属关系", choices=Affiliation.choices, empty_label="全部"
    )

    class Meta:
        model = Unit
        fields = ("q", "region", "own", "sector", "affiliation")

    def by_text(self, rows: QuerySet[Unit], name: str, value: str) -> QuerySet[Unit]:
        text = value.strip()
        domain = _domain_part(text)
        return rows.filter(
            Q(name__icontains=text)
            | Q(uscc__istartswith=text)
            | Q(
                pk__in=MailSystem.objects.filter(
                    domains__removed_on=None, domains__name__contains=domain
                ).values("unit_id")
            )
        )


class SystemFilter(PlaceFilter):
    unit_path = "unit__"

    q = django_filters.CharFilter(
        label="系统、单位或域名",
        method="by_text",
        widget=forms.TextInput(attrs={"type": "search"}),
    )
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

    def by_text(self, rows: QuerySet[MailSystem], name: str, value: str) -> QuerySet[MailSystem]:
        text = value.strip()
        held = MailSystem.objects.filter(
            domains__removed_on=None, domains__name__contains=_domain_part(text)
        )
        return rows.filter(
            Q(name__icontains=text) | Q(unit__name__icontains=text) | Q(pk__in=held.values("pk"))
        )


class OfficeFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(
        label="名称或简称",
        method="by_text",
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    kind = django_filters.ChoiceFilter(label="类别", choices=Authority.choices, empty_label="全部")
    standing = django_filters.ChoiceFilter(
        label="状态",
        method="by_standing",
        choices=[("in_use", "在用"), ("retired", "已停用")],
        empty_label="全部",
    )

    class Meta:
        model = Office
        fields = ("q", "kind", "standing")

    def by_standing(self, rows: QuerySet[Office], name: str, value: str) -> QuerySet[Office]:
        return rows.filter(retired_on__isnull=value == "in_use")

    def by_text(self, rows: QuerySet[Office], name: str, value: str) -> QuerySet[Office]:
        text = value.strip()
        return rows.filter(Q(name__icontains=text) | Q(short_name__icontains=text))
