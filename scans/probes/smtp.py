"""One SMTP session per port: 25 (smtp), 587 (submission), 465 (smtps).

Order: connect, wait for the banner, EHLO, VRFY, EXPN, the relay question only where authorised,
STARTTLS, EHLO, QUIT. Never AUTH, never DATA, never two commands in one packet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .lines import Declined, LineClient, ProtocolError, Reply, read_reply
from .model import Endpoint, Observation, Outcome
from .session import Tools, Visit, old_versions

#: Port → prefix of its observations.
PREFIXES = {25: "smtp", 587: "submission", 465: "smtps"}

_NAMES = {
    25: ("banner", "ehlo", "auth_before_tls", "vrfy", "expn", "starttls", "tls", "cert"),
    587: ("banner", "ehlo", "auth_before_tls", "starttls", "tls", "cert"),
    465: ("banner", "ehlo", "tls", "cert"),
}
# Answers of a host that knows no EHLO (RFC 5321 4.1.4, 4.2.2).
_NO_SUCH_COMMAND = (500, 501, 502, 504)
# RFC 5321 4.5.1: postmaster exists everywhere; the other mailbox exists nowhere.
_KNOWN, _UNKNOWN = "postmaster", "no-such-user-7f3a9c"


@dataclass(frozen=True, slots=True)
class Hello:
    """Reply to EHLO: keyword → parameters."""

    reply: Reply
    extensions: dict[str, str]
    helo_only: bool

    @property
    def mechanisms(self) -> list[str]:
        """AUTH mechanisms, also from the old `AUTH=` spelling."""
        return self.extensions.get("AUTH", "").upper().split()

    def value(self) -> dict[str, Any]:
        """Return the `value` of a *.ehlo observation."""
        return {
            "name": (self.reply.texts[0].split() or [""])[0],
            "extensions": sorted(self.extensions),
            "auth": self.mechanisms,
            "size": self.extensions.get("SIZE", ""),
            "helo_only": self.helo_only,
        }


def names_of(port: int, *, relay: bool = False) -> tuple[str, ...]:
    """Return the observations that a visit to `port` owes, without prefix."""
    return _NAMES[port] + (("relay",) if relay else ())


async def probe(tools: Tools, target: Endpoint, *, relay: bool = False) -> list[Observation]:
    """Visit one SMTP port.

    Args:
        tools: of the wave.
        target: host name (A-label), address, port 25, 465 or 587.
        relay: ask the relay question (port 25, needs its own authorisation).

    Returns:
        Every observation of the port, whatever happened.
    """
    assert target.port in PREFIXES
    names = names_of(target.port, relay=relay)
    visit = Visit(tools, PREFIXES[target.port], target, names)
    try:
        async with visit.connected() as client:
            await _session(visit, client, relay=relay)
    except Exception as error:
        visit.fail(error)
    visit.slow_down_if_asked()

    async def prepare(client: LineClient) -> None:
        if target.port != 465:
            await _until_tls(tools, client)

    await old_versions(visit, prepare)
    return visit.observations


async def _session(visit: Visit, client: LineClient, *, relay: bool) -> None:
    implicit = visit.target.port == 465
    if implicit:
        stream = await client.start_tls(visit.target.host)
        await visit.look_at_tls(stream, 0)
    await _banner(visit, client)
    hello = await _hello(visit, client)
    await _before_tls(visit, client, hello, relay=relay)
    if not implicit:
        await _starttls(visit, client, hello)
    if relay and "relay" not in visit.done:
        await _relay(visit, client)
    await _quit(client)


async def _before_tls(visit: Visit, client: LineClient, hello: Hello, *, relay: bool) -> None:
    if "auth_before_tls" in visit.names:
        offered = hello.mechanisms
        outcome = Outcome.OBSERVED if offered else Outcome.ABSENT
        line = f"AUTH {' '.join(offered)}" if offered else ""
        visit.note("auth_before_tls", outcome, {"mechanisms": offered, "line": line})
    if "vrfy" in visit.names:
        await _vrfy(visit, client)
        await _expn(visit, client)
    if relay:
        await _relay(visit, client, may_retry="STARTTLS" in hello.extensions)


async def _banner(visit: Visit, client: LineClient) -> None:
    reply = await read_reply(client, visit.tools.policy.budget.banner)
    if (declined := reply.declined) is not None:
        raise Declined(declined, reply.line)
    if reply.code != 220:
        raise Declined(Outcome.REFUSED, reply.line)
    text = " ".join(reply.texts)
    visit.note("banner", Outcome.OBSERVED, {"line": reply.line, "text": text})


async def _greet(tools: Tools, client: LineClient) -> Hello:
    await client.send_line(f"EHLO {tools.ehlo}")
    reply = await read_reply(client)
    if reply.code == 250:
        return Hello(reply, _extensions(reply), helo_only=False)
    if (declined := reply.declined) is not None:
        raise Declined(declined, reply.line)
    if reply.code not in _NO_SUCH_COMMAND:
        # A refusal of us, such as 550 for our name: HELO would not show what the host can do.
        raise Declined(Outcome.REFUSED, reply.line)
    await client.send_line(f"HELO {tools.ehlo}")
    reply = await read_reply(client)
    if (declined := reply.declined) is not None:
        raise Declined(declined, reply.line)
    if reply.code != 250:
        raise Declined(Outcome.REFUSED, reply.line)
    return Hello(reply, {}, helo_only=True)


async def _hello(visit: Visit, client: LineClient) -> Hello:
    start = visit.mark()
    hello = await _greet(visit.tools, client)
    visit.note("ehlo", Outcome.OBSERVED, hello.value(), start)
    return hello


def _extensions(reply: Reply) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in reply.texts[1:]:
        # Some old servers write "AUTH=LOGIN PLAIN" beside or instead of "AUTH LOGIN PLAIN".
        keyword, _, parameters = text.replace("=", " ", 1).partition(" ")
        key = keyword.upper()
        if key == "AUTH" and key in found:
            known = found[key].split()
            parameters = " ".join(known + [p for p in parameters.split() if p not in known])
        if key:
            found[key] = parameters.strip()
    return found


async def _ask(client: LineClient, command: str) -> Reply:
    """Send one command; 421 ends the session."""
    await client.send_line(command)
    reply = await read_reply(client)
    if reply.code == 421:
        raise Declined(Outcome.RATE_LIMITED, reply.line)
    return reply


async def _vrfy(visit: Visit, client: LineClient) -> None:
    start = visit.mark()
    known = await _ask(client, f"VRFY {_KNOWN}")
    unknown = await _ask(client, f"VRFY {_UNKNOWN}")
    value = {
        "known_code": known.code,
        "unknown_code": unknown.code,
        "line": known.line,
        # 250/251 for one that exists and 5xx for one that does not: the directory can be read.
        "enumerable": known.code in (250, 251) and unknown.code >= 500,
    }
    declined = known.declined or unknown.declined
    if declined in (Outcome.RATE_LIMITED, Outcome.TEMP_FAILURE):
        visit.note("vrfy", declined, value, start)
    else:
        visit.note("vrfy", Outcome.OBSERVED, value, start)


async def _expn(visit: Visit, client: LineClient) -> None:
    start = visit.mark()
    reply = await _ask(client, f"EXPN {_KNOWN}")
    value = {"code": reply.code, "line": reply.line, "expands": reply.code == 250}
    temporary = 400 <= reply.code < 500
    outcome = Outcome.TEMP_FAILURE if temporary else Outcome.OBSERVED
    visit.note("expn", outcome, value, start)


async def _relay(visit: Visit, client: LineClient, *, may_retry: bool = False) -> None:
    """MAIL and RCPT between two mailboxes foreign to the server, then RSET; never DATA."""
    relay = visit.tools.policy.relay
    if not relay.recipient or not relay.sender:
        visit.note("relay", Outcome.BLOCKED_BY_GUARD, {"reason": "no_relay_mailbox"})
        return
    start = visit.mark()
    reply = await _ask(client, f"MAIL FROM:<{relay.sender}>")
    asked = "MAIL"
    if reply.code == 250:
        reply = await _ask(client, f"RCPT TO:<{relay.recipient}>")
        asked = "RCPT"
    elif may_retry and reply.code in (530, 538):
        return  # "Must issue a STARTTLS command first": asked again under TLS
    value = {
        "accepted": asked == "RCPT" and 200 <= reply.code < 300,
        "stage": asked,
        "code": reply.code,
        "line": reply.line,
        "sender": relay.sender,
        "recipient": relay.recipient,
    }
    if 400 <= reply.code < 500:
        visit.note("relay", reply.declined or Outcome.TEMP_FAILURE, value, start)
    else:
        visit.note("relay", Outcome.OBSERVED, value, start)
    await _ask(client, "RSET")


async def _starttls(visit: Visit, client: LineClient, hello: Hello) -> None:
    start = visit.mark()
    if "STARTTLS" not in hello.extensions:
        value = {"offered": False, "line": hello.reply.line, "helo_only": hello.helo_only}
        visit.note("starttls", Outcome.ABSENT, value)
        visit.rest(("tls", "cert"), Outcome.ABSENT, "no_starttls")
        return
    reply = await _ask(client, "STARTTLS")
    value = {"offered": True, "code": reply.code, "line": reply.line}
    if reply.code != 220:
        temporary = 400 <= reply.code < 500
        outcome = Outcome.TEMP_FAILURE if temporary else Outcome.PROTOCOL_ERROR
        visit.note("starttls", outcome, value, start)
        visit.rest(("tls", "cert"), outcome, reply.line)
        return
    stream = await client.start_tls(visit.target.host)
    visit.note("starttls", Outcome.OBSERVED, {**value, "version": stream.version}, start)
    await visit.look_at_tls(stream, start)
    await _greet(visit.tools, client)


async def _until_tls(tools: Tools, client: LineClient) -> None:
    """Bring a fresh connection to the point where TLS starts."""
    reply = await read_reply(client, tools.policy.budget.banner)
    if reply.code != 220:
        raise Declined(reply.declined or Outcome.REFUSED, reply.line)
    hello = await _greet(tools, client)
    if "STARTTLS" not in hello.extensions:
        raise ProtocolError("no_starttls")
    reply = await _ask(client, "STARTTLS")
    if reply.code != 220:
        raise Declined(reply.declined or Outcome.PROTOCOL_ERROR, reply.line)


async def _quit(client: LineClient) -> None:
    try:
        await client.send_line("QUIT")
        await read_reply(client, 2.0)
    except (OSError, ProtocolError, TimeoutError):
        client.transcript.add("#", "left without an answer to QUIT")
