"""The entries of the main navigation, in the order in which a day's work meets them.

One plain list, because a newcomer should see at one place who sees what. An entry without a power
is for everyone who is logged in. An entry whose page is not installed is left out.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

Side = Literal["unit", "office"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its label, the name of its URL, the power it needs (None: anyone logged in).

    Attributes:
        side: only for people of units, or of offices; None: for all.
        own_unit: the page is that of the person's own unit.
    """

    label: str
    url_name: str
    power: str | None = None
    side: Side | None = None
    own_unit: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as the page shows it; active when the page lies at or below its address."""

    label: str
    url: str
    active: bool


ENTRIES: Final[tuple[Entry, ...]] = (
    Entry("总览", "dashboards:home", "dashboard.read"),
    Entry("首页", "dashboards:home", side="unit"),
    Entry("单位", "inventory:unit_list", "unit.read", "office"),
    Entry("本单位", "inventory:unit_detail", "unit.read", "unit", own_unit=True),
    Entry("专项行动", "assessments:campaign_list", "selfcheck.read", "office"),
    Entry("自查", "assessments:campaign_list", "selfcheck.read", "unit"),
    Entry("催报", "assessments:urge_list", "call.record"),
    Entry("问题", "rectification:finding_list", "notice.read"),
    Entry("整改通知", "rectification:notice_list", "notice.read"),
    Entry("文书", "reports:register", "notice.read"),
    Entry("账号", "accounts:list", "account.manage"),
    Entry("审计", "audit:list", "audit.read"),
)


def _at_or_below(path: str, url: str) -> bool:
    # The root is above every page, so it is active only on itself.
    return path == url or (url != "/" and path.startswith(url))


def _open_to(user: Any, entry: Entry) -> bool:
    if entry.power is not None and not user.can(entry.power):
        return False
    if entry.side == "unit":
        return bool(user.is_unit_side)
    if entry.side == "office":
        return bool(user.is_office_side)
    return True


def _address(user: Any, entry: Entry) -> str:
    try:
        return reverse(entry.url_name, args=[user.unit.pk] if entry.own_unit else None)
    except NoReverseMatch:
        return ""


def build(request: HttpRequest, entries: tuple[Entry, ...] = ENTRIES) -> list[Shown]:
    """The entries that this request's user may open; none for anonymous.

    The active entry is the one with the longest address that the page's path starts with.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    addresses = [(e.label, _address(user, e)) for e in entries if _open_to(user, e)]
    open_to_me = [(label, url) for label, url in addresses if url]
    here = max(
        (url for _, url in open_to_me if _at_or_below(request.path, url)), key=len, default=None
    )
    return [Shown(label, url, url == here) for label, url in open_to_me]
