"""Forms of the accounts, one module a noun."""

from accounts.forms.accounts import AccountForm, ChangePasswordForm, LoginForm

__all__ = ["AccountForm", "ChangePasswordForm", "LoginForm"]
