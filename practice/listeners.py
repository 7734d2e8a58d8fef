"""Listening sockets: count a visitor on arrival, then hand it to the server that plays the
posture.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import ssl
from collections.abc import Awaitable, Callable

from practice.ledger import Account
from practice.smtp import PostureSMTP

#: Serves one client over streams until it returns.
StreamService = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
#: What an unfinished visit may raise and nobody need hear of: scanners break off on purpose.
BROKEN_OFF = (
    OSError,
    ssl.SSLError,
    asyncio.IncompleteReadError,
    asyncio.LimitOverrunError,
    ValueError,
)

READ_LIMIT = 16_384  # bytes a stream reader buffers


def bind(address: str, port: int) -> socket.socket:
    """Returns a listening TCP socket. Errors: OSError when the port is taken."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setblocking(False)
    try:
        sock.bind((address, port))
        sock.listen(64)
    except OSError:
        sock.close()
        raise
    return sock


class Listener:
    """One listening port of one host.

    Arguments: `account` to enter visits in; the standard `port`; the bound `sock`; `service` makes
    the server of one visit (an aiosmtpd protocol or a stream service); `context` for TLS from the
    first byte, else None; `latency`, seconds before a visit is served.
    """

    def __init__(
        self,
        account: Account,
        port: int,
        sock: socket.socket,
        service: Callable[[], PostureSMTP | StreamService],
        context: ssl.SSLContext | None = None,
        latency: float = 0.0,
    ) -> None:
        self.account = account
        self.port = port
        self.sock = sock
        self.service = service
        self.context = context
        self.latency = latency
        self._visits: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.create_task(self._accept())

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(self.sock)
            except OSError:
                await asyncio.sleep(0.05)  # out of file descriptors: wait for one
                continue
            self.account.arrive(self.port, client)
            visit = asyncio.create_task(self._visit(client))
            self._visits.add(visit)
            visit.add_done_callback(functools.partial(self._left, client))

    def _left(self, client: socket.socket, visit: asyncio.Task[None]) -> None:
        # Not in _visit's finally: a visit that is cancelled before its first step has none.
        self._visits.discard(visit)
        self.account.leave(client)

    async def _visit(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        service = self.service()
        transport: asyncio.BaseTransport | None = None
        writer: asyncio.StreamWriter | None = None
        try:
            await asyncio.sleep(self.latency)
            if isinstance(service, PostureSMTP):
                transport, _ = await loop.connect_accepted_socket(
                    lambda: service, client, ssl=self.context
                )
                await service.ended
            else:
                reader = asyncio.StreamReader(limit=READ_LIMIT, loop=loop)
                writers: list[asyncio.StreamWriter] = []
                # A callback makes StreamWriter.start_tls take the server's side.
                protocol = asyncio.StreamReaderProtocol(
                    reader, lambda _, made: writers.append(made), loop=loop
                )
                transport, _ = await loop.connect_accepted_socket(
                    lambda: protocol, client, ssl=self.context
                )
                writer = writers[0]
                await service(reader, writer)
                writer.close()
                await writer.wait_closed()
        except BROKEN_OFF:
            pass
        finally:
            if isinstance(service, PostureSMTP) and service.transport is not None:
                transport = service.transport
            elif writer is not None:
                transport = writer.transport
            if transport is None:
                client.close()
            elif not transport.is_closing():
                assert isinstance(transport, asyncio.Transport)
                transport.abort()

    async def close(self) -> None:
        """Stops listening and ends every visit."""
        tasks = [self._accepting, *self._visits]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.sock.close()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Never says a word; leaves when the client does."""
    while await reader.read(4096):
        pass


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speaks another protocol."""
    writer.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    await writer.drain()
    await silent(reader, writer)


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ends the visit at once: the canary and the exposed ports need no more than the count."""
