"""Forms of a unit's application, and of the office that decides on it."""

import datetime as dt
import secrets
from typing import TYPE_CHECKING, Any, Final, cast

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Div, Field, Fieldset, Layout, Row
from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import QueryDict

from accounts.actions import Proof
from accounts.models import Registration
from accounts.policy import policy
from emailsec.lib.uploads import check_upload
from inventory import codes
from inventory.forms.fields import CodeField, DomainLines, RegionField, speak_plainly, titled
from inventory.jurisdiction import propose_supervision
from inventory.models import Office, Sector
from inventory.ownership import PUBLIC_SUFFIX, is_public_suffix

if TYPE_CHECKING:
    _RegistrationForm = forms.ModelForm[Registration]
else:
    _RegistrationForm = forms.ModelForm

_HALF: Final = "col-md-6"
_KINDS: Final = ("pdf", "jpg", "png")
_SALT: Final = "accounts.registration"
_STALE: Final = dt.timedelta(hours=24)


def fresh_page() -> str:
    """The signed mark of a page: when it was given out, and a nonce of its own."""
    return signing.TimestampSigner(salt=_SALT).sign(secrets.token_hex(16))


class RegistrationForm(_RegistrationForm):
    """What a unit says of itself; `data` is a mutable QueryDict. A machine gives itself away by its
    haste, or by filling a field that no person sees."""

    uscc = CodeField(
        label="统一社会信用代码", check=codes.credit_code, help_text="18位，与证书一致。"
    )
    sector = forms.ModelChoiceField(label="行业类别", queryset=Sector.objects.filter(active=True))
    region = RegionField()
    contact_phone = CodeField(
        label="联系电话", check=codes.phone, help_text="审批中有疑问时，监管机关用它与您核实。"
    )
    domains = DomainLines(
        label="邮件域名", required=False, help_text="选填，一行一个；例如 example.gov.cn。"
    )
    proof = forms.FileField(
        label="证明材料",
        help_text="统一社会信用代码证书（或法人证书、营业执照）的扫描件，"
        "pdf、jpg、png，不超过 10 MB。不得含涉密内容。",
        widget=forms.ClearableFileInput(attrs={"accept": ".pdf,.jpg,.jpeg,.png"}),
    )
    page = forms.CharField(required=False, widget=forms.HiddenInput)
    website = forms.CharField(label="请不要填写这一栏", required=False)

    class Meta:
        model = Registration
        fields = (
            "name",
            "uscc",
            "kind",
            "affiliation",
            "sector",
            "region",
            "contact_name",
            "contact_department",
            "contact_phone",
        )
        help_texts = {"name": "与统一社会信用代码证书一致。"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.office: Office | None = None
        self.nonce = ""
        speak_plainly(self)
        self.fields["website"].widget.attrs |= {"tabindex": "-1", "autocomplete": "off"}
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = self._layout()

    def _layout(self) -> Layout:
        return Layout(
            Fieldset(
                "单位",
                Row(Column("name", css_class=_HALF), Column("uscc", css_class=_HALF)),
                Row(Column("kind", css_class=_HALF), Column("affiliation", css_class=_HALF)),
                "sector",
                Field("region", template="inventory/_region_field.html"),
                "domains",
            ),
            Fieldset(
                "联系人",
                Row(
                    Column("contact_name", css_class=_HALF),
                    Column("contact_department", css_class=_HALF),
                ),
                "contact_phone",
            ),
            Fieldset("证明材料", "proof"),
            Div("website", css_class="visually-hidden", aria_hidden="true"),
            "page",
        )

    def clean_name(self) -> str:
        return titled("".join(self.cleaned_data["name"].split()))

    def clean_contact_name(self) -> str:
        return titled(" ".join(self.cleaned_data["contact_name"].split()))

    def clean_contact_department(self) -> str:
        return titled(self.cleaned_data["contact_department"].strip())

    def clean_domains(self) -> list[str]:
        """Refuse what is nobody's. Whether a name is held by somebody is not told here: the form is
        open to everyone, and the office reads it on the page of the application."""
        names: list[str] = self.cleaned_data["domains"]
        if wrong := [name for name in names if is_public_suffix(name)]:
            raise ValidationError([f"“{codes.u_label(name)}”：{PUBLIC_SUFFIX}" for name in wrong])
        return names

    def clean_proof(self) -> Proof:
        file = self.cleaned_data["proof"]
        return Proof(file=file, checked=check_upload(file, kinds=_KINDS))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("affiliation") and data.get("region"):
            self.office = propose_supervision(
                affiliation=data["affiliation"], region=data["region"]
            )
            if self.office is None:
                self.add_error(
                    "region", "平台上还没有负责该地区的监管机关，请与当地公安机关网安部门联系。"
                )
        if self._is_by_machine(data) and not self.errors:
            self.add_error(None, "没有提交成功，请核对各项后再提交一次。")
        if self.errors and "proof" not in self.errors:
            self.add_error("proof", "改正其他各项后，请重新选择文件：浏览器不保留已选的文件。")
        return data

    def _is_by_machine(self, data: dict[str, Any]) -> bool:
        signer = signing.TimestampSigner(salt=_SALT)
        try:
            self.nonce = signer.unsign(data.get("page", ""), max_age=_STALE)
            quick = dt.timedelta(seconds=policy().registration.least_seconds)
            hasty = _is_younger(data["page"], quick)
        except signing.BadSignature:
            hasty = True
        if not hasty and not data.get("website"):
            return False
        cast(QueryDict, self.data)["page"] = fresh_page()
        return True


def _is_younger(page: str, age: dt.timedelta) -> bool:
    try:
        signing.TimestampSigner(salt=_SALT).unsign(page, max_age=age)
    except signing.SignatureExpired:
        return False
    return True


class ReceiptForm(forms.Form):
    """Which application the applicant asks about."""

    receipt = CodeField(
        label="受理号", check=codes.narrow, max_length=30, help_text="提交申请时给出的12位编号。"
    )
    uscc = CodeField(label="统一社会信用代码", check=codes.credit_code)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["receipt"].widget.attrs["autocomplete"] = "off"
        speak_plainly(self)


class RefusalForm(forms.Form):
    """Why not."""

    reason = forms.CharField(
        label="理由",
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="申请人查询时会看到，请写明须补正什么。",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["auto_id"] = "id_refuse_%s"
        super().__init__(*args, **kwargs)
        speak_plainly(self)


class PassOnForm(forms.Form):
    """To which office, and why."""

    office = forms.ModelChoiceField(label="转交给", queryset=Office.objects.none())
    reason = forms.CharField(label="理由", max_length=200)

    def __init__(self, *args: Any, registration: Registration, **kwargs: Any) -> None:
        kwargs["auto_id"] = "id_pass_%s"
        super().__init__(*args, **kwargs)
        self.fields["office"].queryset = registration.offices()  # type: ignore[attr-defined]
        speak_plainly(self)
