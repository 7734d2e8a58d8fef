"""Pages of the accounts: `session` for oneself, `manage` for the accounts of others."""

from accounts.views.session import LoginView, lockout, logout, password_change

__all__ = ["LoginView", "lockout", "logout", "password_change"]
