"""The webmail look against scripted servers: pages built to stall, to mislead, to be late."""

from __future__ import annotations

import asyncio
import time

import pytest

from scans.probes import web
from scans.probes.dns import Resolver
from scans.probes.model import Observation
from scans.probes.web import Page

from .conftest import Bench


def redirect(bench: Bench, answer: bytes) -> Observation:
    async def main() -> Observation:
        async with bench.serve(bench.script(answer, banner_first=False), 80) as (tools, target):
            resolver = Resolver("127.0.0.1:1", tools.policy.dns)
            try:
                return (await web.probe(tools, resolver, target))[0]
            finally:
                resolver.close()

    return asyncio.run(main())


@pytest.mark.parametrize(
    "element", [b"<meta ", b"<meta http-equiv=refresh ", b"<meta http-equiv = refresh url=", b"<"]
)
def test_a_page_of_endless_elements_is_read_at_once(bench: Bench, element: bytes) -> None:
    """A thousand of them used to hold the loop, and with it every other domain, for minutes."""
    body = (element * 65536)[:65536]
    started = time.monotonic()
    seen = redirect(bench, b"HTTP/1.1 200 OK\r\n\r\n" + body)
    assert time.monotonic() - started < 5
    assert (seen.value["final_status"], seen.value["refresh"]) == (200, "")


@pytest.mark.parametrize(
    ("page", "link"),
    [
        (b'<meta http-equiv="refresh" content="0; url=https://a.test/">', "https://a.test/"),
        (b"<META charset=x><Meta content='1;URL=/in' HTTP-EQUIV=Refresh>", "/in"),
        (b'<meta name="refresh" content="url=https://a.test/">', ""),
    ],
)
def test_where_a_page_sends_the_browser(bench: Bench, page: bytes, link: str) -> None:
    seen = redirect(bench, b"HTTP/1.1 200 OK\r\n\r\n" + page)
    assert seen.value["refresh"] == (f"http://mx.example.test{link}" if link[:1] == "/" else link)


@pytest.mark.parametrize("port", [25, 110, 143, 587, 993])
def test_no_redirect_talks_to_a_mail_port(bench: Bench, port: int) -> None:
    location = f"Location: http://127.0.0.1:{port}/".encode()
    seen = redirect(bench, b"HTTP/1.1 302 Found\r\n" + location + b"\r\n\r\n")
    last = seen.value["hops"][-1]
    assert (last["outcome"], last["reason"]) == ("blocked_by_guard", "port")
    assert bench.connections == 1


def test_headers_longer_than_a_line_of_mail_are_read(bench: Bench) -> None:
    policy = b"Content-Security-Policy: " + b"https://cdn.a.test " * 200
    seen = redirect(bench, b"HTTP/1.1 200 OK\r\n" + policy + b"\r\n\r\nhello")
    assert seen.value["final_status"] == 200


@pytest.mark.parametrize(
    ("status", "header", "outcome"),
    [
        (200, "", "absent"),
        (403, "", "absent"),
        (503, "", "temp_failure"),
        (429, "", "temp_failure"),
        (503, "max-age=31536000", "observed"),
    ],
)
def test_an_error_page_without_hsts_is_not_its_absence(
    bench: Bench, status: int, header: str, outcome: str
) -> None:
    async def main() -> str:
        async with bench.serve(bench.script(b""), 443) as (tools, target):
            visit = web.Visit(tools, "web", target, ("hsts",))
            fields = {"strict-transport-security": header} if header else {}
            web._hsts(visit, Page(status, fields, ""))
            return str(visit.done["hsts"].outcome)

    assert asyncio.run(main()) == outcome
