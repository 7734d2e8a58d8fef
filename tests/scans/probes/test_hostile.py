"""Whatever a peer or a zone says, a probe ends with observations and never with an exception."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scans.probes import dkim, dmarc, mailbox, smtp, web
from scans.probes.certs import TrustStore, inspect
from scans.probes.dns import Resolver
from scans.probes.model import Observation
from scans.probes.spf import parse, select

from .conftest import Bench

pytestmark = pytest.mark.slow

NOBODY = TrustStore(system=False)
FRAGMENTS: Mapping[int, list[bytes]] = {
    25: [b"220 mx ESMTP\r\n", b"250-mx\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n", b"250 ok\r\n",
         b"252 x\r\n", b"502 no\r\n", b"220 go\r\n", b"421 bye\r\n", b"250-\r\n", b"250\r\n"],
    143: [b"* OK hi\r\n", b"* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK\r\n", b"a2 OK\r\n",
          b"* BYE\r\n", b"a1 BAD\r\n", b"+ \r\n"],
    110: [b"+OK hi\r\n", b"+OK\r\nUSER\r\nSTLS\r\n.\r\n", b"-ERR no\r\n", b"+OK go\r\n", b".\r\n"],
    80: [b"HTTP/1.1 302 F\r\nLocation: http://[bad\r\n\r\n", b"HTTP/1.0 200\r\n\r\n<html>",
         b"HTTP/1.1 301 M\r\nLocation: //x:99999/\r\n\r\n", b"HTTP/1.1 301 M\r\nLocation: \r\n\r\n",
         b"HTTP/1.1 301 M\r\nLocation: ftp://mx.example.test/\r\n\r\n",
         b"HTTP/1.1 301 M\r\nLocation: http://mx.example.test/\xff\x00\r\n\r\n",
         b"HTTP/1.1 301 M\r\nLocation: https://127.0.0.2/\r\n\r\n",
         b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx",
         b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\nx",
         b'HTTP/1.1 200 OK\r\n\r\n<meta http-equiv="refresh" content="0;url=http://[x">'],
}  # fmt: skip


def conversation(seed: int, port: int) -> list[bytes]:
    chance = random.Random(seed)
    parts = []
    for _ in range(chance.randint(0, 8)):
        part = bytearray(chance.choice(FRAGMENTS[port]))
        kind = chance.random()
        if kind < 0.15:
            part = bytearray(chance.randbytes(chance.randint(1, 300)))
        elif kind < 0.3 and part:
            part[chance.randrange(len(part))] = chance.randrange(256)
        elif kind < 0.4:
            part = part[: chance.randrange(len(part))]
        parts.append(bytes(part))
    return parts


@pytest.mark.parametrize("port", [25, 143, 110, 80])
def test_hostile_conversations(bench: Bench, port: int) -> None:
    async def main() -> int:
        count = 0
        for seed in range(25):
            script = bench.script(*(conversation(seed, port) or [b""]))
            async with bench.serve(script, port) as (tools, target):
                resolver = Resolver("127.0.0.1:1", tools.policy.dns)
                try:
                    found = await {
                        25: lambda t=tools, e=target: smtp.probe(t, e, relay=True),
                        143: lambda t=tools, e=target: mailbox.probe(t, e),
                        110: lambda t=tools, e=target: mailbox.probe(t, e),
                        80: lambda t=tools, e=target, r=resolver: web.probe(t, r, e),
                    }[port]()
                finally:
                    resolver.close()
            assert found
            for observation in found:
                again = Observation.from_json(observation.to_json())
                assert again.name == observation.name
                count += 1
        return count

    assert asyncio.run(main()) >= 25 * 4


@pytest.mark.parametrize(
    ("location", "hop"),
    [
        ("http://[bad", ("protocol_error", "bad_url")),
        ("ftp://mx.example.test/", ("protocol_error", "bad_url")),
        ("http://mx.example.test:22/", ("blocked_by_guard", "port")),
        ("https://127.66.0.1/", ("blocked_by_guard", "loopback")),
        ("http://169.254.169.254/latest/", ("blocked_by_guard", "link_local")),
        ("http://mx.example.test/", ("protocol_error", "redirect_loop")),
    ],
)
def test_redirects_go_through_the_guard(bench: Bench, location: str, hop: tuple[str, str]) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n".encode()

    async def main() -> Observation:
        async with bench.serve(bench.script(head, banner_first=False), 80) as (tools, target):
            resolver = Resolver("127.0.0.1:1", tools.policy.dns)
            try:
                return (await web.probe(tools, resolver, target))[0]
            finally:
                resolver.close()

    seen = asyncio.run(main())
    assert seen.name == "web.redirect"
    last = seen.value["hops"][-1]
    assert (last["outcome"], last["reason"]) == hop


@given(st.text())
def test_any_text_is_a_record_or_not(text: str) -> None:
    for record in select(["v=spf1 " + text, text]):
        parse(record)
    dmarc.parse("v=DMARC1;" + text)
    assert isinstance(dmarc.is_record(text), bool)
    dkim.parse(text)
    dkim.parse("v=DKIM1; p=" + text)


@given(st.lists(st.binary(max_size=64), max_size=3), st.text(max_size=20))
def test_any_bytes_are_a_certificate_or_not(chain: list[bytes], host: str) -> None:
    assert inspect(chain, host, NOBODY)["problems"] == ["unreadable"]
