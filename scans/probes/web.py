"""Webmail: does HTTP lead to HTTPS, does HTTPS ask for HSTS, what certificate does it show.

Small GETs to the checked address; every redirect goes through the guard like the first address.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from . import tls
from .dns import BadName, DnsFailure, Resolver, to_ascii
from .guard import Blocked
from .lines import LineClient, ProtocolError, Transcript, outcome_of
from .model import Endpoint, Observation, Outcome, observe
from .session import Tools, Visit, old_versions

#: Observations that a visit owes, without prefix.
NAMES = ("redirect", "hsts", "tls", "cert")

# One element at a time and bounded: over a whole hostile page this pattern would run for hours.
_META_ELEMENT = re.compile(r"<meta\s([^<>]{1,512})>", re.I)
_REFRESH = re.compile(r"http-equiv\s*=\s*[\"']?refresh\b", re.I)
_REFRESH_URL = re.compile(r"\burl\s*=\s*[\"']?([^\"'>\s]+)", re.I)
_STATUS = re.compile(r"HTTP/\d(?:\.\d)? (\d{3})(?: (.*))?")
_MAX_HEADERS = 100
#: Content-Security-Policy and cookies are longer than any line of mail.
_HEADER_BYTES = 8192
#: A redirect may lead to another host, never to a mail port of it.
_PORTS = (80, 443)


@dataclass(frozen=True, slots=True)
class Page:
    """One HTTP answer: status, header fields (small letters, first wins), start of the body."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass
class Hop:
    """One step of a redirect chain."""

    url: str
    status: int = 0
    location: str = ""
    refresh: str = ""
    outcome: str = ""
    reason: str = ""


@dataclass
class Walk:
    """A redirect chain from the plain address."""

    hops: list[Hop] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def value(self, url: str) -> dict[str, Any]:
        """Return the `value` of the web.redirect observation."""
        last = self.hops[-1]
        return {
            "url": url,
            "status": self.hops[0].status,
            "location": self.hops[0].location,
            "refresh": self.hops[0].refresh,
            "final_url": last.url,
            "final_status": last.status,
            "https": last.url.startswith("https://") or last.location.startswith("https://"),
            "hops": [
                {"url": hop.url, "status": hop.status, "outcome": hop.outcome, "reason": hop.reason}
                for hop in self.hops
            ],
        }


def host_of(address: str) -> str:
    """Return the A-label host of a webmail address (host name or URL). Raises BadName."""
    text = address if "//" in address else f"//{address}"
    host = urlsplit(text).hostname
    if not host:
        raise BadName(f"{address}: no host")
    return to_ascii(host)


async def probe(tools: Tools, resolver: Resolver, target: Endpoint) -> list[Observation]:
    """Look at one webmail host: port 80, then 443.

    Args:
        tools, resolver: of the wave.
        target: host name and address; its port is ignored.
    """
    secure = Endpoint(target.host, target.address, 443)
    visit = Visit(tools, "web", secure, ("hsts", "tls", "cert"))
    page: Page | None = None
    try:
        async with visit.connected() as client:
            stream = await client.start_tls(target.host)
            await visit.look_at_tls(stream, 0)
            page = await get(client, target.host, "/")
            _hsts(visit, page)
    except Exception as error:
        visit.fail(error)
    await old_versions(visit)
    return [await _redirect(tools, resolver, target, page), *visit.observations]


def _hsts(visit: Visit, page: Page) -> None:
    header = page.headers.get("strict-transport-security", "")
    age = re.search(r"(?:^|;)\s*max-age\s*=\s*\"?(\d+)\"?\s*(?:;|$)", header, re.I)
    value = {
        "header": header,
        "max_age": int(age[1]) if age and len(age[1]) < 16 else None,
        "include_subdomains": "includesubdomains" in header.lower(),
        "status": page.status,
    }
    if not header and not_now(page.status):
        # An error page of an overloaded server often lacks the header that its pages carry.
        visit.note("hsts", Outcome.TEMP_FAILURE, {**value, "reason": f"HTTP {page.status}"})
        return
    visit.note("hsts", Outcome.OBSERVED if header else Outcome.ABSENT, value)


def not_now(status: int) -> bool:
    """Whether a status says "at present" rather than anything of the server's making."""
    return status >= 500 or status in (408, 425, 429)


async def _redirect(
    tools: Tools, resolver: Resolver, target: Endpoint, secure_page: Page | None
) -> Observation:
    """Follow http://HOST/ until it ends, becomes HTTPS on a host already seen, or is refused."""
    url = f"http://{target.host}/"
    plain = Endpoint(target.host, target.address, 80)
    walk = Walk()
    seen: set[str] = set()
    current, address = url, target.address
    for _ in range(tools.policy.limits.redirects + 1):
        hop = Hop(current)
        walk.hops.append(hop)
        if current in seen:
            hop.outcome, hop.reason = str(Outcome.PROTOCOL_ERROR), "redirect_loop"
            break
        seen.add(current)
        if current == f"https://{target.host}/" and secure_page is not None:
            # Seen a moment ago; politeness forbids asking twice.
            page = secure_page
            walk.lines.append(f"# {current} was fetched before: {page.status}")
        else:
            try:
                page = await _fetch(tools, resolver, current, address, walk)
            except Exception as error:
                outcome, reason = _outcome(error)
                hop.outcome, hop.reason = str(outcome), reason
                walk.lines.append(f"# {current}: {outcome}: {reason}")
                break
        hop.status, hop.outcome = page.status, str(Outcome.OBSERVED)
        hop.location = _join(current, page.headers.get("location", ""))
        if not 300 <= page.status < 400 or not page.headers.get("location"):
            hop.location = ""
            hop.refresh = _join(current, link) if (link := _refresh(page.body)) else ""
            break
        current, address = hop.location, None
        if _hostname(current) == target.host:
            address = target.address
    else:
        walk.hops[-1].reason = "too_many_redirects"
    first = walk.hops[0]
    if first.outcome != Outcome.OBSERVED:
        value = {"url": url, "reason": first.reason}
        return observe("web.redirect", plain, Outcome(first.outcome), value, walk.lines)
    return observe("web.redirect", plain, Outcome.OBSERVED, walk.value(url), walk.lines)


def _refresh(body: str) -> str:
    """Return where a meta element of the page sends the browser, "" for nowhere."""
    for element in _META_ELEMENT.finditer(body):
        if _REFRESH.search(element[1]) and (match := _REFRESH_URL.search(element[1])):
            return match[1]
    return ""


def _join(base: str, link: str) -> str:
    """Resolve a link; one that is no URL stays as it was said and fails when it is fetched."""
    try:
        return urljoin(base, link)
    except ValueError:
        return link


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _outcome(error: Exception) -> tuple[Outcome, str]:
    if isinstance(error, DnsFailure):
        return Outcome.DNS_FAILURE, error.reason
    if isinstance(error, BadName | ValueError):
        return Outcome.PROTOCOL_ERROR, "bad_url"
    return outcome_of(error)


async def _fetch(
    tools: Tools, resolver: Resolver, url: str, address: str | None, walk: Walk
) -> Page:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ProtocolError("bad_url")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = parts.hostname
    if port not in _PORTS:
        raise Blocked("port", host)
    if address is None:
        if re.fullmatch(r"[\d.]+|[\da-f:.]*:[\da-f:.]*", host):
            address = host
        else:
            host = to_ascii(host)
            found = await resolver.addresses(host)
            if not found:
                raise DnsFailure("no_address", host)
            address = next((a for a in found if tools.guard.allowed(a)), found[0])
    transcript = Transcript(tools.policy.limits.transcript_bytes, walk.lines)
    async with tools.guard.connect(address, port) as wire:
        deadline = time.monotonic() + tools.policy.budget.session
        client = LineClient(wire, tools.policy, deadline, transcript)
        if parts.scheme == "https":
            await client.start_tls(host)
        path = parts.path or "/"
        return await get(client, host, path + (f"?{parts.query}" if parts.query else ""))


async def get(client: LineClient, host: str, path: str) -> Page:
    """Send one GET and read the answer, at most `body_bytes` of its body.

    Raises:
        ProtocolError: not HTTP. TimeoutError, OSError, tls.TlsFailure.
    """
    if not path.isascii() or not path.isprintable() or " " in path:
        raise ProtocolError("bad_url")
    agent = client.policy.identity.user_agent
    fields = (f"Host: {host}", f"User-Agent: {agent}", "Accept: text/html", "Connection: close")
    await client.send_lines(f"GET {path} HTTP/1.1", *fields, "")
    match = _STATUS.match(await client.read_line())
    if match is None:
        raise ProtocolError("not_http")
    headers: dict[str, str] = {}
    for _ in range(_MAX_HEADERS):
        line = await client.read_line(limit=_HEADER_BYTES)
        if not line:
            break
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), value.strip())  # RFC 6797 8.1: the first
    else:
        raise ProtocolError("too_many_lines")
    body = await _body(client, headers)
    return Page(int(match[1]), headers, body)


async def _body(client: LineClient, headers: dict[str, str]) -> str:
    limit = client.policy.limits.body_bytes
    length = headers.get("content-length", "")
    if re.fullmatch(r"[0-9]{1,11}", length):
        limit = min(limit, int(length))
    try:
        async with asyncio.timeout(client.policy.budget.line):
            body = await client.read_bytes(limit)
    except (TimeoutError, OSError, tls.TlsFailure):
        return ""
    client.transcript.add("#", f"{len(body)} bytes of body")
    return body.decode("utf-8", "replace")
