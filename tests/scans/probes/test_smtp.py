"""SMTP sessions against scripted servers: what is seen, and what stays unknown."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import pytest

from scans.probes import judge, smtp
from scans.probes.model import Observation, Outcome

from .conftest import Bench, Handler

BANNER = b"220 mx.example.test ESMTP\r\n"
EHLO = b"250-mx.example.test\r\n250-SIZE 1000\r\n250 HELP\r\n"


def visit(
    bench: Bench, handler: Handler, port: int = 25, *, relay: bool = False
) -> dict[str, Observation]:
    async def main() -> list[Observation]:
        async with bench.serve(handler, port) as (tools, target):
            return await smtp.probe(tools, target, relay=relay)

    return {o.name.partition(".")[2]: o for o in asyncio.run(main())}


def outcomes(seen: dict[str, Observation], *names: str) -> list[str]:
    return [str(seen[name].outcome) for name in names]


def test_a_complete_answer_without_starttls_is_absent(bench: Bench) -> None:
    refuse = b"502 no\r\n"
    seen = visit(bench, bench.script(BANNER, EHLO, refuse, refuse, refuse, b"221 bye\r\n"))
    assert seen["starttls"].outcome is Outcome.ABSENT
    assert outcomes(seen, "tls", "cert") == ["absent", "absent"]
    assert seen["auth_before_tls"].outcome is Outcome.ABSENT
    assert seen["vrfy"].value["enumerable"] is False
    assert "S: 250-SIZE 1000" in seen["ehlo"].transcript
    assert bench.connections == 1


@pytest.mark.parametrize(
    ("banner", "outcome"),
    [
        (b"421 4.7.0 slow down\r\n", "rate_limited"),
        (b"450 4.7.1 greylisted\r\n", "rate_limited"),
        (b"451 4.7.1 try later\r\n", "rate_limited"),
        (b"451 4.3.0 broken\r\n", "temp_failure"),
        (b"554 5.7.1 go away\r\n", "refused"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "protocol_error"),
        (b"HTTP/1.1 400 Bad Request\r\n", "protocol_error"),
        (b"\x16\x03\x01\x02\x00\r\n", "protocol_error"),
        (b"", "protocol_error"),
        (b"220 " + b"x" * 5000 + b"\r\n", "protocol_error"),
        (b"220-more\r\n" * 100, "protocol_error"),
        (b"220-a\r\n250 b\r\n", "protocol_error"),
        (b"220 half", "protocol_error"),
    ],
)
def test_a_banner_that_ends_the_session_leaves_everything_unknown(
    bench: Bench, banner: bytes, outcome: str
) -> None:
    seen = visit(bench, bench.script(banner), relay=True)
    assert set(seen) == {
        "banner", "ehlo", "auth_before_tls", "vrfy", "expn", "starttls", "tls", "cert", "relay"
    }  # fmt: skip
    assert {str(o.outcome) for o in seen.values()} == {outcome}


def test_a_tarpit_is_a_timeout_within_its_budget(bench: Bench) -> None:
    started = time.monotonic()
    seen = visit(bench, bench.script(5.0, BANNER))
    assert time.monotonic() - started < 1.5
    assert {str(o.outcome) for o in seen.values()} == {"timeout"}


def test_dripping_bytes_do_not_stretch_the_budget(bench: Bench) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in b"220 mx.example.test ESMTP ready for you\r\n":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.1)

    started = time.monotonic()
    seen = visit(bench, drip)
    assert time.monotonic() - started < 1.5
    assert seen["banner"].outcome is Outcome.TIMEOUT


def test_a_late_banner_is_waited_for_in_silence(bench: Bench) -> None:
    early: list[bytes] = []

    async def postscreen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(TimeoutError):
            early.append(await asyncio.wait_for(reader.read(10), 0.2))
        writer.write(b"220-wait\r\n")
        await writer.drain()
        writer.write(BANNER)
        await reader.readline()
        writer.write(b"554 no\r\n")

    seen = visit(bench, postscreen)
    assert early == []
    assert seen["banner"].value["text"] == "wait mx.example.test ESMTP"
    assert seen["starttls"].outcome is Outcome.REFUSED


def test_a_refused_port(bench: Bench) -> None:
    async def main() -> list[Observation]:
        async with bench.serve(bench.script(BANNER), 25) as (tools, target):
            pass
        return await smtp.probe(tools, target)

    assert {str(o.outcome) for o in asyncio.run(main())} == {"refused"}


def test_helo_only(bench: Bench) -> None:
    script = bench.script(BANNER, b"502 no EHLO\r\n", b"250 hello\r\n", *[b"502 no\r\n"] * 3)
    seen = visit(bench, script)
    assert seen["ehlo"].value["helo_only"] is True
    assert (seen["starttls"].outcome, seen["starttls"].value["helo_only"]) == (Outcome.ABSENT, True)


@pytest.mark.parametrize("line", [b"250-AUTH PLAIN LOGIN\r\n", b"250-AUTH=PLAIN LOGIN\r\n"])
def test_auth_before_tls_in_both_spellings(bench: Bench, line: bytes) -> None:
    ehlo = b"250-mx.example.test\r\n" + line + b"250 HELP\r\n"
    seen = visit(bench, bench.script(BANNER, ehlo, b"221 bye\r\n"), 587)
    assert seen["auth_before_tls"].outcome is Outcome.OBSERVED
    assert seen["auth_before_tls"].value["mechanisms"] == ["PLAIN", "LOGIN"]


@pytest.mark.parametrize(
    ("replies", "outcome"),
    [
        ((b"454 4.7.0 not now\r\n",), "temp_failure"),
        ((b"500 what\r\n",), "protocol_error"),
        ((b"220 go\r\n", 5.0), "timeout"),
        ((b"220 go\r\n",), "protocol_error"),
        ((b"220 go\r\n500 5.5.1 garbage\r\n",), "protocol_error"),
        ((b"421 4.3.2 shutting down\r\n",), "rate_limited"),
    ],
)
def test_a_starttls_that_does_not_work_is_unknown_but_the_rest_stays(
    bench: Bench, replies: tuple[Any, ...], outcome: str
) -> None:
    ehlo = b"250-mx.example.test\r\n250 STARTTLS\r\n"
    seen = visit(bench, bench.script(BANNER, ehlo, *[b"252 ok\r\n"] * 3, *replies))
    assert outcomes(seen, "starttls", "tls", "cert") == [outcome] * 3
    assert outcomes(seen, "banner", "ehlo", "vrfy") == ["observed"] * 3


@pytest.mark.parametrize(
    ("known", "unknown", "enumerable"),
    [
        (b"250 postmaster\r\n", b"550 no such user\r\n", True),
        (b"251 will forward\r\n", b"551 not local\r\n", True),
        (b"250 ok\r\n", b"250 ok\r\n", False),
        (b"252 cannot\r\n", b"252 cannot\r\n", False),
        (b"502 disabled\r\n", b"502 disabled\r\n", False),
        (b"550 no\r\n", b"550 no\r\n", False),
    ],
)
def test_vrfy_tells_only_by_a_difference(
    bench: Bench, known: bytes, unknown: bytes, enumerable: bool
) -> None:
    seen = visit(bench, bench.script(BANNER, EHLO, known, unknown, b"502 no\r\n", b"221 bye\r\n"))
    assert seen["vrfy"].value["enumerable"] is enumerable


def relay(bench: Bench, *replies: bytes) -> Observation:
    quiet = [b"502 no\r\n"] * 3
    return visit(bench, bench.script(BANNER, EHLO, *quiet, *replies), relay=True)["relay"]


def test_the_relay_question_never_sends_data_and_resets(bench: Bench) -> None:
    seen = relay(bench, b"250 ok\r\n", b"250 ok\r\n", b"250 reset\r\n", b"221 bye\r\n")
    assert (seen.outcome, seen.value["accepted"]) == (Outcome.OBSERVED, True)
    verbs = [line.split()[0].decode() for line in bench.received if line]
    assert verbs == ["EHLO", "VRFY", "VRFY", "EXPN", "MAIL", "RCPT", "RSET", "QUIT"]
    assert "elsewhere" in seen.value["recipient"]


def test_relay_answers(bench: Bench) -> None:
    denied = relay(bench, b"250 ok\r\n", b"554 5.7.1 relay denied\r\n", b"250 ok\r\n")
    assert (denied.outcome, denied.value["accepted"]) == (Outcome.OBSERVED, False)
    grey = relay(bench, b"250 ok\r\n", b"450 4.2.0 greylisted\r\n", b"250 ok\r\n")
    assert grey.outcome is Outcome.RATE_LIMITED
    later = relay(bench, b"451 4.3.0 later\r\n", b"250 ok\r\n")
    assert later.outcome is Outcome.TEMP_FAILURE
    sender = relay(bench, b"550 5.1.8 no such sender domain\r\n", b"250 ok\r\n")
    assert (sender.value["stage"], sender.value["accepted"]) == ("MAIL", False)


def test_without_authorisation_the_relay_question_is_not_asked(bench: Bench) -> None:
    seen = visit(bench, bench.script(BANNER, EHLO, *[b"502 no\r\n"] * 4))
    assert "relay" not in seen
    assert not any(line.startswith((b"MAIL", b"RCPT")) for line in bench.received)


def test_the_transcript_is_bounded_and_printable(bench: Bench) -> None:
    lines = b"".join(b"250-X\x1b[31m" + b"y" * 1500 + b"\x00\r\n" for _ in range(60))
    seen = visit(bench, bench.script(BANNER, lines + b"250 END\r\n", *[b"502 no\r\n"] * 4))
    transcript = seen["starttls"].transcript
    assert sum(map(len, transcript)) < 3 * bench.policy.limits.transcript_bytes
    assert transcript[-1] == "# transcript cut here" or "# transcript cut here" in transcript
    assert all(line.isprintable() for line in transcript)


@pytest.mark.parametrize("refusal", [b"550 5.7.1 your name is not welcome\r\n", b"571 no\r\n"])
def test_a_refused_ehlo_is_not_a_host_that_knows_only_helo(bench: Bench, refusal: bytes) -> None:
    seen = visit(bench, bench.script(BANNER, refusal, b"250 hello\r\n", *[b"502 no\r\n"] * 4))
    assert outcomes(seen, "ehlo", "starttls", "auth_before_tls") == ["refused"] * 3


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (b"554 5.7.1 <x@y>: Relay access denied\r\n", "conforming"),
        (b"550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain\r\n", "conforming"),
        (b"550 5.1.1 no such user here\r\n", "conforming"),
        (b"252 2.1.5 will try\r\n", "nonconforming"),
        (b"250 ok\r\n", "nonconforming"),
        (b"554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.test\r\n",
         "unknown"),
        (b"450 4.7.25 Client host rejected: cannot find your hostname\r\n", "unknown"),
        (b"550 5.7.23 message rejected due to SPF violation\r\n", "unknown"),
        (b"451 4.7.1 greylisted\r\n", "unknown"),
    ],
)  # fmt: skip
def test_a_refusal_of_the_scanner_is_no_refusal_to_relay(
    bench: Bench, line: bytes, verdict: str
) -> None:
    found = judge([relay(bench, b"250 ok\r\n", line, b"250 reset\r\n", b"221 bye\r\n")])
    assert next(str(v.result) for v in found if v.rule == "smtp.relay") == verdict
