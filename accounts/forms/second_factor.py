"""Forms of the second factor: one code."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.models.second_factor import ALPHABET, CODE_LENGTH
from inventory.codes import narrow
from inventory.forms.fields import speak_plainly

TOTP = re.compile(r"[0-9]{6}")
RECOVERY = re.compile(rf"[{ALPHABET}]{{{CODE_LENGTH}}}")


def typed(text: str) -> str:
    """What was meant: full-width digits, blanks and hyphens are how people copy a code."""
    return re.sub(r"[\s-]", "", narrow(text)).lower()


class CodeForm(forms.Form):
    """A 动态口令, or a recovery code in its place."""

    code = forms.CharField(label="动态口令或恢复码", max_length=40)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs |= {
            "autocomplete": "one-time-code",
            "autocapitalize": "none",
            "spellcheck": "false",
            "class": "mono",
        }
        self.fields["code"].help_text = "手机应用当前显示的6位数字；手机不在身边的，填一个恢复码。"
        speak_plainly(self)
        self.fields["code"].error_messages["required"] = "请填写动态口令或恢复码。"

    def clean_code(self) -> str:
        code = typed(self.cleaned_data["code"])
        if not (TOTP.fullmatch(code) or RECOVERY.fullmatch(code)):
            raise ValidationError(f"动态口令是6位数字，恢复码是{CODE_LENGTH}位字母和数字。")
        return code


class FirstCodeForm(CodeForm):
    """The first code of an authenticator that is being set up."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "动态口令"
        self.fields["code"].widget.attrs["inputmode"] = "numeric"
        self.fields["code"].help_text = "添加成功后，应用里会显示6位数字，每30秒更换一次。"
        self.fields["code"].error_messages["required"] = "请填写动态口令。"

    def clean_code(self) -> str:
        code = typed(self.cleaned_data["code"])
        if not TOTP.fullmatch(code):
            raise ValidationError("动态口令是6位数字。")
        return code


class FreshForm(CodeForm):
    """The code that goes with another form, under a name that no other form has."""

    prefix = "second_factor"
