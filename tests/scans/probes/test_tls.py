"""TLS from below: what was negotiated stays seen, a dripping peer ends, our own limits are said."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trustme

from scans.probes import judge, smtp, tls
from scans.probes.model import Observation

from .conftest import Bench, Handler

BANNER = b"220 mx.example.test ESMTP\r\n"


@pytest.fixture(scope="module")
def context() -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("mx.example.test").configure_cert(made)
    return made


def upgrading(context: ssl.SSLContext, after: bytes = b"", drip: float = 0.0) -> Handler:
    """Return a server that offers STARTTLS, upgrades, and then says `after`, or drips raw bytes."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BANNER)
        while line := await reader.readline():
            verb = line.split()[0].upper()
            if verb == b"STARTTLS":
                writer.write(b"220 go\r\n")
                break
            writer.write(b"250-mx\r\n250 STARTTLS\r\n" if verb == b"EHLO" else b"502 no\r\n")
        else:
            return
        raw = writer.transport.get_extra_info("socket")
        await writer.start_tls(context)
        if drip:
            os.write(raw.fileno(), b"\x17\x03\x03\x40\x00")  # a record that never becomes whole
            for _ in range(200):
                os.write(raw.fileno(), b"\x00")
                await asyncio.sleep(drip)
        await reader.readline()
        writer.write(after)

    return handler


def visit(bench: Bench, handler: Handler) -> dict[str, Observation]:
    async def main() -> list[Observation]:
        async with bench.serve(handler, 25) as (tools, target):
            return await smtp.probe(tools, target)

    return {o.name.partition(".")[2]: o for o in asyncio.run(main())}


def test_a_handshake_stays_seen_when_the_session_fails_after_it(
    bench: Bench, context: ssl.SSLContext
) -> None:
    seen = visit(bench, upgrading(context, b"421 4.3.2 busy\r\n"))
    assert str(seen["tls"].outcome) == "observed"
    assert seen["tls"].value["version"] == "TLSv1.3"
    assert str(seen["starttls"].outcome) == "observed"


def test_a_tls_record_that_drips_does_not_stretch_the_budget(
    bench: Bench, context: ssl.SSLContext
) -> None:
    started = time.monotonic()
    visit(bench, upgrading(context, drip=0.1))
    assert time.monotonic() - started < 5


def test_a_machine_that_cannot_offer_old_tls_does_not_say_that_hosts_refuse_it(
    tmp_path: Path,
) -> None:
    config = tmp_path / "openssl.cnf"
    config.write_text(
        "openssl_conf = a\n[a]\nalg_section = b\n[b]\ndefault_properties = fips=yes\n"
    )
    code = "from scans.probes import tls; print(tls.speaks_old_versions())"
    command = [sys.executable, "-c", code]
    limited = os.environ | {"OPENSSL_CONF": str(config)}
    said = subprocess.run(command, env=limited, capture_output=True, text=True, check=True).stdout
    assert said.strip() == "False"
    assert tls.speaks_old_versions() is True  # here, or the practice range could not be judged


def test_old_versions_that_were_not_offered_are_unknown(bench: Bench) -> None:
    seen = Observation.from_json(
        {
            "name": "smtp.tls",
            "target": {"host": "mx.a.test", "address": "127.0.0.1", "port": 25},
            "outcome": "observed",
            "value": {"version": "TLSv1.3", "legacy": [], "legacy_tested": False,
                      "legacy_reason": "own_openssl"},
        }
    )  # fmt: skip
    assert next(str(v.result) for v in judge([seen]) if v.rule == "tls.versions") == "unknown"


@pytest.mark.parametrize("host", ["\\255" * 20 + ".a.test", "a..test", "mx。test", "x" * 64])
def test_a_name_that_sni_cannot_carry_is_left_out_and_breaks_nothing(host: str) -> None:
    """Such an MX name used to end the whole batch with an error of Python's codec."""

    class Closed:
        async def send(self, data: bytes, timeout: float) -> None:
            assert data

        async def recv(self, size: int, timeout: float) -> bytes:
            return b""

    with pytest.raises(tls.TlsFailure, match="closed"):
        asyncio.run(tls.start(Closed(), host, 1.0))  # type: ignore[arg-type]
