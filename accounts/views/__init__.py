"""Pages of the accounts: getting in and one's own account, and those of others (`manage`)."""

from accounts.views.session import LoginView, logout, password_change

__all__ = ["LoginView", "logout", "password_change"]
