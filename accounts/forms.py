from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm


class LoginForm(AuthenticationForm):
    """Log-in. The same words whether the name or the password is wrong."""

    error_messages = {
        "invalid_login": "用户名或口令不正确。连续5次错误将锁定15分钟。",
        "inactive": "用户名或口令不正确。连续5次错误将锁定15分钟。",
    }


class ChangePasswordForm(PasswordChangeForm):
    """Change of one's own password; a new password must differ from the old."""

    def clean_new_password1(self) -> str:
        new: str = self.cleaned_data["new_password1"]
        if self.user.check_password(new):
            from django.core.exceptions import ValidationError

            raise ValidationError("新口令不能与原口令相同。")
        return new
