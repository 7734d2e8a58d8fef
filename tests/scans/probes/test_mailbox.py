"""IMAP and POP3 sessions against scripted servers."""

from __future__ import annotations

import asyncio

import pytest

from scans.probes import mailbox
from scans.probes.model import Observation, Outcome

from .conftest import Bench, Handler


def visit(bench: Bench, handler: Handler, port: int) -> dict[str, Observation]:
    async def main() -> list[Observation]:
        async with bench.serve(handler, port) as (tools, target):
            return await mailbox.probe(tools, target)

    return {o.name.partition(".")[2]: o for o in asyncio.run(main())}


@pytest.mark.parametrize(
    ("capabilities", "plain"),
    [
        (b"IMAP4rev1 STARTTLS", True),
        (b"IMAP4rev1 STARTTLS AUTH=PLAIN", True),
        (b"IMAP4rev1 logindisabled", False),
        (b"IMAP4rev1 STARTTLS LOGINDISABLED AUTH=SCRAM-SHA-256", False),
        (b"IMAP4rev1 LOGINDISABLED AUTH=PLAIN", True),
    ],
)
def test_imap_log_in_before_tls(bench: Bench, capabilities: bytes, plain: bool) -> None:
    reply = b"* CAPABILITY " + capabilities + b"\r\na1 OK done\r\n"
    script = bench.script(b"* OK ready\r\n", reply, b"a2 BAD no\r\n", b"* BYE\r\n")
    seen = visit(bench, script, 143)["auth_before_tls"]
    assert seen.outcome is (Outcome.OBSERVED if plain else Outcome.ABSENT)
    assert seen.value["plain_login"] is plain
    assert seen.value["line"].encode() == b"* CAPABILITY " + capabilities


def test_imap_falls_back_to_the_greeting_and_otherwise_says_that_it_does_not_know(
    bench: Bench,
) -> None:
    greeting = b"* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] ready\r\n"
    seen = visit(bench, bench.script(greeting, b"a1 BAD\r\n", b"* BYE\r\n"), 143)
    assert seen["auth_before_tls"].outcome is Outcome.ABSENT
    seen = visit(bench, bench.script(b"* OK ready\r\n", b"a1 BAD\r\n", b"* BYE\r\n"), 143)
    assert seen["auth_before_tls"].outcome is Outcome.PROTOCOL_ERROR
    assert seen["auth_before_tls"].value["reason"] == "no_capabilities"


@pytest.mark.parametrize(
    ("lines", "plain"),
    [
        (b"TOP\r\nUSER\r\nSTLS\r\n", True),
        (b"TOP\r\nSASL PLAIN\r\n", True),
        (b"TOP\r\nSASL\r\nSTLS\r\n", False),
        (b"TOP\r\nSTLS\r\nSASL SCRAM-SHA-1 CRAM-MD5\r\n", False),
        (b"user\r\n", True),
    ],
)
def test_pop3_log_in_before_tls(bench: Bench, lines: bytes, plain: bool) -> None:
    reply = b"+OK list\r\n" + lines + b".\r\n"
    seen = visit(bench, bench.script(b"+OK ready\r\n", reply, b"-ERR no\r\n"), 110)
    assert seen["auth_before_tls"].value["plain_login"] is plain


def test_pop3_without_capa_is_unknown_and_no_user_is_sent(bench: Bench) -> None:
    seen = visit(bench, bench.script(b"+OK ready\r\n", b"-ERR unknown\r\n", b"+OK\r\n"), 110)
    assert seen["auth_before_tls"].outcome is Outcome.PROTOCOL_ERROR
    assert not any(line.upper().startswith((b"USER", b"PASS", b"AUTH")) for line in bench.received)


@pytest.mark.parametrize(
    ("port", "greeting", "outcome"),
    [
        (143, b"* BYE too busy\r\n", "temp_failure"),
        (143, b"220 smtp here\r\n", "protocol_error"),
        (110, b"-ERR locked\r\n", "temp_failure"),
        (110, b"* OK imap here\r\n", "protocol_error"),
        (993, b"* OK plain text where TLS should be\r\n", "protocol_error"),
        (995, b"", "protocol_error"),
    ],
)
def test_greetings_that_end_the_session(
    bench: Bench, port: int, greeting: bytes, outcome: str
) -> None:
    seen = visit(bench, bench.script(greeting), port)
    assert {str(o.outcome) for o in seen.values()} == {outcome}


def test_an_endless_capability_list_ends(bench: Bench) -> None:
    reply = b"* CAPABILITY IMAP4rev1\r\n" * 200
    seen = visit(bench, bench.script(b"* OK ready\r\n", reply), 143)
    assert seen["auth_before_tls"].value["reason"] == "too_many_lines"


def test_pop3_lists_with_stray_spaces_are_read(bench: Bench) -> None:
    capa = b"+OK\r\nTOP \r\nUSER \r\nSTLS\t\r\n.\r\n"
    seen = visit(bench, bench.script(b"+OK hi\r\n", capa, b"-ERR\r\n", b"+OK\r\n"), 110)
    assert seen["auth_before_tls"].outcome is Outcome.OBSERVED


def test_pop3_that_lists_no_way_in_at_all_does_not_forbid_the_plain_one(bench: Bench) -> None:
    capa = b"+OK\r\nTOP\r\nUIDL\r\n.\r\n"
    seen = visit(bench, bench.script(b"+OK hi\r\n", capa, b"+OK bye\r\n"), 110)
    assert seen["auth_before_tls"].outcome is Outcome.PROTOCOL_ERROR


@pytest.mark.parametrize(
    ("port", "script"),
    [(110, (b"+OK hi\r\n", b"-ERR what\r\n")), (143, (b"* OK hi\r\n", b"a1 BAD\r\n"))],
)
def test_a_server_that_does_not_say_what_it_can_do_is_not_said_to_lack_tls(
    bench: Bench, port: int, script: tuple[bytes, ...]
) -> None:
    seen = visit(bench, bench.script(*script, b"+OK bye\r\n"), port)
    assert [str(seen[n].outcome) for n in ("starttls", "tls", "cert")] == ["protocol_error"] * 3
