"""Forms of the accounts, one module a noun."""

from accounts.forms.accounts import (
    AccountForm,
    ChangePasswordForm,
    LoginForm,
    OwnPasswordForm,
)

__all__ = ["AccountForm", "ChangePasswordForm", "LoginForm", "OwnPasswordForm"]
