"""A line client for SMTP, IMAP and POP3: bounded lines, a bounded transcript, STARTTLS."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field

from . import tls
from .guard import Blocked, Wire
from .model import Outcome
from .pace import Held
from .policy import ScanPolicy


class ProtocolError(Exception):
    """The peer does not speak the protocol, or breaks a parser limit.

    Args:
        reason: `line_too_long`, `too_many_lines`, `closed`, `not_smtp`, `not_imap`, `not_pop3`,
            `trailing_plaintext`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Declined(Exception):
    """The peer answered, and the answer says that nothing can be observed now.

    Args:
        outcome: RATE_LIMITED, TEMP_FAILURE or REFUSED.
        line: first line of the answer.
    """

    def __init__(self, outcome: Outcome, line: str) -> None:
        super().__init__(line)
        self.outcome = outcome
        self.line = line


@dataclass
class Transcript:
    """What was said, bounded in bytes; the cut is marked."""

    limit: int
    lines: list[str] = field(default_factory=list)
    size: int = 0
    cut: bool = False

    def add(self, mark: str, text: str) -> None:
        """Append one line: mark `C`, `S` or `#`."""
        self.size += len(text) + 3
        if self.size > self.limit:
            if not self.cut:
                self.lines.append("# transcript cut here")
                self.cut = True
            return
        self.lines.append(f"{mark} {text}" if mark == "#" else f"{mark}: {text}")


@dataclass
class LineClient:
    """Speaks lines over a Wire and, after `start_tls`, over TLS.

    Args:
        wire: the connection.
        policy: budgets and limits.
        deadline: monotonic time at which the session ends.
    """

    wire: Wire
    policy: ScanPolicy
    deadline: float
    transcript: Transcript

    def __post_init__(self) -> None:
        self._stream: tls.Stream = self.wire
        self._buffer = bytearray()
        self.heard = False

    def _wait(self, seconds: float) -> float:
        left = min(seconds, self.deadline - time.monotonic())
        if left <= 0:
            raise TimeoutError
        return left

    async def read_line(self, seconds: float | None = None, limit: int | None = None) -> str:
        """Return one line without its end, bytes as Latin-1, at most `limit` of them.

        Raises:
            ProtocolError: too long, or the peer closed. TimeoutError: silence within `seconds`
            (default: the line budget) for the whole line, so that dripping bytes do not help.
        """
        end = time.monotonic() + self._wait(seconds or self.policy.budget.line)
        limit = limit or self.policy.limits.line_bytes
        while (position := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > limit:
                self.transcript.add("S", self._buffer[:200].decode("latin-1"))
                raise ProtocolError("line_too_long")
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            data = await self._stream.recv(4096, left)
            if not data:
                if self._buffer:
                    self.transcript.add("S", self._buffer.decode("latin-1"))
                self.transcript.add("#", "connection closed by peer")
                raise ProtocolError("closed")
            self.heard = True
            self._buffer += data
        line = bytes(self._buffer[:position]).removesuffix(b"\r")
        del self._buffer[: position + 1]
        if len(line) > limit:
            raise ProtocolError("line_too_long")
        text = line.decode("latin-1")
        self.transcript.add("S", text)
        return text

    async def read_bytes(self, limit: int) -> bytes:
        """Return what comes until the end of the connection, at most `limit` bytes."""
        while len(self._buffer) < limit:
            data = await self._stream.recv(16384, self._wait(self.policy.budget.line))
            if not data:
                break
            self._buffer += data
        body = bytes(self._buffer[:limit])
        self._buffer.clear()
        return body

    async def send_line(self, text: str) -> None:
        """Send one command. Never two in one packet before STARTTLS."""
        await self.send_lines(text)

    async def send_lines(self, *lines: str) -> None:
        """Send lines that belong together, such as the head of an HTTP request."""
        for text in lines:
            if text:
                self.transcript.add("C", text)
        wait = self._wait(self.policy.budget.line)
        data = "".join(f"{text}\r\n" for text in lines).encode("latin-1")
        await self._stream.send(data, wait)

    async def start_tls(self, host: str) -> tls.TlsStream:
        """Turn the connection into TLS; plaintext that waits already is dropped with a remark.

        Raises:
            tls.TlsFailure, TimeoutError, OSError, ProtocolError.
        """
        if self._buffer:
            self.transcript.add("S", self._buffer[:200].decode("latin-1"))
            raise ProtocolError("trailing_plaintext")
        wait = self._wait(self.policy.budget.line)
        async with asyncio.timeout(self._wait(self.policy.budget.connect + wait)):
            stream = await tls.start(self.wire, host, wait)
        self._stream = stream
        self.heard = True
        self.transcript.add("#", f"TLS {stream.version} {stream.cipher}")
        return stream


def outcome_of(error: BaseException) -> tuple[Outcome, str]:
    """Return outcome and reason for anything that can end a session early."""
    if isinstance(error, Declined):
        return error.outcome, error.line
    if isinstance(error, Blocked):
        return Outcome.BLOCKED_BY_GUARD, error.reason
    if isinstance(error, Held):
        if error.reason == "slow_host":
            return Outcome.TIMEOUT, error.reason
        return Outcome.RATE_LIMITED, error.reason
    if isinstance(error, ProtocolError | tls.TlsFailure):
        return Outcome.PROTOCOL_ERROR, error.reason
    if isinstance(error, ConnectionRefusedError):
        return Outcome.REFUSED, "connection_refused"
    if isinstance(error, TimeoutError):
        return Outcome.TIMEOUT, "timeout"
    if isinstance(error, ConnectionError):
        return Outcome.PROTOCOL_ERROR, "reset"
    if isinstance(error, OSError):
        return Outcome.TIMEOUT, "unreachable"
    raise error


_REPLY = re.compile(r"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reply:
    """One SMTP reply: code and the texts of its lines."""

    code: int
    texts: tuple[str, ...]

    @property
    def line(self) -> str:
        """First line as sent."""
        return f"{self.code} {self.texts[0]}".rstrip()

    @property
    def declined(self) -> Outcome | None:
        """RATE_LIMITED for 421, 450 and 4.7.x, TEMP_FAILURE for other 4xx, REFUSED for 554."""
        if self.code in (421, 450) or (self.code < 500 and self.texts[-1].startswith("4.7.")):
            return Outcome.RATE_LIMITED
        if 400 <= self.code < 500:
            return Outcome.TEMP_FAILURE
        return Outcome.REFUSED if self.code == 554 else None


async def read_reply(client: LineClient, seconds: float | None = None) -> Reply:
    """Read one reply of RFC 5321 4.2, at most `reply_lines` lines.

    Raises:
        ProtocolError: not an SMTP reply, or endless.
    """
    texts: list[str] = []
    code = 0
    for _ in range(client.policy.limits.reply_lines):
        match = _REPLY.fullmatch(await client.read_line(seconds))
        if match is None or (code and int(match[1]) != code):
            raise ProtocolError("not_smtp")
        code = int(match[1])
        texts.append(match[3] or "")
        if match[2] != "-":
            return Reply(code, tuple(texts))
        seconds = None
    raise ProtocolError("too_many_lines")
