"""Forms of the office around a campaign: the 专项行动 itself, and a call that urges a unit."""

import datetime as dt
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.core.exceptions import ValidationError

from assessments.actions.campaigns import LONGEST, deadline_fault
from assessments.models import CallRecord, Campaign, Questionnaire
from emailsec.lib.workdays import today
from inventory import codes
from inventory.models import Office


class _Unhurried(forms.ModelForm):  # type: ignore[type-arg]
    """Without `maxlength` in the page: a browser cuts what is pasted and says nothing, the form
    says how long is too long."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("maxlength", None)
        self.helper = FormHelper()
        self.helper.form_tag = False


class CampaignForm(_Unhurried):
    """A 专项行动 before it is published."""

    class Meta:
        model = Campaign
        fields = ["title", "document_number", "questionnaire", "deadline", "second_factor"]
        widgets = {"deadline": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def __init__(self, *args: Any, office: Office, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.office = office
        questionnaire = self.fields["questionnaire"]
        questionnaire.queryset = Questionnaire.objects.order_by("-published_at")  # type: ignore[attr-defined]
        questionnaire.label = "自查表版本"
        questionnaire.empty_label = "请选择"  # type: ignore[attr-defined]
        questionnaire.help_text = "发布后不再更换；已填的答案始终对应这一版。"
        self.fields["title"].help_text = "单位在首页和文书上看到的就是这个名称。"
        self.fields["document_number"].help_text = "部署本次行动的通知文号，没有的可以不填。"
        self.fields["deadline"].help_text = "单位须在当日24时前报送。"
        self.fields[
            "second_factor"
        ].help_text = "选中后，被下达任务的单位人员须先设置二次验证才能使用平台，归档后不再要求。"

    def clean_title(self) -> str:
        try:
            title = codes.title(self.cleaned_data["title"])
        except ValueError as error:
            raise ValidationError(str(error)) from None
        if self.office.campaigns.filter(title=title).exclude(pk=self.instance.pk).exists():
            raise ValidationError("本机关已有同名的专项行动，请在名称中写明年度或批次以便区分。")
        return title

    def clean_deadline(self) -> dt.date:
        deadline: dt.date = self.cleaned_data["deadline"]
        if deadline < today():
            raise ValidationError("报送截止日期不能早于今天。")
        if deadline > today() + LONGEST:
            raise ValidationError("报送截止日期不能晚于两年以后，请核对年份。")
        return deadline


class _WithReason(forms.Form):
    reason = forms.CharField(
        label="理由", max_length=300, widget=forms.Textarea(attrs={"rows": 2, "maxlength": None})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].widget.attrs.pop("maxlength", None)
        self.helper = FormHelper()
        self.helper.form_tag = False


class DeadlineForm(_WithReason):
    """Another deadline for a published campaign."""

    deadline = forms.DateField(
        label="新的报送截止日期",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    field_order = ("deadline", "reason")

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.campaign = campaign

    def clean_deadline(self) -> dt.date:
        deadline: dt.date = self.cleaned_data["deadline"]
        if why := deadline_fault(self.campaign, deadline):
            raise ValidationError(why)
        return deadline


class EarlyCloseForm(_WithReason):
    """Why units get no more time."""


class CallForm(_Unhurried):
    """One call: with whom, and what was said."""

    class Meta:
        model = CallRecord
        fields = ["spoke_with", "note"]
        labels = {"spoke_with": "通话对象", "note": "通话情况"}
