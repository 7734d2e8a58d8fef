"""The entries of the main navigation, in the order in which a day's work meets them.

One plain list, because a newcomer should see at one place who sees what. An entry without a power
is for everyone who is logged in. An entry whose page is not installed is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from accounts.models import Grant, Registration

Side = Literal["unit", "office"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its label, the name of its URL, the power it needs (None: anyone logged in).

    Attributes:
        side: only for people of units, or of offices; None: for all.
        own_unit: the page is that of the person's own unit.
        count: how many things wait there for this person.
        also: pages elsewhere that belong to this entry, as "app" or "app:url_name".
    """

    label: str
    url_name: str
    power: str | None = None
    side: Side | None = None
    own_unit: bool = False
    count: Callable[[Any], int] | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as the page shows it; active when the page lies at or below its address."""

    label: str
    url: str
    active: bool
    count: int = 0


def _registrations_waiting(user: Any) -> int:
    return int(Registration.objects.visible_to(user).waiting().count())


def _grants_waiting(user: Any) -> int:
    return int(Grant.objects.visible_to(user).waiting().count())


_THINGS: Final = ("inventory", "scans", "reports:invitation")
_PEOPLE: Final = ("dashboards:leave", "dashboards:handover")
_CHECKS: Final = ("assessments",)
_NOTICES: Final = ("rectification", "reports:report_issue")

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry("总览", "dashboards:home", "dashboard.read", also=("dashboards",)),
    Entry("首页", "dashboards:home", side="unit"),
    Entry("单位", "inventory:unit_list", "unit.read", "office", also=_THINGS),
    Entry(
        "注册申请",
        "accounts:registration_list",
        "unit.manage",
        "office",
        count=_registrations_waiting,
    ),
    Entry("本单位", "inventory:unit_detail", "unit.read", "unit", own_unit=True, also=_THINGS),
    Entry("专项行动", "assessments:campaign_list", "selfcheck.read", "office", also=_CHECKS),
    Entry("自查", "assessments:campaign_list", "selfcheck.read", "unit", also=_CHECKS),
    Entry("催报", "assessments:urge_list", "call.record"),
    Entry("问题", "rectification:finding_list", "notice.read", also=("rectification:confirm",)),
    Entry("整改通知", "rectification:notice_list", "notice.read", also=_NOTICES),
    Entry("文书", "reports:register", "notice.read"),
    Entry("文件销毁", "reports:destruction_list", "destruction.read"),
    Entry(
        "本单位人员", "dashboards:unit_people", "staff.manage", "unit", own_unit=True, also=_PEOPLE
    ),
    Entry("本机关人员", "dashboards:people", "colleague.manage", "office", also=_PEOPLE),
    Entry("账号", "accounts:list", "account.manage", also=("accounts:grant",)),
    Entry("监管机关", "inventory:office_list", "reference.manage"),
    Entry("授权确认", "accounts:grant_list", "grant.manage", count=_grants_waiting),
    Entry("权限一览", "accounts:powers", "grant.manage"),
    Entry("审计日志", "audit:list", "audit.read"),
    Entry("导出台账", "audit:taken", "audit.read"),
)


def home_label(user: Any) -> str:
    """What the first page is called for this user: 总览 for an office, else 首页."""
    home = [e for e in ENTRIES if e.url_name == "dashboards:home"]
    known = user is not None and user.is_authenticated
    return next((e.label for e in home if known and _open_to(user, e)), "首页")


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

    The active entry is the one that names the page, else the one with the longest address that
    the page's path starts with, else the one that names the page's app.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    addresses = [(e, _address(user, e)) for e in entries if _open_to(user, e)]
    open_to_me = [(entry, url) for entry, url in addresses if url]
    here = _here(request, open_to_me)
    return [
        Shown(entry.label, url, url == here, entry.count(user) if entry.count else 0)
        for entry, url in open_to_me
    ]


def _here(request: HttpRequest, open_to_me: list[tuple[Entry, str]]) -> str | None:
    match = request.resolver_match
    page, app = (match.view_name, match.app_name) if match else ("", "")
    named = next((url for entry, url in open_to_me if page in entry.also), None)
    above = [url for _, url in open_to_me if _at_or_below(request.path, url)]
    return named or max(
        above, key=len, default=next((url for e, url in open_to_me if app in e.also), None)
    )
