"""The form of a unit, with its contacts and registered domains; and the form that moves it."""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Column, Field, Fieldset, Layout, Row
from django import forms

from inventory import codes
from inventory.actions import ContactEntry, propose_supervision
from inventory.forms.fields import CodeField, DomainLines, RegionField, ask_to_choose
from inventory.models import ContactRole, KeyIndustry, Office, Sector, Unit, phone_validator


class UnitForm(forms.ModelForm):  # type: ignore[type-arg]
    """Facts of a unit. The unit's page remarks where credit code and kind do not suit."""

    uscc = CodeField(
        label="统一社会信用代码",
        check=codes.credit_code,
        help_text="18位；内设机构没有代码的，填上级法人的代码并与监管机关联系。",
    )
    sector = forms.ModelChoiceField(label="行业类别", queryset=Sector.objects.filter(active=True))
    key_industries = forms.ModelMultipleChoiceField(
        label="重点行业",
        queryset=KeyIndustry.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="不属于的不选。",
    )
    region = RegionField()
    registered_domains = DomainLines(
        label="本单位全部已注册域名",
        required=False,
        help_text="一行一个，含官网和不用于邮件的域名；用于发现漏报的邮件系统。",
    )

    class Meta:
        model = Unit
        fields = (
            "name",
            "uscc",
            "kind",
            "affiliation",
            "sector",
            "key_industries",
            "region",
            "address",
            "competent_department",
        )
        help_texts = {"name": "与统一社会信用代码证书一致。"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            names = self.instance.registered_domains.values_list("name", flat=True)
            self.initial["registered_domains"] = list(names)
        ask_to_choose(self)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = self.layout()

    def layout(self) -> Layout:
        half = "col-md-6"
        return Layout(
            Fieldset(
                "单位",
                Row(Column("name", css_class=half), Column("uscc", css_class=half)),
                Row(Column("kind", css_class=half), Column("affiliation", css_class=half)),
                Row(
                    Column("sector", css_class=half),
                    Column("competent_department", css_class=half),
                ),
                Field("key_industries", wrapper_class="choices-inline"),
                Field("region", template="inventory/_region_field.html"),
                "address",
                *self.more(),
            ),
            HTML("{% include 'inventory/_contact_forms.html' %}"),
            Fieldset("域名", "registered_domains"),
        )

    def more(self) -> list[str]:
        """Further fields of a subclass, shown with the unit's facts."""
        return []

    def clean_name(self) -> str:
        return "".join(self.cleaned_data["name"].split())

    def clean_uscc(self) -> str:
        code: str = self.cleaned_data["uscc"]
        if Unit.objects.filter(uscc=code).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(
                "此统一社会信用代码已被登记；列表中查不到的，请联系上级监管机关核对监管关系。"
            )
        return code


class NewUnitForm(UnitForm):
    """A unit that an office registers, with the office that is to supervise it."""

    office = forms.ModelChoiceField(
        label="监管机关",
        queryset=Office.objects.none(),
        required=False,
        empty_label="按隶属关系和区划自动确定",
        help_text="只能选本机关及下级机关。",
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["office"].queryset = Office.objects.under(user)  # type: ignore[attr-defined]

    def more(self) -> list[str]:
        return ["office"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        known = all(data.get(name) for name in ("affiliation", "region"))
        if known and not data.get("office") and "office" not in self.errors:
            proposed = propose_supervision(
                affiliation=data["affiliation"],
                region=data["region"],
                kind=self.user.office.kind,
            )
            if proposed in self.fields["office"].queryset:  # type: ignore[attr-defined]
                data["office"] = proposed
            else:
                whose = (
                    f"应由{proposed}监管，不在您的管辖范围内" if proposed else "无法确定监管机关"
                )
                self.add_error(
                    "office", f"按隶属关系和区划，该单位{whose}；确需由您处监管的，请在此选定。"
                )
        return data


class ContactForm(forms.Form):
    """Who to call, for one role. An empty name means that the role is not filled."""

    name = forms.CharField(label="姓名", max_length=30, required=False)
    department = forms.CharField(label="部门", max_length=60, required=False)
    title = forms.CharField(label="职务", max_length=40, required=False)
    office_phone = forms.CharField(
        label="办公电话", max_length=25, required=False, validators=[phone_validator]
    )
    mobile = forms.CharField(
        label="手机", max_length=25, required=False, validators=[phone_validator]
    )

    def __init__(self, *args: Any, role: ContactRole, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.role = role

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        others = [n for n in ("department", "title", "office_phone", "mobile") if data.get(n)]
        if others and not data.get("name"):
            self.add_error("name", "请填写姓名；该角色暂缺的，请清空这一行。")
        reachable = data.get("office_phone") or data.get("mobile")
        if data.get("name") and not reachable and not self.errors:
            self.add_error("mobile", "办公电话和手机至少填写一个。")
        return data

    @property
    def entry(self) -> ContactEntry:
        return ContactEntry(role=self.role, **self.cleaned_data)


def contact_forms(unit: Unit, data: Any) -> list[ContactForm]:
    """Return one form per role, filled from the unit's contacts."""
    now = {c.role: c for c in unit.contacts.all()} if unit.pk else {}
    names = ("name", "department", "title", "office_phone", "mobile")
    return [
        ContactForm(
            data,
            role=role,
            prefix=f"contact_{role.value}",
            initial={name: getattr(now[role], name) for name in names} if role in now else None,
        )
        for role in ContactRole
    ]


class TransferForm(forms.Form):
    """Where a unit goes, and why."""

    office = forms.ModelChoiceField(label="变更后的监管机关", queryset=Office.objects.none())
    reason = forms.CharField(label="理由", max_length=200)

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offices = Office.objects.filter(kind=kind)
        self.fields["office"].queryset = offices  # type: ignore[attr-defined]
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
