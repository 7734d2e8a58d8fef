"""Forms of the accounts, one module a noun."""

from accounts.forms.accounts import (
    AccountForm,
    ChangePasswordForm,
    CodeForm,
    JoinForm,
    LoginForm,
    OwnPasswordForm,
    RoleForm,
)
from accounts.forms.grants import GrantActForm
from accounts.forms.registration import (
    PassOnForm,
    ReceiptForm,
    RefusalForm,
    RegistrationForm,
    fresh_page,
)

__all__ = [
    "AccountForm",
    "ChangePasswordForm",
    "CodeForm",
    "GrantActForm",
    "JoinForm",
    "LoginForm",
    "OwnPasswordForm",
    "PassOnForm",
    "ReceiptForm",
    "RefusalForm",
    "RegistrationForm",
    "RoleForm",
    "fresh_page",
]
