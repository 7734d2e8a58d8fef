"""Count what comes from one address, so that public pages can refuse those who only guess.

Counters lie in the cache: shared by all processes with Redis, one a process without.
"""

from ipaddress import ip_address, ip_network

from django.core.cache import cache
from django.http import HttpRequest


def hits(what: str, request: HttpRequest) -> int:
    """Return how often `what` has been counted for the caller's address in the running period."""
    found: int = cache.get(_key(what, request), 0)
    return found


def hit(what: str, request: HttpRequest, *, seconds: int) -> int:
    """Count once and return the count.

    Args:
        what: name of the counter.
        seconds: length of the period, which begins with its first hit.
    """
    key = _key(what, request)
    cache.add(key, 0, timeout=seconds)
    try:
        return int(cache.incr(key))
    except ValueError:  # the period ended between the two calls
        return 1


def _key(what: str, request: HttpRequest) -> str:
    return f"pace:{what}:{neighbourhood(request.META.get('REMOTE_ADDR', ''))}"


def neighbourhood(address: str) -> str:
    """An IPv4 address itself; of IPv6 the /64, within which a caller chooses freely."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    return str(ip_network(f"{address}/64", strict=False)) if parsed.version == 6 else address
