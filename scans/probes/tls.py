"""TLS over a Wire: one handshake without verification, so that bad certificates can be seen."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from .guard import Wire

#: Versions that RFC 8996 forbids.
LEGACY = ("TLSv1", "TLSv1.1", "SSLv3")


class TlsFailure(Exception):
    """The handshake failed at the protocol level.

    Args:
        reason: OpenSSL's short reason in small letters, or `closed`, `not_tls`, `reset`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Stream(Protocol):
    """Bytes in and out; a Wire or a TlsStream."""

    async def recv(self, size: int, timeout: float) -> bytes: ...

    async def send(self, data: bytes, timeout: float) -> None: ...


def lenient_context(lowest: ssl.TLSVersion, highest: ssl.TLSVersion) -> ssl.SSLContext:
    """Return a client context that accepts any certificate, old versions and weak keys.

    Security level 0: otherwise a TLS-1.0-only server would read as broken rather than as old.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.options |= getattr(ssl, "OP_LEGACY_SERVER_CONNECT", 0x4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # offering them is the measurement
        context.minimum_version = lowest
        context.maximum_version = highest
    return context


@lru_cache(maxsize=1)
def speaks_old_versions() -> bool:
    """Return whether this machine's OpenSSL can still do a TLS 1.0 handshake.

    Distributions build or configure it away; then every host would seem to refuse it. Tried once,
    in memory, between two anonymous ends.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.set_ciphers("aNULL:@SECLEVEL=0")
            server.minimum_version = ssl.TLSVersion.TLSv1
        client = lenient_context(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1)
        there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
        ends = (client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True))
        for _ in range(4):  # flights of a full handshake
            for end in ends:
                with contextlib.suppress(ssl.SSLWantReadError):
                    end.do_handshake()
        return ends[0].version() == "TLSv1"
    except (ssl.SSLError, ValueError):
        return False


ANY_VERSION = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_3)
OLD_VERSIONS = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)


@dataclass
class TlsStream:
    """A TLS session over a Wire.

    Args:
        wire: the connection below.
        ssl_object: OpenSSL's side, fed through two memory buffers.
    """

    wire: Wire
    ssl_object: ssl.SSLObject
    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO

    @property
    def version(self) -> str:
        """Negotiated version, as OpenSSL spells it: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3."""
        return self.ssl_object.version() or ""

    @property
    def cipher(self) -> str:
        """Name of the negotiated cipher suite."""
        cipher = self.ssl_object.cipher()
        return cipher[0] if cipher else ""

    def chain(self, limit: int) -> tuple[list[bytes], bool]:
        """Return the presented chain as DER, leaf first, at most `limit` bytes in all.

        The second value is True where more was presented.
        """
        low: Any = getattr(self.ssl_object, "_sslobj", self.ssl_object)
        found = low.get_unverified_chain() or []  # public on SSLObject from Python 3.13 on
        chain: list[bytes] = []
        for item in found:
            der = item if isinstance(item, bytes) else ssl.PEM_cert_to_DER_cert(item.public_bytes())
            limit -= len(der)
            if limit < 0 and chain:
                return chain, True
            chain.append(der)
        return chain, False

    async def recv(self, size: int, timeout: float) -> bytes:
        """Return up to `size` plain bytes, b"" at the end. Raises TlsFailure, TimeoutError.

        `timeout` holds for the whole wait: a record that comes byte by byte does not stretch it.
        """
        async with asyncio.timeout(timeout):
            return await self._recv(size, timeout)

    async def _recv(self, size: int, timeout: float) -> bytes:
        while True:
            try:
                return self.ssl_object.read(size)
            except ssl.SSLWantReadError:
                await self._flush(timeout)
                data = await self.wire.recv(16384, timeout)
                if data:
                    self.incoming.write(data)
                else:
                    self.incoming.write_eof()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError as error:
                raise TlsFailure(_reason(error)) from error

    async def send(self, data: bytes, timeout: float) -> None:
        """Send all of `data`. Raises TlsFailure, TimeoutError."""
        try:
            self.ssl_object.write(data)
        except ssl.SSLError as error:
            raise TlsFailure(_reason(error)) from error
        await self._flush(timeout)

    async def _flush(self, timeout: float) -> None:
        if pending := self.outgoing.read():
            await self.wire.send(pending, timeout)


async def start(
    wire: Wire,
    host: str,
    timeout: float,
    versions: tuple[ssl.TLSVersion, ssl.TLSVersion] = ANY_VERSION,
) -> TlsStream:
    """Do a handshake.

    Args:
        wire: connection whose next bytes are TLS.
        host: name for SNI (none is sent for an address).
        timeout: seconds for each wait.
        versions: lowest and highest version offered.

    Raises:
        TlsFailure: alert, garbage or close. TimeoutError: silence. OSError: reset.
    """
    context = lenient_context(*versions)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname=_server_name(host))
    stream = TlsStream(wire, session, incoming, outgoing)
    while True:
        try:
            session.do_handshake()
            await stream._flush(timeout)
            return stream
        except ssl.SSLWantReadError:
            await stream._flush(timeout)
            data = await wire.recv(16384, timeout)
            if not data:
                raise TlsFailure("closed") from None
            incoming.write(data)
        except ssl.SSLError as error:
            pending = outgoing.read()  # our alert; a peer that closed already cannot take it
            if pending:
                with contextlib.suppress(OSError, TimeoutError):
                    await wire.send(pending, timeout)
            raise TlsFailure(_reason(error)) from error


def _server_name(host: str) -> str | None:
    """Return the name for SNI; None for an address and for a name that SNI cannot carry."""
    if host.replace(".", "").isdigit() or ":" in host:
        return None
    labels = host.split(".")
    return host if host.isascii() and all(0 < len(label) < 64 for label in labels) else None


def _reason(error: ssl.SSLError) -> str:
    reason = (error.reason or "failed").lower()
    return "not_tls" if reason == "wrong_version_number" else reason
