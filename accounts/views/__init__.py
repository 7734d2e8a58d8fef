"""Pages of the accounts: getting in and one's own account, and those of others (`manage`)."""

from accounts.views.session import LoginView, lockout, logout, password_change

__all__ = ["LoginView", "lockout", "logout", "password_change"]
