"""The form of a unit, with its contacts and registered domains."""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Column, Field, Fieldset, Layout, Row
from django import forms

from inventory import codes
from inventory.actions import ContactEntry
from inventory.forms.fields import CodeField, DomainLines, RegionField, speak_plainly
from inventory.jurisdiction import beyond, propose_supervision
from inventory.models import ContactRole, KeyIndustry, Office, Region, Sector, Unit
from inventory.ownership import refusals, supervised_by

_HALF = "col-md-6"


class UnitFactsForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a unit itself keeps up to date. Who it is, is shown; only its office changes that."""

    sector = forms.ModelChoiceField(label="行业类别", queryset=Sector.objects.filter(active=True))
    key_industries = forms.ModelMultipleChoiceField(
        label="重点行业",
        queryset=KeyIndustry.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="不属于的不选。",
    )
    registered_domains = DomainLines(
        label="本单位全部已注册域名",
        required=False,
        help_text="一行一个，含官网和不用于邮件的域名；用于发现漏报的邮件系统。",
    )

    class Meta:
        model = Unit
        fields: tuple[str, ...] = (
            "kind",
            "sector",
            "key_industries",
            "address",
            "competent_department",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            names = self.instance.registered_domains.values_list("name", flat=True)
            self.initial["registered_domains"] = list(names)
        speak_plainly(self)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout(
            *self.facts(),
            HTML("{% include 'inventory/_contact_forms.html' %}"),
            Fieldset("域名", "registered_domains"),
        )

    def clean_registered_domains(self) -> list[str]:
        names: list[str] = self.cleaned_data["registered_domains"]
        refused = refusals(names, self.instance, friends=self.friends())
        if refused:
            raise forms.ValidationError(
                [f"“{codes.u_label(name)}”：{reason}" for name, reason in refused.items()]
            )
        return names

    def friends(self) -> set[int]:
        """Units, beside its superior and inferiors, that may have a domain in common with it."""
        return set()

    def facts(self) -> list[Any]:
        """The facts of the unit as the layout shows them."""
        return [
            HTML("{% include 'inventory/_identity.html' with unit=form.instance %}"),
            Fieldset(
                "单位情况",
                Row(Column("kind", css_class=_HALF), Column("sector", css_class=_HALF)),
                Field("key_industries", wrapper_class="choices-inline"),
                "competent_department",
                "address",
            ),
        ]


class UnitForm(UnitFactsForm):
    """The unit as its office keeps it. The unit's page remarks where code and kind do not suit."""

    uscc = CodeField(
        label="统一社会信用代码",
        check=codes.credit_code,
        help_text="18位；内设机构没有代码的，填上级法人的代码并与监管机关联系。",
    )
    region = RegionField()

    class Meta(UnitFactsForm.Meta):
        fields = (*UnitFactsForm.Meta.fields, *Unit.IDENTITY)
        help_texts = {"name": "与统一社会信用代码证书一致。"}

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)

    def friends(self) -> set[int]:
        return supervised_by(self.user)

    def facts(self) -> list[Any]:
        return [
            Fieldset(
                "单位",
                Row(Column("name", css_class=_HALF), Column("uscc", css_class=_HALF)),
                Row(Column("kind", css_class=_HALF), Column("affiliation", css_class=_HALF)),
                Row(
                    Column("sector", css_class=_HALF),
                    Column("competent_department", css_class=_HALF),
                ),
                Field("key_industries", wrapper_class="choices-inline"),
                Field("region", template="inventory/_region_field.html"),
                "address",
                *self.more(),
            )
        ]

    def more(self) -> list[str]:
        """Further fields of a subclass, shown with the unit's facts."""
        return []

    def clean_name(self) -> str:
        try:
            return codes.opening("".join(self.cleaned_data["name"].split()))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None

    def clean_uscc(self) -> str:
        code: str = self.cleaned_data["uscc"]
        if Unit.objects.filter(uscc=code).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(
                "此统一社会信用代码已被登记；列表中查不到的，请联系上级监管机关核对监管关系。"
            )
        return code

    def clean_region(self) -> Region:
        region: Region = self.cleaned_data["region"]
        if self.instance.pk and region.pk != self.instance.region_id:
            for row in self.instance.supervisions.select_related("office__region"):
                if reason := beyond(region, row.office):
                    raise forms.ValidationError(
                        f"{reason}单位确已迁出的，请用“变更监管关系”，并在那里填写新的区划。"
                    )
        return region


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
        super().__init__(*args, user=user, **kwargs)
        offices = Office.objects.under(user).in_use()
        self.fields["office"].queryset = offices  # type: ignore[attr-defined]

    def more(self) -> list[str]:
        return ["office"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self._check_area(data)
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

    def _check_area(self, data: dict[str, Any]) -> None:
        """The region must lie within the area of the office chosen, or of the person's own."""
        office = data.get("office") or self.user.office
        if data.get("region") and (reason := beyond(data["region"], office)):
            self.add_error("region", f"{reason}请核对区划；其他地区的单位由当地监管机关登记。")


class ContactForm(forms.Form):
    """Who to call, for one role. An empty name means that the role is not filled."""

    name = forms.CharField(label="姓名", max_length=30, required=False)
    department = forms.CharField(label="部门", max_length=60, required=False)
    title = forms.CharField(label="职务", max_length=40, required=False)
    office_phone = CodeField(label="办公电话", check=codes.phone, required=False)
    mobile = CodeField(label="手机", check=codes.phone, required=False)

    def __init__(self, *args: Any, role: ContactRole, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        speak_plainly(self)
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
