"""Forms of rectification. What they refuse is told at the field, in Chinese, nothing lost."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Field, Layout
from django import forms
from django.core.exceptions import ValidationError

from emailsec.lib.manyrows import ManyRowsField
from emailsec.lib.words import cn_date
from inventory.models import Office
from rectification.actions.base import too_long
from rectification.actions.drafts import deadline_problem
from rectification.actions.replies import completion_problem, not_yet
from rectification.models import Finding, Recheck, ReplyDraft
from rectification.terms import terms

_DATE = {"type": "date"}
_NOT_FREE = "所选问题中有已列入其他通知或不存在的，请核对后重新选择。"
_SCAN_ACCEPT = ".pdf,.png,.jpg,.jpeg"
_SCAN_HELP = "pdf、png 或 jpg，不超过 10 MB；须看清公章和日期。"


def date_field(label: str, help_text: str = "") -> forms.DateField:
    return forms.DateField(
        label=label,
        help_text=help_text,
        widget=forms.DateInput(attrs=_DATE, format="%Y-%m-%d"),
        error_messages={"required": f"请填写{label}。", "invalid": "日期无效，请重新选择。"},
    )


def text_field(
    label: str,
    max_length: int,
    *,
    rows: int = 3,
    help_text: str = "",
    required: bool = True,
    missing: str = "",
) -> forms.CharField:
    """A text that is told at the field, and never cut, when it is too long.

    Args:
        rows: height of the box; 0 for a single line.
        missing: the sentence for an empty one; by default 请填写 and the label.
    """
    return forms.CharField(
        label=label,
        max_length=max_length,
        help_text=help_text,
        required=required,
        widget=forms.Textarea(attrs={"rows": rows}) if rows else forms.TextInput(),
        error_messages={
            "required": missing or f"请填写{label}。",
            "max_length": too_long("%(limit_value)s", "%(show_value)s"),
        },
    )


def choice_field(label: str, choices: list[tuple[str, str]], missing: str) -> forms.ChoiceField:
    """Radio buttons; what is none of them is told like a missing choice."""
    return forms.ChoiceField(
        label=label,
        choices=choices,
        widget=forms.RadioSelect,
        error_messages={"required": missing, "invalid_choice": missing},
    )


class PlainForm(forms.Form):
    """A form whose <form> tag and button stand in the template."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Several forms of one kind may stand on a page; their ids must differ.
        self.key = kwargs.pop("key", "")
        if self.key:
            kwargs.setdefault("auto_id", f"id_{self.key}_%s")
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        if layout := self.layout():
            self.helper.layout = layout

    def layout(self) -> Layout | None:
        return None


class NoticeForm(PlainForm):
    """What goes into a notice and until when."""

    findings = ManyRowsField(
        label="列入的问题",
        queryset=Finding.objects.none(),
        error_messages={
            "required": "请至少选择一个问题。",
            "invalid_choice": _NOT_FREE,
            "invalid_pk_value": _NOT_FREE,
        },
    )
    deadline = date_field("整改期限")
    case_number = text_field(
        "登记文号",
        60,
        rows=0,
        help_text="本机关由办案平台编号，请填写平台登记的文号，例如 甲公网安限字〔2026〕77号。",
        missing="请填写办案平台登记的文号。",
    )

    def __init__(self, *args: Any, office: Office, findings: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["findings"].queryset = findings  # type: ignore[attr-defined]
        if office.own_numbering:
            del self.fields["case_number"]

    def clean_deadline(self) -> Any:
        deadline = self.cleaned_data["deadline"]
        if problem := deadline_problem(deadline):
            raise ValidationError(problem)
        return deadline


class ReasonForm(PlainForm):
    """Why: for whatever must not happen without a reason."""

    reason = text_field("理由", 500, rows=2)

    def __init__(self, *args: Any, label: str = "理由", help_text: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["reason"]
        field.label, field.help_text = label, help_text
        field.error_messages["required"] = f"请填写{label}。"


class SignForm(PlainForm):
    received_by = text_field(
        "签收人",
        30,
        rows=0,
        help_text="收到通知书的人。签收不等于同意其中的认定。",
        missing="请填写签收人姓名。",
    )


class RefusalForm(PlainForm):
    officers = text_field(
        "见证民警（两名）",
        60,
        rows=0,
        help_text="写两人姓名，用顿号隔开。拒签不影响送达，整改期限照算。",
        missing="请填写两名见证民警的姓名。",
    )


class ScanForm(PlainForm):
    file = forms.FileField(
        label="盖章扫描件",
        help_text=_SCAN_HELP,
        widget=forms.FileInput(attrs={"accept": _SCAN_ACCEPT}),
        error_messages={
            "required": "请选择扫描件。",
            "empty": "文件是空的，请检查后重新选择。",
        },
    )


class ExtensionForm(PlainForm):
    until = date_field("申请延至")
    reason = text_field("延期理由", 500)
    interim = text_field("期间的临时措施", 500, help_text="延期期间怎样防止问题被利用。")

    def __init__(self, *args: Any, deadline: dt.date | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if deadline is not None:
            latest = terms().latest_extension(deadline)
            self.fields["until"].help_text = f"最迟{cn_date(latest)}。"


class DecisionForm(PlainForm):
    """Which of the two buttons was pressed, and a note."""

    CHOICES = ("grant", "refuse")
    decision_note = text_field(
        "审批意见", 300, rows=2, required=False, help_text="不同意的须写明理由。"
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        # The buttons carry the word, no field of the page does.
        if self.data.get("decision") not in self.CHOICES:
            raise ValidationError("请选择“同意延期”或“不同意”。")
        return data | {"grant": self.data["decision"] == "grant"}


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files at once; each is checked by the action that keeps it."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = data if isinstance(data, list | tuple) else [data] if data else []
        return [super(FilesField, self).clean(one, initial) for one in files]


class ReplyForm(PlainForm):
    """The unit's answer to one finding."""

    analysis = text_field("原因分析", 1000)
    measures = text_field("整改措施", 2000, help_text="已经做了什么；改了哪项配置、补了哪项制度。")
    responsible = text_field("责任人", 30, rows=0)
    completed_on = date_field("完成日期")
    evidence = FilesField(
        label="整改佐证",
        required=False,
        widget=FilesInput(attrs={"accept": ".pdf,.png,.jpg,.jpeg,.docx,.xlsx,.ofd"}),
        error_messages={"empty": "文件是空的，请检查后重新选择。"},
    )

    def __init__(
        self, *args: Any, finding: Finding, drafts: Collection[ReplyDraft] = (), **kwargs: Any
    ) -> None:
        kwargs.setdefault("key", f"f{finding.pk}")
        kept = {draft.field: draft.value for draft in drafts}
        kwargs["initial"] = kwargs.get("initial", {}) | kept
        self.finding = finding
        self.versions = {draft.field: draft.version for draft in drafts}
        super().__init__(*args, **kwargs)
        self.fields["completed_on"].help_text = f"不晚于今天；{not_yet(finding)}"
        self.fields["evidence"].help_text = (
            "可以选多个。pdf、png、jpg、docx、xlsx、ofd，每个不超过 10 MB；不得含涉密内容。"
            + ("此问题可以远程复测，佐证可不传。" if finding.observable else "此问题须有佐证。")
        )

    def layout(self) -> Layout:
        beside = (self._kept("responsible", "col-sm-6"), self._kept("completed_on", "col-sm-6"))
        return Layout(
            self._kept("analysis"),
            self._kept("measures"),
            Div(*beside, css_class="row"),
            Field("evidence"),
        )

    def _kept(self, name: str, width: str = "") -> Div:
        """A field that static/js/autosave.js saves by itself."""
        return Div(
            Field(name),
            HTML('{% include "components/_save_state.html" only %}'),
            css_class=width,
            data_item=str(self.finding.pk),
            data_field=name,
            data_version=str(self.versions.get(name, 0)),
        )

    def clean_completed_on(self) -> Any:
        day = self.cleaned_data["completed_on"]
        if problem := completion_problem(self.finding, day):
            raise ValidationError(problem)
        return day


class RecheckForm(PlainForm):
    """A 复查 on paper or on site, and what was found."""

    kind = choice_field(
        "方式",
        [
            (Recheck.Kind.PAPER.value, str(Recheck.Kind.PAPER.label)),
            (Recheck.Kind.SITE.value, str(Recheck.Kind.SITE.label)),
        ],
        "请选择书面复查或现场复查。",
    )
    result = choice_field(
        "结论",
        [
            (Recheck.Result.PASSED.value, "通过"),
            (Recheck.Result.FAILED.value, "不通过，退回单位继续整改"),
            (Recheck.Result.UNKNOWN.value, "无法判断"),
        ],
        "请选择复查结论。",
    )
    seen = text_field(
        "复查所见",
        2000,
        help_text="核对了哪些材料或配置，看到了什么。不通过的，单位会读到这段话，请写明还差什么。",
    )
