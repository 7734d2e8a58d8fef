"""The form of a supervising office."""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Field, Fieldset, Layout, Row
from django import forms
from django.db.models import Q

from inventory import codes
from inventory.forms.fields import CodeField, RegionField, speak_plainly
from inventory.models import Office
from inventory.offices import problems


class ParentField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name}（{obj.get_kind_display()}）"


class OfficeForm(forms.ModelForm):  # type: ignore[type-arg]
    """An office as the 系统管理员 keeps it; its place in the tree decides who sees which units."""

    parent = ParentField(
        label="上级",
        queryset=Office.objects.in_use(),
        required=False,
        empty_label="（没有上级）",
        help_text="上级机关的人员能看到本机关及其下级监管的全部单位。",
    )
    region = RegionField(
        label="所在区划",
        help_text="即管辖范围：只能监管其中的单位，注册申请和新登记的单位按它分派。各类机关都须填写。",
    )
    phone = CodeField(label="联系电话", check=codes.phone, required=False)

    class Meta:
        model = Office
        fields = (
            "kind",
            "name",
            "short_name",
            "parent",
            "region",
            "issuer_name",
            "number_prefix",
            "own_numbering",
            "address",
            "phone",
        )
        help_texts = {
            "kind": "邮件服务提供方不监管单位，只查阅授权给它的单位；其人员不论角色都只能查阅。",
            "name": "全称，例如“甲市公安局网安支队”。",
            "short_name": "列表中使用，例如“甲市支队”。",
            "own_numbering": "不选的，拟稿时填写本机关办案平台登记的文号。",
        }
        error_messages = {"name": {"unique": "已有同名的监管机关。"}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            standing = Q(retired_on=None) | Q(pk=self.instance.parent_id)
            others = Office.objects.filter(standing).exclude(path__startswith=self.instance.path)
            self.fields["parent"].queryset = others  # type: ignore[attr-defined]
        speak_plainly(self)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        half = "col-md-6"
        self.helper.layout = Layout(
            Fieldset(
                "机关",
                Row(Column("name", css_class=half), Column("short_name", css_class=half)),
                Row(Column("kind", css_class=half), Column("parent", css_class=half)),
                Field("region", template="inventory/_region_field.html"),
                Row(Column("address", css_class=half), Column("phone", css_class=half)),
            ),
            Fieldset(
                "文书",
                Row(Column("issuer_name", css_class=half), Column("number_prefix", css_class=half)),
                "own_numbering",
            ),
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not {"kind", "parent", "region", "number_prefix"} & set(self.errors):
            # A draft of its own: the instance is filled in only after this.
            draft = Office(pk=self.instance.pk, retired_on=self.instance.retired_on)
            for name in ("kind", "parent", "region", "number_prefix"):
                setattr(draft, name, data[name])
            for name, reason in problems(draft):
                self.add_error(name, reason)
        return data


class RetireOfficeForm(forms.Form):
    """Why an office goes out of use."""

    reason = forms.CharField(
        label="停用理由", max_length=200, help_text="例如“机构改革后并入甲市支队”。"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        speak_plainly(self)
