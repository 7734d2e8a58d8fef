"""The forms by which a unit passes to another office, and by which others may read it."""

import datetime as dt
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.utils import timezone

from inventory import codes
from inventory.forms.fields import CodeField, RegionField, speak_plainly
from inventory.jurisdiction import beyond
from inventory.models import Office, Unit


class _PlainForm(forms.Form):
    """Tag and button stand in the template; `key` keeps the ids of several forms apart."""

    key = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if self.key:
            kwargs.setdefault("auto_id", f"id_{self.key}_%s")
        super().__init__(*args, **kwargs)
        speak_plainly(self)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True


class TransferForm(_PlainForm):
    """Where a unit goes, and why; where it has moved, also the new place."""

    office = forms.ModelChoiceField(label="变更后的监管机关", queryset=Office.objects.none())
    region = RegionField(
        label="新的行政区划代码",
        required=False,
        help_text="单位迁到别的地区的，填写六位代码；没有迁的空着。",
    )
    reason = forms.CharField(label="理由", max_length=200, help_text="移交双方的消息中都会写明。")

    def __init__(self, *args: Any, unit: Unit, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unit = unit
        offices = Office.objects.in_use().filter(kind=kind).select_related("region")
        self.fields["office"].queryset = offices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        office, region = data.get("office"), data.get("region")
        if office and (reason := beyond(region or self.unit.region, office)):
            self.add_error(
                "region" if region else "office",
                reason if region else f"{reason}单位已迁到那里的，请同时填写新的行政区划代码。",
            )
        return data


class DeclineForm(_PlainForm):
    """Why a unit is not taken over."""

    reason = forms.CharField(label="不予接收的理由", max_length=200, help_text="移交机关会看到。")


class ReaderField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """An office, by its name and kind: an enterprise is not taken for an authority."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name}（{obj.get_kind_display()}）" if obj.only_reads else str(obj)


class DelegationForm(_PlainForm):
    """Who may read a unit for a time."""

    key = "delegation"
    office = ReaderField(label="授权查阅的机关", queryset=Office.objects.in_use())
    until = forms.DateField(
        label="截止日期",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="当日仍可查阅；最长一年。",
    )
    reason = forms.CharField(label="事由", max_length=200, help_text="例如“联合检查”。")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("until", timezone.localdate() + dt.timedelta(days=30))


class SuperiorForm(_PlainForm):
    """The superior unit, and whether it may read."""

    key = "superior"
    uscc = CodeField(
        label="上级单位的统一社会信用代码",
        check=codes.credit_code,
        required=False,
        help_text="没有上级单位的空着。",
    )
    may_read = forms.BooleanField(
        label="上级单位可查阅",
        required=False,
        help_text="只能查阅，不能填报和办理；上级单位与本单位可共用域名，不受此项影响。",
    )

    def __init__(self, *args: Any, unit: Unit, **kwargs: Any) -> None:
        now = {
            "uscc": unit.superior.uscc if unit.superior else "",
            "may_read": unit.superior_may_read,
        }
        super().__init__(*args, initial=now, **kwargs)
