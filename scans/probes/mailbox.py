"""IMAP (143, 993) and POP3 (110, 995): greeting, capabilities, STARTTLS. Never a log-in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .lines import Declined, LineClient, ProtocolError
from .model import Endpoint, Observation, Outcome
from .session import Tools, Visit, old_versions

#: Port → prefix of its observations.
PREFIXES = {143: "imap", 993: "imaps", 110: "pop3", 995: "pop3s"}
IMPLICIT = (993, 995)

_NAMES_PLAIN = ("banner", "auth_before_tls", "starttls", "tls", "cert")
_NAMES_TLS = ("banner", "tls", "cert")
_PLAIN_MECHANISMS = ("PLAIN", "LOGIN")
_CAPABILITY = re.compile(r"\[CAPABILITY ([^\]]*)\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server says it can do before TLS.

    Args:
        capabilities: in capitals.
        starttls: the upgrade is offered.
        plain_login: a password may be sent without TLS; None where the server does not say.
        line: the line that shows it.
    """

    capabilities: tuple[str, ...]
    starttls: bool
    plain_login: bool | None
    line: str


def names_of(port: int) -> tuple[str, ...]:
    """Return the observations that a visit to `port` owes, without prefix."""
    return _NAMES_TLS if port in IMPLICIT else _NAMES_PLAIN


async def probe(tools: Tools, target: Endpoint) -> list[Observation]:
    """Visit one IMAP or POP3 port.

    Args:
        tools: of the wave.
        target: host name (A-label), address, port 143, 993, 110 or 995.

    Returns:
        Every observation of the port, whatever happened.
    """
    assert target.port in PREFIXES
    implicit = target.port in IMPLICIT
    visit = Visit(tools, PREFIXES[target.port], target, names_of(target.port))
    speak = Imap() if target.port in (143, 993) else Pop3()
    try:
        async with visit.connected() as client:
            if implicit:
                stream = await client.start_tls(target.host)
                await visit.look_at_tls(stream, 0)
                await _banner(visit, client, speak)
            else:
                await _plain_session(visit, client, speak)
            await speak.leave(client)
    except Exception as error:
        visit.fail(error)

    async def prepare(client: LineClient) -> None:
        if not implicit:
            await speak.greeting(client)
            await speak.upgrade(client)

    await old_versions(visit, prepare)
    return visit.observations


async def _banner(visit: Visit, client: LineClient, speak: Imap | Pop3) -> str:
    start = visit.mark()
    line = await speak.greeting(client)
    visit.note("banner", Outcome.OBSERVED, {"line": line}, start)
    return line


async def _plain_session(visit: Visit, client: LineClient, speak: Imap | Pop3) -> None:
    line = await _banner(visit, client, speak)
    start = visit.mark()
    offer = await speak.offer(client, line)
    value: dict[str, Any] = {
        "plain_login": offer.plain_login,
        "capabilities": list(offer.capabilities),
        "line": offer.line,
    }
    if offer.plain_login is None:
        value["reason"] = "no_capabilities"
        visit.note("auth_before_tls", Outcome.PROTOCOL_ERROR, value, start)
        # Whether it would upgrade it does not say either.
        visit.rest(("starttls", "tls", "cert"), Outcome.PROTOCOL_ERROR, "no_capabilities")
        return
    outcome = Outcome.OBSERVED if offer.plain_login else Outcome.ABSENT
    visit.note("auth_before_tls", outcome, value, start)
    if not offer.starttls:
        visit.note("starttls", Outcome.ABSENT, {"offered": False, "line": offer.line}, start)
        visit.rest(("tls", "cert"), Outcome.ABSENT, "no_starttls")
        return
    start = visit.mark()
    answer = await speak.upgrade(client)
    stream = await client.start_tls(visit.target.host)
    value = {"offered": True, "line": answer, "version": stream.version}
    visit.note("starttls", Outcome.OBSERVED, value, start)
    await visit.look_at_tls(stream, start)


class Imap:
    """IMAP4rev1 (RFC 3501, 9051) up to CAPABILITY and STARTTLS."""

    async def greeting(self, client: LineClient) -> str:
        """Return the greeting. Raises Declined for BYE, ProtocolError for anything else."""
        line = await client.read_line(client.policy.budget.banner)
        if line.upper().startswith(("* OK", "* PREAUTH")):
            return line
        if line.upper().startswith("* BYE"):
            raise Declined(Outcome.TEMP_FAILURE, line)
        raise ProtocolError("not_imap")

    async def offer(self, client: LineClient, greeting: str) -> Offer:
        """Ask CAPABILITY; fall back to the one in the greeting."""
        await client.send_line("a1 CAPABILITY")
        line = ""
        for text in await self._until(client, "a1"):
            if text.upper().startswith("* CAPABILITY "):
                line = text
        words = line[len("* CAPABILITY ") :].upper().split()
        if not words and (match := _CAPABILITY.search(greeting)) is not None:
            line, words = greeting, match[1].upper().split()
        if not words:
            return Offer((), False, None, greeting)
        # LOGIN is a command of the protocol itself: only LOGINDISABLED takes it away (RFC 3501
        # 6.2.3). AUTH=PLAIN or AUTH=LOGIN would send the password as readably.
        plain = "LOGINDISABLED" not in words or any(
            f"AUTH={mechanism}" in words for mechanism in _PLAIN_MECHANISMS
        )
        return Offer(tuple(words), "STARTTLS" in words, plain, line)

    async def upgrade(self, client: LineClient) -> str:
        """Send STARTTLS and return the answer. Raises Declined."""
        await client.send_line("a2 STARTTLS")
        line = (await self._until(client, "a2"))[-1]
        if not line.upper().startswith("A2 OK"):
            raise Declined(Outcome.TEMP_FAILURE, line)
        return line

    async def leave(self, client: LineClient) -> None:
        """Say LOGOUT; its answer does not matter."""
        await _farewell(client, "a3 LOGOUT")

    async def _until(self, client: LineClient, tag: str) -> list[str]:
        lines: list[str] = []
        for _ in range(client.policy.limits.reply_lines):
            lines.append(await client.read_line())
            if lines[-1].lower().startswith(f"{tag} "):
                return lines
            if not lines[-1].startswith(("* ", "+ ")):
                raise ProtocolError("not_imap")
            if lines[-1].upper().startswith("* BYE"):
                raise Declined(Outcome.TEMP_FAILURE, lines[-1])
        raise ProtocolError("too_many_lines")


class Pop3:
    """POP3 (RFC 1939) up to CAPA (RFC 2449) and STLS (RFC 2595)."""

    async def greeting(self, client: LineClient) -> str:
        """Return the greeting. Raises Declined for -ERR, ProtocolError for anything else."""
        return await self._answer(client, client.policy.budget.banner)

    async def offer(self, client: LineClient, greeting: str) -> Offer:
        """Ask CAPA. A server without CAPA does not say whether USER would be taken."""
        await client.send_line("CAPA")
        status = await client.read_line()
        if not status.upper().startswith("+OK"):
            return Offer((), False, None, status)
        words: list[str] = []
        for _ in range(client.policy.limits.reply_lines):
            line = await client.read_line()
            if line == ".":
                break
            words.append(line.strip().upper())
        else:
            raise ProtocolError("too_many_lines")
        sasl = next((word.split()[1:] for word in words if word.split()[:1] == ["SASL"]), [])
        plain: bool | None = "USER" in words or any(m in sasl for m in _PLAIN_MECHANISMS)
        if not (plain or sasl or "STLS" in words):
            plain = None  # nobody could log in at all: the list is not complete
        return Offer(tuple(words), "STLS" in words, plain, "CAPA: " + ", ".join(words))

    async def upgrade(self, client: LineClient) -> str:
        """Send STLS and return the answer. Raises Declined."""
        await client.send_line("STLS")
        return await self._answer(client, None)

    async def leave(self, client: LineClient) -> None:
        """Say QUIT; its answer does not matter."""
        await _farewell(client, "QUIT")

    async def _answer(self, client: LineClient, seconds: float | None) -> str:
        line = await client.read_line(seconds)
        if line.upper().startswith("+OK"):
            return line
        if line.upper().startswith("-ERR"):
            raise Declined(Outcome.TEMP_FAILURE, line)
        raise ProtocolError("not_pop3")


async def _farewell(client: LineClient, command: str) -> None:
    try:
        await client.send_line(command)
        await client.read_line(2.0)
    except (OSError, ProtocolError, TimeoutError):
        client.transcript.add("#", "left without an answer")
