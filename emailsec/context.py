"""What every page knows: product, environment, who is here, the navigation."""

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from accounts.policy import policy
from emailsec import nav
from inbox.models import Message

PRODUCT: Final = "电子邮件系统安全自查与整改平台"
ENVIRONMENT_LABELS: Final = {"demo": "演示环境", "test": "测试环境"}


@dataclass(frozen=True, slots=True)
class Me:
    """The person at the screen: name, role label (填报人), place (the office's or unit's name)."""

    name: str
    role: str
    place: str


@dataclass(frozen=True, slots=True)
class Portal:
    """The frame of a page. An address is empty where its page is not installed."""

    product: str
    environment_label: str
    me: Me | None
    home_url: str
    home_label: str
    inbox_url: str
    logout_url: str
    password_url: str
    password_days_left: int
    ways_url: str
    sessions_url: str
    security_url: str


def _reverse(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _days_left(user: Any) -> int:
    """Days until the password must be changed, once it is time to speak of it; 0 until then."""
    left = getattr(user, "password_days_left", None)
    return left if left is not None and 0 < left <= policy().password.warn_days else 0


def _frame(request: HttpRequest) -> Portal:
    user = getattr(request, "user", None)
    me = None
    if user is not None and user.is_authenticated:
        me = Me(
            name=str(user),
            role=str(getattr(user, "role_label", "")),
            place=str(getattr(user, "place", "")),
        )
    return Portal(
        product=PRODUCT,
        environment_label=ENVIRONMENT_LABELS.get(settings.ENVIRONMENT, ""),
        me=me,
        home_url=_reverse("dashboards:home") or "/",
        home_label=nav.home_label(user),
        inbox_url=_reverse("inbox:list"),
        logout_url=_reverse("accounts:logout"),
        password_days_left=_days_left(user),
        password_url=_reverse("accounts:password_change"),
        ways_url=_reverse("accounts:ways")
        if settings.UNIFIED_LOGIN or settings.CLIENT_CERT_PROXY_SECRET
        else "",
        sessions_url=_reverse("accounts:sessions"),
        security_url=_reverse("accounts:security"),
    )


def _unread(request: HttpRequest) -> int:
    """How many messages wait for the person at the screen."""
    user = getattr(request, "user", None)
    return Message.objects.visible_to(user).unread().count() if user is not None else 0


def portal(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `portal`, `nav` and `inbox_unread`, worked out only if a page asks."""
    return {
        "portal": SimpleLazyObject(lambda: _frame(request)),
        "nav": SimpleLazyObject(lambda: nav.build(request)),
        "inbox_unread": SimpleLazyObject(lambda: _unread(request)),
    }
