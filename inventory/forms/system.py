"""The form of a mail system, with its rows of domains and service addresses."""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Column, Div, Field, Fieldset, Layout, Row
from django import forms
from django.utils import timezone

from inventory import codes
from inventory.forms.fields import CodeField, CommaChoices, DayField, speak_plainly
from inventory.forms.rows import RowForm, RowFormSet
from inventory.models import (
    AccessMethod,
    BuildMode,
    EndpointKind,
    MailDomain,
    MailSystem,
    Network,
)
from inventory.ownership import (
    FOREIGN_DOMAIN,
    NEAR_FOREIGN_DOMAIN,
    PUBLIC_SUFFIX,
    claims_near,
    disputed,
    family_of,
    is_public_suffix,
)
from inventory.rules import problems
from inventory.secrecy import CLASSIFIED, CLASSIFIED_LABEL


class AccountCount(forms.IntegerField):
    """How many accounts; the same bound on every database."""

    def __init__(self, *, label: str) -> None:
        super().__init__(label=label, min_value=0, max_value=codes.MOST_ACCOUNTS, required=False)


class SystemForm(forms.ModelForm):  # type: ignore[type-arg]
    """Facts of a mail system. `inventory.secrecy.must_stop` is asked before it is ever bound."""

    not_classified = forms.BooleanField(
        label="本单位确认：本系统不是涉密信息系统",
        required=False,
        help_text="不能确认的，请勿继续填写。",
    )
    networks = CommaChoices(
        label="部署网络", choices=[*Network.choices, (CLASSIFIED, CLASSIFIED_LABEL)]
    )
    maker_uscc = CodeField(label="企业统一社会信用代码", check=codes.credit_code, required=False)
    maker_phone = CodeField(label="企业联系电话", check=codes.phone, required=False)
    started_on = DayField(label="投入运行日期", required=False)
    accounts_total = AccountCount(label="账号总数")
    accounts_active = AccountCount(label="在用账号数")
    accounts_idle = AccountCount(label="近90日未登录账号数")
    access_methods = CommaChoices(
        label="对用户开放的访问方式", choices=AccessMethod.choices, required=False
    )
    graded_on = DayField(label="定级日期", required=False)
    filing_number = CodeField(
        label="备案证明编号",
        check=codes.filing_number,
        required=False,
        help_text="11位加5位数字，例如 11010199001-21001。",
    )
    filed_on = DayField(label="备案日期", required=False)

    class Meta:
        model = MailSystem
        fields = (
            "not_classified",
            "networks",
            "name",
            "build_mode",
            "product",
            "version",
            "maker",
            "maker_uscc",
            "maker_contact",
            "maker_phone",
            "started_on",
            "service_scope",
            "hosting_place",
            "hosting_detail",
            "accounts_total",
            "accounts_active",
            "accounts_idle",
            "access_methods",
            "icp_number",
            "police_record",
            "grade",
            "graded_on",
            "filing_state",
            "filing_number",
            "filed_on",
            "platform_name",
        )
        help_texts = {
            "name": "例如“甲市数据管理局邮件系统”。",
            "platform_name": "选“随平台备案”时填写，例如“甲省政务邮箱平台”。",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            # What nobody chose would be an answer to the self-check that nobody gave.
            for name in ("grade", "filing_state"):
                choices: Any = self.fields[name]
                choices.choices = [("", ""), *choices.choices]
                self.initial[name] = choices.initial = ""
        speak_plainly(self)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = _layout()

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        same = MailSystem.objects.filter(unit_id=self.instance.unit_id, name=name)
        if same.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("本单位已有同名的邮件系统，请换一个能区分的名称。")
        return name

    def clean_networks(self) -> str:
        networks: str = self.cleaned_data["networks"]
        if CLASSIFIED in networks.split(","):  # the gate has stopped this already
            raise forms.ValidationError("涉密网络中的系统不得在本平台填报。")
        return networks

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name, reason in problems(data):
            if name not in self.errors:
                self.add_error(name, reason)
        return data


def _layout() -> Layout:
    half, third = "col-md-6", "col-md-4"
    return Layout(
        Fieldset(
            "先确认",
            "not_classified",
            "networks",
            HTML("{% include 'inventory/_gate_stop.html' %}"),
            css_class="gate",
        ),
        Div(
            Fieldset(
                "系统",
                Row(Column("name", css_class=half), Column("build_mode", css_class=half)),
                Row(Column("started_on", css_class=half), Column("service_scope", css_class=half)),
                Row(
                    Column("hosting_place", css_class=half),
                    Column("hosting_detail", css_class=half),
                ),
            ),
            HTML("{% include 'inventory/_domain_rows.html' %}"),
            HTML("{% include 'inventory/_endpoint_rows.html' %}"),
            Fieldset(
                "产品与企业",
                Row(Column("product", css_class=half), Column("version", css_class=half)),
                Row(Column("maker", css_class=half), Column("maker_uscc", css_class=half)),
                Row(Column("maker_contact", css_class=half), Column("maker_phone", css_class=half)),
            ),
            Fieldset(
                "账号与访问",
                Row(
                    Column("accounts_total", css_class=third),
                    Column("accounts_active", css_class=third),
                    Column("accounts_idle", css_class=third),
                ),
                Field("access_methods", wrapper_class="choices-inline"),
                Row(Column("icp_number", css_class=half), Column("police_record", css_class=half)),
            ),
            Fieldset(
                "网络安全等级保护",
                Row(Column("grade", css_class=half), Column("graded_on", css_class=half)),
                Row(Column("filing_state", css_class=half), Column("filed_on", css_class=half)),
                Row(
                    Column("filing_number", css_class=half),
                    Column("platform_name", css_class=half),
                ),
            ),
            css_class="after-gate",
        ),
    )


class DomainRow(RowForm):
    main = "name"
    name = CodeField(label="邮件域名", check=codes.domain_name, required=False)
    dkim_selectors = CodeField(label="DKIM 选择器", check=codes.dkim_selectors, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        initial = kwargs.get("initial")
        if initial and initial.get("name"):
            kwargs["initial"] = initial | {"name": codes.u_label(initial["name"])}
        super().__init__(*args, **kwargs)


class BaseDomainRows(RowFormSet):
    """Domains of `system`; a name belongs to one system in the whole portal."""

    def __init__(self, *args: Any, system: MailSystem, **kwargs: Any) -> None:
        self.system = system
        super().__init__(*args, **kwargs)

    def clean(self) -> None:
        seen: dict[str, int] = {}
        for number, form in enumerate(self.forms, 1):
            name = form.cleaned_data.get("name")
            if name and name in seen:
                form.add_error("name", f"与第{seen[name]}行重复。")
            elif name:
                seen[name] = number
        taken = (
            MailDomain.objects.filter(name__in=seen)
            .exclude(system_id=self.system.pk)
            .select_related("system")
        )
        for domain in taken:
            own = domain.system.unit_id == self.system.unit_id
            self.forms[seen[domain.name] - 1].add_error(
                "name", f"已登记在本单位的“{domain.system.name}”中。" if own else FOREIGN_DOMAIN
            )
        self._refuse_others(seen)
        if self.forms and not seen and not any(form.errors for form in self.forms):
            self.forms[0].add_error("name", "至少填写一个邮件域名。")

    def _refuse_others(self, seen: dict[str, int]) -> None:
        had = set(self.system.domains.values_list("name", flat=True)) if self.system.pk else set()
        fresh = {name: self.forms[n - 1] for name, n in seen.items() if name not in had}
        for name in [name for name in fresh if is_public_suffix(name)]:
            fresh.pop(name).add_error("name", PUBLIC_SUFFIX)
        if self.system.build_mode != BuildMode.SHARED:
            _refuse_disputed(fresh, "name", self.system)


def _refuse_disputed(fresh: dict[str, RowForm], field: str, system: MailSystem) -> None:
    """Complain at `field` of each row whose name (A-label) is or spans another unit's domain."""
    if not fresh:
        return
    near, friends = claims_near(fresh), family_of(system.unit)
    for name, form in fresh.items():
        if not form.errors and disputed(name, near[name], friends, system.unit_id):
            form.add_error(field, NEAR_FOREIGN_DOMAIN)


class EndpointRow(RowForm):
    main = "host"
    kind = forms.ChoiceField(label="服务", choices=EndpointKind.choices)
    host = CodeField(label="主机名", check=codes.host_name, required=False)
    address = CodeField(label="公网IP", check=codes.public_address, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        initial = kwargs.get("initial")
        if initial and initial.get("host"):
            kwargs["initial"] = initial | {"host": codes.u_label(initial["host"])}
        super().__init__(*args, **kwargs)


class BaseEndpointRows(RowFormSet):
    """Service addresses of `system`; one's own servers do not stand under another's domain."""

    def __init__(self, *args: Any, system: MailSystem, **kwargs: Any) -> None:
        self.system = system
        super().__init__(*args, **kwargs)

    def clean(self) -> None:
        seen: dict[tuple[str, str], int] = {}
        for number, form in enumerate(self.forms, 1):
            data = form.cleaned_data
            if not data.get("host"):
                continue
            key = (data.get("kind", ""), data["host"])
            if key in seen:
                form.add_error("host", f"与第{seen[key]}行的服务和主机名都相同。")
            seen.setdefault(key, number)
        if not self.system.shared_host:
            stored = self.system.endpoints.values_list("host", flat=True) if self.system.pk else []
            had = {host.lower() for host in stored}
            fresh = {host: self.forms[n - 1] for (_, host), n in seen.items() if host not in had}
            _refuse_disputed(fresh, "host", self.system)


# The stubs know no further arguments of a formset's own __init__.
DomainRows: Any = forms.formset_factory(
    DomainRow, formset=BaseDomainRows, extra=0, min_num=1, max_num=100, absolute_max=200
)
EndpointRows: Any = forms.formset_factory(
    EndpointRow, formset=BaseEndpointRows, extra=0, min_num=1, max_num=100, absolute_max=200
)


class RetireForm(forms.Form):
    """When a system went out of service, and why."""

    retired_on = DayField(label="停用日期", initial=timezone.localdate)
    reason = forms.CharField(label="停用理由", max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        speak_plainly(self)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
