"""Forms of the accounts: getting in, one's own password, and the accounts of others."""

import re
from typing import Any, ClassVar

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, SetPasswordForm
from django.core.exceptions import ValidationError

from accounts import lockout
from accounts.models import USERNAME, USERNAME_RULE, User
from accounts.policy import policy
from accounts.roles import OFFICE_ROLES, UNIT_ROLES, Role
from inventory import codes
from inventory.forms.fields import CodeField, speak_plainly, titled
from inventory.models import Office, Unit

_LIMITS = policy().lockout
_WRONG = (
    f"用户名或口令不正确。连续 {_LIMITS.account_failures} 次错误将锁定"
    f" {_LIMITS.account_minutes[0]} 分钟。"
)


class LoginForm(AuthenticationForm):
    """Log-in. The same words whether the name or the password is wrong."""

    error_messages = {"invalid_login": _WRONG, "inactive": _WRONG}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].label = "口令"
        self.fields["username"].error_messages["required"] = "请填写用户名。"
        self.fields["password"].error_messages["required"] = "请填写口令。"

    def clean(self) -> dict[str, Any]:
        """Try name and password, counted.

        Raises:
            Locked: account or address is locked; nothing was tried.
        """
        username = self.cleaned_data.get("username")
        if not (username and self.cleaned_data.get("password")):
            return super().clean()
        attempt = lockout.begin(username)
        try:
            data: dict[str, Any] = super().clean()
        except ValidationError:
            attempt.failed()
            raise
        attempt.passed()
        return data


class OwnPasswordForm(forms.Form):
    """The person's own password once more, before a further way into the account is opened."""

    password = forms.CharField(
        label="登录口令",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "请输入您的登录口令。"},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        """Raises accounts.lockout.Locked after too many wrong ones."""
        if not lockout.check_password(user=self.user, password=self.cleaned_data["password"]):
            raise ValidationError("口令不正确。")
        return ""


class _SpokenPasswords:
    """The fields of Django's password forms in our words."""

    LABELS: ClassVar[dict[str, str]] = {}
    fields: dict[str, forms.Field]

    def speak(self) -> None:
        for name, label in self.LABELS.items():
            self.fields[name].label = label
            again = label.startswith("再填")
            self.fields[name].error_messages["required"] = f"请{'' if again else '填写'}{label}。"
        self.fields["new_password1"].help_text = (
            "至少10位，含大写字母、小写字母、数字、符号中的三类；可用几个互不相关的词连成。"
            "不用“一个词加数字”和姓名、地名、年份的拼法，不与用户名、姓名、手机号相似。"
        )
        self.fields["new_password2"].help_text = ""
        speak_plainly(self)

    def validate_password_for_user(self, user: User, *_fields: str) -> None:
        """What is wrong with a password is told where it was thought up, not at its repetition."""
        super().validate_password_for_user(user, "new_password1")  # type: ignore[misc]


class ChangePasswordForm(_SpokenPasswords, PasswordChangeForm):
    """Change of one's own password."""

    LABELS: ClassVar = {
        "old_password": "原口令",
        "new_password1": "新口令",
        "new_password2": "再填一次新口令",
    }
    error_messages = {
        **PasswordChangeForm.error_messages,
        "password_incorrect": "原口令不正确，请重新填写。",
        "password_mismatch": "两次填写的新口令不一致。",
    }

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.speak()

    def clean_old_password(self) -> str:
        """Raises Locked as well: whoever guesses here sits at somebody else's open page."""
        old: str = self.cleaned_data["old_password"]
        if not lockout.check_password(user=self.user, password=old):
            raise ValidationError(self.error_messages["password_incorrect"])
        return old


class CodeForm(forms.Form):
    """The code of an invitation, typed from paper or brought by a link."""

    code = forms.CharField(
        label="邀请码",
        max_length=60,
        help_text="印在告知单上，25位字母和数字；大小写、空格和横线不影响。",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        speak_plainly(self)


class JoinForm(_SpokenPasswords, SetPasswordForm):  # type: ignore[type-arg]
    """What a person tells when taking an account into use: who they are, and a password.

    Accounts go out by role, not by name, but what is done must be told by name.
    """

    LABELS: ClassVar = {"new_password1": "口令", "new_password2": "再填一次口令"}
    error_messages = {
        **SetPasswordForm.error_messages,
        "password_mismatch": "两次填写的口令不一致。",
    }

    name = forms.CharField(label="您的姓名", max_length=30)
    phone = CodeField(label="手机", check=codes.phone, required=False)

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.initial["name"] = "" if user.name in Role.labels else user.name
        self.initial["phone"] = user.phone
        self.order_fields(["name", "phone", *self.LABELS])
        self.speak()

    def clean_name(self) -> str:
        return titled(" ".join(self.cleaned_data["name"].split()))

    def clean(self) -> dict[str, Any]:
        # A password is compared with the name and number given now, not with those of before.
        self.user.name = self.cleaned_data.get("name", "")
        self.user.phone = self.cleaned_data.get("phone", "")
        return super().clean() or self.cleaned_data


def user_name(text: str) -> str:
    """Return a user name as it is typed at the log-in, or raise ValueError in Chinese."""
    name = codes.narrow(text)
    if not re.fullmatch(USERNAME, name):
        raise ValueError(USERNAME_RULE)
    return name


class RoleForm(forms.Form):
    """A role in a unit or an office; never one of the 三员."""

    role = forms.ChoiceField(
        label="角色",
        choices=[("", "请选择")]
        + [(r.value, r.label) for r in Role if r in UNIT_ROLES | OFFICE_ROLES],
    )
    office = forms.ModelChoiceField(
        label="监管机关",
        queryset=Office.objects.in_use(),
        required=False,
        empty_label="（单位角色不选）",
    )
    unit_code = CodeField(
        label="单位的统一社会信用代码",
        check=codes.credit_code,
        required=False,
        help_text="单位角色填写；单位须已由监管机关登记。",
    )
    reason = forms.CharField(
        label="申请理由",
        max_length=200,
        help_text="例如“接替王某任承办人”；安全管理员据此确认，授权确认后才生效。",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        speak_plainly(self)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        role, code = data.get("role"), data.get("unit_code")
        data["unit"] = Unit.objects.filter(uscc=code).first() if code else None
        if code and data["unit"] is None:
            self.add_error("unit_code", "没有登记过此代码的单位，请先由监管机关登记。")
        if role in UNIT_ROLES:
            if not code and "unit_code" not in self.errors:
                self.add_error("unit_code", "单位角色须填写单位的统一社会信用代码。")
            if data.get("office"):
                self.add_error("office", "单位角色不选监管机关。")
        elif role in OFFICE_ROLES:
            if not data.get("office"):
                self.add_error("office", "监管机关角色须选择监管机关。")
            if code:
                self.add_error("unit_code", "监管机关角色不填单位。")
        return data


class AccountForm(RoleForm):
    """A new account for someone in a unit or an office."""

    username = CodeField(
        label="用户名",
        check=user_name,
        help_text="3至40位字母、数字、点、横线或下划线，登录用。",
    )
    name = forms.CharField(label="姓名", max_length=30)
    phone = CodeField(label="手机", check=codes.phone, required=False)

    field_order = ("username", "name", "phone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = False
        self.fields["reason"].initial = "新建账号"

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=username).exists():
            raise ValidationError("此用户名已被使用，请换一个。")
        return username
