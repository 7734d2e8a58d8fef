"""The form of a letter of authorisation, and the upload of its stamped scan."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Field, Layout, Submit
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

from emailsec.lib.workdays import today
from inventory import codes
from inventory.models import ContactRole, MailSystem
from inventory.ownership import claims_near, disputed, family_of
from scans.models import Authorization, AuthorizationItem
from scans.permission import is_provider_host

if TYPE_CHECKING:
    _LetterForm = forms.ModelForm[Authorization]
else:
    _LetterForm = forms.ModelForm

MAX_HOSTS = 100
_DATE = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def a_year_after(day: dt.date) -> dt.date:
    """The last day that a letter beginning on `day` may hold: one year, less a day."""
    try:
        return day.replace(year=day.year + 1) - dt.timedelta(days=1)
    except ValueError:  # 29 February
        return dt.date(day.year + 1, 2, 28)


def _a_label(text: str) -> str:
    try:
        return codes.host_name(text)
    except ValueError:
        return ""


def declared_names(system: MailSystem) -> list[str]:
    """A-labels of the system's domains and declared hosts, in the order of the inventory."""
    names = [domain.name for domain in system.domains.all()]
    names += [endpoint.host.lower() for endpoint in system.endpoints.all()]
    return list(dict.fromkeys(names))


class AuthorizationForm(_LetterForm):
    """What the letter says. A unit can permit only what is its own or what it has declared."""

    relay = forms.BooleanField(
        label=str(AuthorizationItem.RELAY.label),
        required=False,
        help_text=AuthorizationItem.RELAY.detail,
    )

    class Meta:
        model = Authorization
        fields = (
            "hosts",
            "valid_from",
            "valid_to",
            "signed_by",
            "contact_name",
            "contact_phone",
        )
        widgets = {
            "hosts": forms.Textarea(attrs={"rows": 8, "class": "mono", "spellcheck": "false"}),
            "valid_from": _DATE,
            "valid_to": _DATE,
        }
        help_texts = {
            "hosts": "一行一个。已按系统资料填入邮件域名和服务地址；不愿被检测的请删去。"
            "没有列出的不探测；所列域名的 MX 记录和网页跳转指向其他主机的，只作常规连接。",
            "valid_to": "最长一年，到期自动失效。",
            "signed_by": "在授权书上签名的单位负责人。",
            "contact_name": "检测期间能随时叫停的人。",
        }
        error_messages = {
            "hosts": {"required": "请至少列出一个邮件域名。"},
        }

    def __init__(self, *args: Any, system: MailSystem, **kwargs: Any) -> None:
        self.system = system
        kwargs.setdefault("initial", self._proposed())
        super().__init__(*args, **kwargs)
        self.fields["hosts"].label = "授权检测的域名和主机"
        self.fields["valid_from"].label = "授权自"
        self.fields["valid_to"].label = "授权至"
        self.fields["contact_phone"].validators.append(
            RegexValidator(r"^[0-9+][0-9\- ]{4,24}$", "电话只能含数字、空格和连字符。")
        )
        if system.shared_host:
            del self.fields["relay"]
        self.helper = self._helper()

    def _proposed(self) -> dict[str, Any]:
        contacts = {contact.role: contact for contact in self.system.unit.contacts.all()}
        leader, liaison = contacts.get(ContactRole.LEADER), contacts.get(ContactRole.LIAISON)
        names = [codes.u_label(name) for name in declared_names(self.system)]
        return {
            "hosts": "\n".join(names),
            "valid_from": today(),
            "valid_to": a_year_after(today()),
            "signed_by": leader.name if leader else "",
            "contact_name": liaison.name if liaison else "",
            "contact_phone": (liaison.mobile or liaison.office_phone) if liaison else "",
        }

    def _helper(self) -> FormHelper:
        helper = FormHelper()
        helper.attrs = {"novalidate": ""}
        parts: list[Any] = [Field("hosts")]
        if "relay" in self.fields:
            parts.append(Field("relay"))
        two = "col-sm-6"
        parts += [
            Div(
                Div(Field("valid_from"), css_class=two),
                Div(Field("valid_to"), css_class=two),
                css_class="row",
            ),
            Field("signed_by"),
            Div(
                Div(Field("contact_name"), css_class=two),
                Div(Field("contact_phone"), css_class=two),
                css_class="row",
            ),
            Submit("save", "保存并生成授权书", css_class="btn-primary"),
        ]
        helper.layout = Layout(*parts)
        return helper

    def clean_hosts(self) -> str:
        """Return A-labels, one a line."""
        text = self.cleaned_data["hosts"].replace("，", "\n").replace(",", "\n")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if len(lines) > MAX_HOSTS:
            raise ValidationError(f"一份授权书最多列 {MAX_HOSTS} 个，现有 {len(lines)} 个。")
        domains = [domain.name for domain in self.system.domains.all()]
        asked = {line: name for line in lines if (name := _a_label(line))}
        near, friends = claims_near(set(asked.values())), family_of(self.system.unit)
        declared = set(declared_names(self.system))
        names: list[str] = []
        wrong: list[str] = []
        for line in lines:
            try:
                name = codes.host_name(line)
            except ValueError as error:
                wrong.append(f"“{line}”：{error}")
                continue
            own = name in declared or any(name.endswith("." + domain) for domain in domains)
            if not own:
                wrong.append(
                    f"“{line}”不是本系统登记的域名、服务地址或其下级域名，本单位无权授权；"
                    "确属本系统的，请先在系统资料中登记。"
                )
            elif not self.system.shared_host and disputed(
                name, near[name], friends, self.system.unit_id
            ):
                wrong.append(
                    f"“{line}”在其他单位登记的域名之下，本单位无权授权；请先更正系统资料。"
                )
            names.append(name)
        if wrong:
            raise ValidationError(wrong)
        if not set(names) & set(domains):
            raise ValidationError("请至少列出一个本系统的邮件域名。")
        return "\n".join(dict.fromkeys(names))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        start, end = data.get("valid_from"), data.get("valid_to")
        if start and start < today():
            self.add_error("valid_from", "起始日期不能早于今天。")
        if start and end:
            if end < start:
                self.add_error("valid_to", "截止日期不能早于起始日期。")
            elif end > a_year_after(start):
                self.add_error("valid_to", "授权最长一年，请缩短期限。")
        if data.get("relay"):
            shared = [h for h in data.get("hosts", "").split("\n") if h and is_provider_host(h)]
            if shared:
                self.add_error(
                    "relay",
                    f"{shared[0]} 由邮件服务商运营，匿名转发测试须由服务商另行授权；请取消勾选。",
                )
        return data

    def fields_of_letter(self) -> dict[str, Any]:
        """Return the columns for `actions.draft_authorization`."""
        data = dict(self.cleaned_data)
        items = [AuthorizationItem.ORDINARY.value]
        if data.pop("relay", False):
            items.append(AuthorizationItem.RELAY.value)
        return data | {"items": ",".join(items)}


class LetterScanForm(forms.Form):
    """The stamped scan of the letter."""

    scan = forms.FileField(
        label="盖章扫描件",
        help_text="pdf、png 或 jpg，不超过 10 MB；须看清签名、公章和日期。",
        widget=forms.ClearableFileInput(attrs={"accept": ".pdf,.png,.jpg,.jpeg"}),
        error_messages={
            "required": "请选择盖章后的扫描件。",
            "empty": "文件是空的，请检查后重新选择。",
        },
    )


class VoidForm(forms.Form):
    """Why a letter is declared void."""

    reason = forms.CharField(
        label="作废理由",
        max_length=200,
        help_text="会告知单位，并记入审计日志。",
        error_messages={"required": "请填写作废理由。"},
    )
