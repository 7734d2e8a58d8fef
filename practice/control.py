"""The control channel: one JSON line each way over a Unix socket in the state directory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from practice.fleet import Fleet
from practice.tables import TableError

SOCKET = "control.sock"


class NotRunningError(ConnectionError):
    """No range serves from this state directory."""


@contextlib.contextmanager
def _short_path(state: Path) -> Iterator[str]:
    """Yields a path of the socket under the kernel's limit of 107 bytes, however deep the
    directory lies.
    """
    directory = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{SOCKET}"
    finally:
        os.close(directory)


def ask(state: Path, request: dict[str, Any], timeout: float = 20.0) -> dict[str, Any]:
    """Sends a request to the range that serves from a state directory.

    Arguments: `request` with `do` = set (domain, posture), describe, stats or reset; `timeout`
    in seconds. Returns: the reply. Errors: NotRunningError; TableError when the range refuses.
    """
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as sock:
        sock.settimeout(timeout)
        try:
            with _short_path(state) as path:
                sock.connect(path)
        except OSError as error:
            raise NotRunningError(f"no practice range runs in {state}") from error
        sock.sendall(json.dumps(request).encode() + b"\n")
        with sock.makefile("rb") as file:
            line = file.readline()
    if not line:
        raise NotRunningError(f"the practice range in {state} ended")
    reply: dict[str, Any] = json.loads(line)
    if "error" in reply:
        raise TableError(reply["error"])
    return reply


class Control:
    """The server's end.

    Arguments: the `fleet` it speaks for.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Opens the socket, readable by its owner only."""
        sock = socket.socket(socket.AF_UNIX)
        with _short_path(self.fleet.state) as path:
            Path(path).unlink(missing_ok=True)  # left by a range that was killed
            sock.bind(path)
            os.chmod(path, 0o600)
        self._server = await asyncio.start_unix_server(self._serve, sock=sock)

    async def stop(self) -> None:
        """Closes and removes the socket."""
        if self._server:
            self._server.close()
        (self.fleet.state / SOCKET).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            line = await reader.readline()
            try:
                reply = await self.obey(json.loads(line))
            except (TableError, KeyError, ValueError) as error:
                reply = {"error": str(error)}
            writer.write(json.dumps(reply, ensure_ascii=False).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def obey(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carries out one request and returns the reply. Errors: TableError, KeyError."""
        match request["do"]:
            case "set":
                await self.fleet.set_posture(request["domain"], request["posture"])
                return self.fleet.description()
            case "describe":
                return self.fleet.description()
            case "stats":
                return self.fleet.ledger.summary()
            case "reset":
                self.fleet.ledger.reset()
                return self.fleet.ledger.summary()
        raise TableError(f"unknown request {request['do']!r}")
