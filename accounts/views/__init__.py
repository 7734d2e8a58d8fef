"""Pages of the accounts: `session` and `joining` for oneself, `manage` for those of others."""

from accounts.views.session import LoginView, lockout, logout, password_change

__all__ = ["LoginView", "lockout", "logout", "password_change"]
