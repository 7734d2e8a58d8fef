"""The resolver's transport, against a small server on loopback that misbehaves on request."""

from __future__ import annotations

import asyncio
import dataclasses
import struct
from collections.abc import Callable

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from scans.probes.dns import (
    Answer,
    BadName,
    DnsFailure,
    Resolver,
    parse_resolver,
    to_ascii,
    to_unicode,
)
from scans.probes.policy import Dns, load

Reply = Callable[[dns.message.Message, int], list[bytes]]
HASTY = dataclasses.replace(load().dns, tries=(0.15, 0.15), tcp_timeout=0.5)


def answer(query: dns.message.Message, *records: str, rcode: int = 0, flags: int = 0) -> bytes:
    response = dns.message.make_response(query)
    response.set_rcode(rcode)
    response.flags |= flags
    for record in records:
        name, kind, data = record.split(" ", 2)
        response.answer.append(dns.rrset.from_text(name, 60, "IN", kind, data))
    return response.to_wire()


class Server(asyncio.DatagramProtocol):
    """Answers UDP with `reply(query, attempt)` and TCP with `tcp(query)`."""

    def __init__(self, reply: Reply, tcp: Callable[[dns.message.Message], bytes] | None) -> None:
        self.reply, self.tcp = reply, tcp
        self.seen: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        self.seen.append(str(query.question[0]))
        for packet in self.reply(query, self.seen.count(self.seen[-1])):
            self.transport.sendto(packet, addr)  # type: ignore[attr-defined]

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self.tcp is not None
        size = struct.unpack("!H", await reader.readexactly(2))[0]
        wire = self.tcp(dns.message.from_wire(await reader.readexactly(size)))
        writer.write(struct.pack("!H", len(wire)) + wire)
        await writer.drain()
        writer.close()


def ask(
    reply: Reply,
    *questions: tuple[str, str],
    tcp: Callable[[dns.message.Message], bytes] | None = None,
    policy: Dns = HASTY,
) -> tuple[list[Answer | BaseException], Server]:
    async def main() -> tuple[list[Answer | BaseException], Server]:
        loop = asyncio.get_running_loop()
        server = Server(reply, tcp)
        transport, _ = await loop.create_datagram_endpoint(
            lambda: server, local_addr=("127.0.0.1", 0)
        )
        port = transport.get_extra_info("sockname")[1]
        listener = await asyncio.start_server(server.stream, "127.0.0.1", port) if tcp else None
        resolver = Resolver(f"127.0.0.1:{port}", policy)
        try:
            asked = (resolver.query(*question) for question in questions)
            return await asyncio.gather(*asked, return_exceptions=True), server
        finally:
            resolver.close()
            transport.close()
            if listener is not None:
                listener.close()

    return asyncio.run(main())


def only(reply: Reply, name: str, rdtype: str, **options: object) -> Answer:
    (result,), _ = ask(reply, (name, rdtype), **options)  # type: ignore[arg-type]
    if isinstance(result, BaseException):
        raise result
    return result


def test_long_texts_join_without_a_space() -> None:
    found = only(lambda q, n: [answer(q, 'a.test. TXT "v=spf1 " "-all"')], "a.test", "TXT")
    assert found.records == ("v=spf1 -all",)


def test_text_that_is_not_utf8_survives() -> None:
    found = only(lambda q, n: [answer(q, 'a.test. TXT "\\255\\000x"')], "a.test", "TXT")
    assert found.records == ("\xff\x00x",)


def test_nxdomain_and_no_data_differ() -> None:
    gone = only(lambda q, n: [answer(q, rcode=dns.rcode.NXDOMAIN)], "a.test", "MX")
    empty = only(lambda q, n: [answer(q)], "a.test", "MX")
    assert (gone.exists, gone.records) == (False, ())
    assert (empty.exists, empty.records) == (True, ())


@pytest.mark.parametrize(
    ("code", "reason"), [(dns.rcode.SERVFAIL, "servfail"), (dns.rcode.REFUSED, "refused")]
)
def test_failures_are_never_absence(code: int, reason: str) -> None:
    with pytest.raises(DnsFailure) as caught:
        only(lambda q, n: [answer(q, rcode=code)], "a.test", "TXT")
    assert caught.value.reason == reason


def test_silence_is_asked_twice_and_then_a_timeout() -> None:
    (result,), server = ask(lambda q, n: [], ("a.test", "A"))
    assert isinstance(result, DnsFailure)
    assert result.reason == "timeout"
    assert len(server.seen) == 2


def test_the_second_try_counts() -> None:
    reply: Reply = lambda q, n: [answer(q, "a.test. A 192.0.2.1")] if n == 2 else []  # noqa: E731
    assert only(reply, "a.test", "A").records == ("192.0.2.1",)


def test_truncation_goes_to_tcp() -> None:
    found = only(
        lambda q, n: [answer(q, flags=dns.flags.TC)],
        "a.test",
        "TXT",
        tcp=lambda q: answer(q, 'a.test. TXT "whole"'),
    )
    assert (found.records, found.tcp) == (("whole",), True)


def test_an_answer_to_another_question_is_ignored() -> None:
    def reply(query: dns.message.Message, attempt: int) -> list[bytes]:
        other = dns.message.make_query("evil.test", "A", id=query.id)
        forged = answer(other, "evil.test. A 192.0.2.66")
        return [forged, b"\x00", answer(query, "a.test. A 192.0.2.1")]

    assert only(reply, "a.test", "A").records == ("192.0.2.1",)


def test_answers_for_other_names_in_the_packet_are_ignored() -> None:
    packet = ("b.test. A 192.0.2.66", "a.test. A 192.0.2.1")
    assert only(lambda q, n: [answer(q, *packet)], "a.test", "A").records == ("192.0.2.1",)


def test_cnames_are_followed_within_and_across_answers() -> None:
    def reply(query: dns.message.Message, attempt: int) -> list[bytes]:
        name = str(query.question[0].name)
        if name == "a.test.":
            return [answer(query, "a.test. CNAME b.test.", "b.test. CNAME c.test.")]
        return [answer(query, f"{name} A 192.0.2.1")]

    found = only(reply, "a.test", "A")
    assert (found.cnames, found.records) == (("b.test", "c.test"), ("192.0.2.1",))


def test_a_cname_loop_ends() -> None:
    def reply(query: dns.message.Message, attempt: int) -> list[bytes]:
        name = str(query.question[0].name)
        other = "b.test." if name == "a.test." else "a.test."
        return [answer(query, f"{name} CNAME {other}")]

    with pytest.raises(DnsFailure) as caught:
        only(reply, "a.test", "A")
    assert caught.value.reason == "cname_loop"


def test_many_questions_share_the_socket_and_each_is_asked_once() -> None:
    names = [(f"n{n}.test", "A") for n in range(200)]

    def reply(query: dns.message.Message, attempt: int) -> list[bytes]:
        name = str(query.question[0].name)
        return [answer(query, f"{name} A 192.0.2.{int(name[1:-6]) % 250}")]

    results, server = ask(reply, *names, *names)
    assert [r.records[0] for r in results[:200] if isinstance(r, Answer)] == [
        f"192.0.2.{n % 250}" for n in range(200)
    ]
    assert results[200:] == results[:200]
    assert len(server.seen) == 200


def test_mx_records_are_sorted_and_the_null_mx_is_a_dot() -> None:
    packet = ("a.test. MX 20 B.test.", "a.test. MX 10 c.test.", "a.test. MX 10 a.test.")
    found = only(lambda q, n: [answer(q, *packet)], "a.test", "MX")
    assert found.mx == ((10, "a.test"), (10, "c.test"), (20, "b.test"))
    null = only(lambda q, n: [answer(q, "a.test. MX 0 .")], "a.test", "MX")
    assert null.mx == ((0, "."),)


@pytest.mark.parametrize(
    ("name", "ascii_name"),
    [
        ("Example.TEST.", "example.test"),
        ("邮件示例.test", "xn--5nqzn608hevt.test"),
        ("bücher。test", "xn--bcher-kva.test"),
        ("_dmarc.a.test", "_dmarc.a.test"),
    ],
)
def test_domain_names(name: str, ascii_name: str) -> None:
    assert to_ascii(name) == ascii_name


@pytest.mark.parametrize(
    "name",
    ["", ".", "a..test", "a b.test", "a/b.test", "a" * 64 + ".test", "a\nb.test", "-\u200b.test",
     ".".join(["abcdefgh"] * 40), "<script>.test", "a@b.test"],
)  # fmt: skip
def test_what_is_no_domain_name(name: str) -> None:
    with pytest.raises(BadName):
        to_ascii(name)


def test_u_labels_for_people() -> None:
    assert to_unicode("mx.xn--5nqzn608hevt.test") == "mx.邮件示例.test"
    assert to_unicode("_dmarc.xn--a") == "_dmarc.xn--a"


def test_resolver_addresses() -> None:
    assert parse_resolver("127.0.0.1") == ("127.0.0.1", 53)
    assert parse_resolver("127.77.1.2:10053") == ("127.77.1.2", 10053)
    assert parse_resolver("[::1]:5353") == ("::1", 5353)
    assert parse_resolver("::1") == ("::1", 53)
    with pytest.raises(ValueError, match="example"):
        parse_resolver("ns.example.com")
