"""Forms of the accounts, one module a noun."""

from accounts.forms.accounts import (
    AccountForm,
    ChangePasswordForm,
    CodeForm,
    JoinForm,
    LoginForm,
    OwnPasswordForm,
)

__all__ = [
    "AccountForm",
    "ChangePasswordForm",
    "CodeForm",
    "JoinForm",
    "LoginForm",
    "OwnPasswordForm",
]
