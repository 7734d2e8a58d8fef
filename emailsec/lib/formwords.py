"""What Django's own checks say, in the words of this portal, for every form at once.

Django's Chinese calls a field 该变量 and a form ManagementForm; a message must say what to do.
"""

from typing import Final

from django import forms
from django.core import validators
from django.forms.formsets import BaseFormSet

from emailsec.lib.classified import refuse_marked

_TO_FILL: Final = "必填，请填写。"
_TO_CHOOSE: Final = "必填，请选择。"
_NO_CHOICE: Final = "“%(value)s”不在可选范围内，请重新选择。"

_FIELDS: Final[dict[type[forms.Field], dict[str, str]]] = {
    forms.Field: {"required": _TO_FILL},
    forms.IntegerField: {"invalid": "请填写整数，只用数字。"},
    forms.DecimalField: {"invalid": "请填写数字。"},
    forms.DateField: {"invalid": "请填写日期，例如 2026-11-24。"},
    forms.FileField: {
        "required": "请选择文件。",
        "invalid": "没有收到文件，请重新选择。",
        "missing": "没有收到文件，请重新选择。",
        "empty": "文件是空的，请检查后重新选择。",
        "max_length": "文件名最多%(max)d个字，现为%(length)d个字。",
    },
    forms.ChoiceField: {"required": _TO_CHOOSE, "invalid_choice": _NO_CHOICE},
    forms.MultipleChoiceField: {
        "required": _TO_CHOOSE,
        "invalid_choice": _NO_CHOICE,
        "invalid_list": "请从列表中选择。",
    },
    forms.ModelChoiceField: {
        "required": _TO_CHOOSE,
        "invalid_choice": "所选的不在可选范围内，请重新选择。",
    },
    forms.ModelMultipleChoiceField: {
        "required": _TO_CHOOSE,
        "invalid_list": "请从列表中选择。",
        "invalid_choice": "所选的不在可选范围内，请重新选择。",
        "invalid_pk_value": "所选的不在可选范围内，请重新选择。",
    },
}


def install() -> None:
    """Put the words into Django's classes; a field that has words of its own keeps them.

    Every text field also refuses the marks of classified papers: a form that had to ask for it
    would be forgotten.
    """
    for field, words in _FIELDS.items():
        field.default_error_messages = {**field.default_error_messages, **words}
    forms.CharField.default_validators = [refuse_marked]
    validators.MaxLengthValidator.message = "最多%(limit_value)d个字，现为%(show_value)d个字。"
    validators.MinLengthValidator.message = "至少%(limit_value)d个字，现为%(show_value)d个字。"
    validators.MaxValueValidator.message = "不能大于 %(limit_value)s。"
    validators.MinValueValidator.message = "不能小于 %(limit_value)s。"
    validators.ProhibitNullCharactersValidator.message = "含有看不见的空字符，请删去后重新填写。"
    BaseFormSet.default_error_messages = {
        **BaseFormSet.default_error_messages,
        "missing_management_form": "页面内容不完整，请重新打开本页再填写。",
        "too_many_forms": "最多 %(num)d 行，请删去多余的。",
    }
