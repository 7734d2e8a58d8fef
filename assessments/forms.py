"""The questionnaire's forms, built from the pinned version by one builder."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, LayoutObject
from crispy_forms.utils import TEMPLATE_PACK
from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from accounts.lockout import check_password
from assessments.models import SelfCheck
from assessments.rules.schema import Field, Item
from assessments.sheets import LoadedSheet

# How many large keys stand side by side, and how many characters one holds on its line.
KEYS, KEY_LENGTH = 4, 8


@dataclass(frozen=True)
class RefusedItem:
    """An item whose form was sent without JavaScript and not wholly saved: shown again with what
    the person wrote.

    Attributes:
        values: field → what was written, in the evaluator's text form.
        errors: field → why it was not saved.
        versions: field → version of what is stored instead, where somebody else saved it.
    """

    item: Item
    values: Mapping[str, str]
    errors: Mapping[str, str]
    versions: Mapping[str, int]


class AnswerField(LayoutObject):
    """Crispy layout object: one typed field of an item with its version and save state."""

    template = "assessments/_answer_field.html"

    def __init__(self, name: str) -> None:
        self.name = name

    def render(
        self, form: forms.Form, context: Any, template_pack: str = TEMPLATE_PACK, **kwargs: Any
    ) -> SafeString:
        assert isinstance(form, ItemForm)
        bound = form[self.name]
        field = form.item.field(self.name)
        answer = form.sheet.answers.get((form.item.code, field.code))
        refused = form.refused
        error = refused.errors.get(field.code, "") if refused else ""
        version = refused.versions.get(field.code) if refused else None
        choices = form.choices_of(field)
        help_id, error_id = f"{bound.auto_id}-help", f"{bound.auto_id}-error"
        wrong = error or form.fault(field)
        return render_to_string(
            self.template,
            {
                "bound": bound,
                "field": field,
                "item": form.item,
                "answer": answer,
                "version": version if version is not None else answer.version if answer else 0,
                "value": form.value_of(field),
                "shown": form.sheet.judged.field_shown(form.item.code, field.code),
                "choices": choices,
                "sentences": len(choices) > KEYS
                or any(len(words) > KEY_LENGTH for _, words in choices),
                "span": field.span(form.sheet.judged.facts.on) if field.type == "date" else None,
                "wrong": wrong,
                "save": "failed" if error else "faulty" if wrong else "saved" if answer else "idle",
                "help_id": help_id,
                "error_id": error_id,
                "describedby": " ".join(
                    id_ for id_, there in ((help_id, field.help), (error_id, wrong)) if there
                ),
                "legend_hidden": field is form.item.fields[0]
                and (len(form.item.fields) == 1 or field.type == "yn4"),
                "readonly": form.readonly,
                "display": form.sheet.display(form.item, field.code),
            },
        )


class ItemForm(forms.Form):
    """One item of the 自查表.

    Without JavaScript the form posts all fields of the item; with it each field saves itself.
    Values are kept in the evaluator's plain text form; what is wrong with them is told by the
    evaluator, so that page, submission and document use the same rules.
    """

    def __init__(
        self,
        sheet: LoadedSheet,
        item: Item,
        data: Any = None,
        *,
        readonly: bool = False,
        refused: RefusedItem | None = None,
    ) -> None:
        super().__init__(data, auto_id=f"{item.code}-%s")
        self.sheet, self.item, self.readonly, self.refused = sheet, item, readonly, refused
        for field in item.fields:
            self.fields[field.code] = self._form_field(field)
            self.initial[field.code] = self._initial(field)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout(*(AnswerField(field.code) for field in item.fields))

    def choices_of(self, field: Field) -> list[tuple[str, str]]:
        """Options offered on this sheet, with 暂不掌握 and 不适用 where the item allows them."""
        return [
            (option.code, option.label)
            for option in field.options
            if option.when is None or option.when.holds(self.sheet.judged)
        ]

    def fault(self, field: Field) -> str:
        outcome = self.sheet.outcomes[self.item.code]
        return outcome.faults.get(field.code, "")

    def value_of(self, field: Field) -> str:
        """What the control shows: what was just refused, or what is stored (kept for the moment
        also where the field is hidden)."""
        if self.refused and field.code in self.refused.values:
            return self.refused.values[field.code]
        value = self.sheet.judged.value(self.item.code, field.code)
        row = self.sheet.answers.get((self.item.code, field.code))
        return value or (row.value if row else "")

    def _initial(self, field: Field) -> Any:
        value = self.value_of(field)
        return value.split(",") if field.type == "multi" and value else value

    def _form_field(self, field: Field) -> forms.Field:
        label = field.label
        if field.type == "multi":
            return forms.MultipleChoiceField(
                label=label,
                required=False,
                choices=self.choices_of(field),
                widget=forms.CheckboxSelectMultiple,
            )
        if field.type in {"single", "yn4"}:
            return forms.ChoiceField(
                label=label, required=False, choices=[("", ""), *self.choices_of(field)]
            )
        widget = (
            forms.Textarea(attrs={"rows": 3}) if field.type == "textarea" else forms.TextInput()
        )
        return forms.CharField(label=label, required=False, widget=widget)

    def plain_values(self) -> dict[str, str]:
        """The cleaned values in the evaluator's text form."""
        return {
            name: ",".join(value) if isinstance(value, list) else value
            for name, value in self.cleaned_data.items()
        }


class SignForm(forms.Form):
    """Online signature: the leader's password once more, under the digest that was read."""

    digest = forms.CharField(widget=forms.HiddenInput)
    agree = forms.BooleanField(
        label="本人已核对全部内容，确认填报真实、准确，不含国家秘密和工作秘密。",
        error_messages={"required": "请先勾选确认。"},
    )
    password = forms.CharField(
        label="登录口令",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "请输入您的登录口令。"},
    )

    def __init__(self, *args: Any, user: Any, selfcheck: SelfCheck, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.selfcheck = user, selfcheck
        self.helper = FormHelper()
        self.helper.form_tag = False

    def clean_password(self) -> str:
        """Raises accounts.lockout.Locked after too many wrong ones."""
        word, act = self.cleaned_data["password"], "selfcheck.sign_failed"
        if not check_password(user=self.user, password=word, act=act, obj=self.selfcheck):
            raise ValidationError("口令不正确。")
        return ""


class StampedForm(forms.Form):
    """Upload of the stamped print."""

    digest_head = forms.CharField(
        label="纸质件页脚“内容摘要”的前8位",
        max_length=8,
        min_length=8,
        error_messages={
            "required": "请填写纸质件页脚“内容摘要”的前8位。",
            "min_length": "请填写完整的8位。",
        },
    )
    scan = forms.FileField(
        label="盖章扫描件（pdf、png、jpg）", error_messages={"required": "请选择盖章扫描件。"}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
