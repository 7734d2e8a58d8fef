"""The entries of the main navigation, in the order in which a day's work meets them.

One plain list, because a newcomer should see at one place who sees what. An entry without a power
is for everyone who is logged in.
"""

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its label, the name of its URL, the power it needs (None: anyone logged in)."""

    label: str
    url_name: str
    power: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as the page shows it; active when the page lies at or below its address."""

    label: str
    url: str
    active: bool


ENTRIES: Final[tuple[Entry, ...]] = ()


def _at_or_below(path: str, url: str) -> bool:
    # The root is above every page, so it is active only on itself.
    return path == url or (url != "/" and path.startswith(url))


def build(request: HttpRequest, entries: tuple[Entry, ...] = ENTRIES) -> list[Shown]:
    """The entries that this request's user may open; none for anonymous.

    The active entry is the one with the longest address that the page's path starts with.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    open_to_me = [
        (entry.label, reverse(entry.url_name))
        for entry in entries
        if entry.power is None or user.can(entry.power)
    ]
    here = max(
        (url for _, url in open_to_me if _at_or_below(request.path, url)), key=len, default=None
    )
    return [Shown(label, url, url == here) for label, url in open_to_me]
