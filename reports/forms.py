"""Forms of the register."""

from typing import Any, Final

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django import forms

from emailsec.lib.uploads import Upload
from reports.models import ReportWords

MAX_BYTES: Final = 20 * 1024 * 1024


class ReportWordsForm(forms.ModelForm):  # type: ignore[type-arg]
    """What only the unit can say in its 整改报告."""

    class Meta:
        model = ReportWords
        fields = ("organisation", "long_term")
        widgets = {
            "organisation": forms.Textarea(attrs={"rows": 4}),
            "long_term": forms.Textarea(attrs={"rows": 4}),
        }
        help_texts = {
            "organisation": "谁牵头、怎样部署，一段一行；可以不填。",
            "long_term": "制度、检查、培训等今后的安排，一段一行。不得填写国家秘密和工作秘密。",
        }
        error_messages = {"long_term": {"required": "请填写长效机制，报告第五部分照此印出。"}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["long_term"].required = True
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout("organisation", "long_term")


class VerifyForm(forms.Form):
    """The code printed on the paper, and optionally the file at hand."""

    code = forms.CharField(
        label="验证码",
        max_length=20,
        help_text="印在文书页脚或二维码旁，例如 7F3K-92QM-4TXB。",
        error_messages={"required": "请填写文书上的验证码。"},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    file = forms.FileField(
        label="手中的 PDF 文件（可选）",
        required=False,
        help_text="用来比对是否与登记的文件完全一致；文件不保存。",
        widget=forms.FileInput(attrs={"accept": ".pdf"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout("code", "file")

    def clean_file(self) -> Upload | None:
        file: Upload | None = self.cleaned_data["file"]
        if file is not None and (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError("文件超过 20 MB，不会是本平台生成的文书。")
        return file
