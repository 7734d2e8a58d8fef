"""DNS questions over one multiplexed UDP socket to a configured resolver, TCP after truncation.

dnspython builds and reads the messages; the transport is ours, because its stock resolver opens
a socket and spends twice the time per question.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import idna

from .guard import resolver_datagrams, resolver_stream
from .policy import Dns

_CNAME_LIMIT = 8


class DnsFailure(Exception):
    """No usable answer: says nothing about whether the record exists.

    Args:
        reason: `timeout`, `servfail`, `refused`, `malformed`, `cname_loop`, or an rcode in small
            letters.
    """

    def __init__(self, reason: str, name: str = "") -> None:
        super().__init__(f"{name}: {reason}" if name else reason)
        self.reason = reason


class BadName(ValueError):
    """A text that cannot be a DNS name (empty label, label over 63, name over 255 octets)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the resolver said to one question, CNAMEs followed.

    Args:
        name, rdtype: the question.
        exists: False for NXDOMAIN (RFC 8020: nothing below it either).
        records: texts of the records of the asked type: TXT strings joined, addresses, names
            without the final dot, MX as (preference, name).
        cnames: names passed through.
        secure: the resolver set AD.
    """

    name: str
    rdtype: str
    exists: bool
    records: tuple[str, ...] = ()
    mx: tuple[tuple[int, str], ...] = ()
    cnames: tuple[str, ...] = ()
    secure: bool = False
    tcp: bool = False

    def lines(self) -> list[str]:
        """Return transcript lines: question and answer in zone-file order."""
        question = f"C: {self.name} {self.rdtype}?"
        if not self.exists:
            return [question, "S: NXDOMAIN"]
        via = [f"S: CNAME {name}" for name in self.cnames]
        if not self.records:
            return [question, *via, "S: NOERROR, no record of this type"]
        return [question, *via, *(f"S: {self.rdtype} {record}" for record in self.records)]


class Lookup(Protocol):
    """The one method that evaluators need; tests answer it from a dict."""

    async def query(self, name: str, rdtype: str) -> Answer:
        """Answer one question. Raises DnsFailure or BadName."""
        ...


def to_ascii(name: str) -> str:
    """Return the A-label form of a domain, lower case, without the final dot.

    Raises:
        BadName: not a domain name by IDNA 2008 (UTS 46 mapping) or RFC 1035 lengths.
    """
    text = name.strip().rstrip(".")
    if not text.isascii():
        try:
            text = idna.encode(text, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise BadName(f"{name}: {error}") from error
    text = text.lower()
    try:
        dns.name.from_text(text)
    except dns.exception.DNSException as error:
        raise BadName(f"{name}: {error}") from error
    allowed = "abcdefghijklmnopqrstuvwxyz0123456789-_"
    if not text or any(not label or set(label) - set(allowed) for label in text.split(".")):
        raise BadName(f"{name}: not a domain name")
    return text


def to_unicode(name: str) -> str:
    """Return the U-label form for display; the input itself where it has none."""
    try:
        return idna.decode(name)
    except (idna.IDNAError, UnicodeError):
        return name


def parse_resolver(text: str) -> tuple[str, int]:
    """Read `IP`, `IP:PORT` or `[IPv6]:PORT`. Raises ValueError."""
    host, port = text, "53"
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.lstrip(":") or "53"
    elif text.count(":") == 1:
        host, port = text.split(":")
    return str(ipaddress.ip_address(host)), int(port)


def system_resolver() -> str:
    """Return the first name server of /etc/resolv.conf, 127.0.0.1 where there is none."""
    try:
        for line in Path("/etc/resolv.conf").read_text(encoding="utf-8").splitlines():
            words = line.split()
            if len(words) >= 2 and words[0] == "nameserver":
                return words[1] if ":" not in words[1] else f"[{words[1].split('%')[0]}]:53"
    except OSError:
        pass
    return "127.0.0.1"


@dataclass(slots=True)
class _Pending:
    message: dns.message.Message
    future: asyncio.Future[dns.message.Message]


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.pending: dict[int, _Pending] = {}

    def datagram_received(self, data: bytes, addr: object) -> None:
        if len(data) < 12:
            return
        waiting = self.pending.get(struct.unpack("!H", data[:2])[0])
        if waiting is None or waiting.future.done():
            return
        try:
            response = dns.message.from_wire(data, ignore_trailing=True)
        except (dns.exception.DNSException, ValueError):
            waiting.future.set_exception(DnsFailure("malformed"))
            return
        if waiting.message.is_response(response):
            waiting.future.set_result(response)

    def error_received(self, exc: Exception) -> None:
        # ICMP "port unreachable" of a connected socket: no question will be answered.
        for waiting in self.pending.values():
            if not waiting.future.done():
                waiting.future.set_exception(DnsFailure("refused"))


@dataclass
class Resolver:
    """Asks one configured resolver; remembers answers for the length of a wave.

    Args:
        server: `IP` or `IP:PORT` of a recursive resolver (or the practice range's server).
        policy: the `[dns]` table of the policy.
    """

    server: str
    policy: Dns
    _protocol: _Datagrams | None = None
    _transport: asyncio.DatagramTransport | None = None
    _cache: dict[tuple[str, str], asyncio.Task[Answer]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._address, self._port = parse_resolver(self.server)
        self._gate = asyncio.Semaphore(self.policy.in_flight)
        self._opening = asyncio.Lock()

    async def query(self, name: str, rdtype: str) -> Answer:
        """Ask for the records of one type at one name.

        Raises:
            BadName: `name` is not a DNS name.
            DnsFailure: no usable answer.
        """
        key = (name.lower().rstrip("."), rdtype)
        task = self._cache.get(key)
        if task is None:
            self._name(name)
            task = asyncio.ensure_future(self._resolve(key[0], rdtype))
            self._cache[key] = task
        return await asyncio.shield(task)

    async def addresses(self, name: str) -> tuple[str, ...]:
        """Return IPv4 then IPv6 addresses of `name`. Raises DnsFailure when neither is known."""
        results = await asyncio.gather(
            self.query(name, "A"), self.query(name, "AAAA"), return_exceptions=True
        )
        found = tuple(a for result in results if isinstance(result, Answer) for a in result.records)
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures and not found:
            raise failures[0]
        return found

    def close(self) -> None:
        """Close the socket and drop what is still being asked."""
        for task in self._cache.values():
            task.cancel()
        if self._transport is not None:
            self._transport.close()

    @staticmethod
    def _name(name: str) -> dns.name.Name:
        try:
            return dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError) as error:
            raise BadName(f"{name}: {error}") from error

    async def _resolve(self, name: str, rdtype: str) -> Answer:
        cnames: list[str] = []
        current = name
        while True:
            response, tcp = await self._ask(current, rdtype)
            code = response.rcode()
            if code not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                raise DnsFailure(dns.rcode.to_text(code).lower(), current)
            owner = self._name(current)
            while (target := _target(response, owner)) is not None:
                owner = target
                cnames.append(_plain(target))
                if len(cnames) > _CNAME_LIMIT:
                    raise DnsFailure("cname_loop", name)
            records = _records(response, owner, rdtype)
            resolved_here = records or code == dns.rcode.NXDOMAIN or _plain(owner) == current
            if resolved_here:
                exists = code != dns.rcode.NXDOMAIN
                secure = bool(response.flags & dns.flags.AD)
                mx = _mx(response, owner) if rdtype == "MX" else ()
                return Answer(name, rdtype, exists, records, mx, tuple(cnames), secure, tcp)
            current = _plain(owner)

    async def _ask(self, name: str, rdtype: str) -> tuple[dns.message.Message, bool]:
        async with self._gate:
            last = DnsFailure("timeout", name)
            for wait in self.policy.tries:
                try:
                    response = await self._udp(name, rdtype, wait)
                    if response.flags & dns.flags.TC:
                        return await self._tcp(name, rdtype), True
                    if response.rcode() == dns.rcode.SERVFAIL:
                        last = DnsFailure("servfail", name)
                        continue
                    return response, False
                except TimeoutError:
                    last = DnsFailure("timeout", name)
                except DnsFailure as failure:
                    last = failure
                except OSError:
                    last = DnsFailure("refused", name)
            raise last

    def _message(self, name: str, rdtype: str) -> dns.message.Message:
        message = dns.message.make_query(
            self._name(name), rdtype, use_edns=0, payload=self.policy.payload
        )
        message.flags |= dns.flags.AD  # RFC 6840 5.7: we understand the AD bit
        return message

    async def _udp(self, name: str, rdtype: str, wait: float) -> dns.message.Message:
        async with self._opening:
            if self._transport is None or self._transport.is_closing():
                self._protocol = _Datagrams()
                protocol = self._protocol
                self._transport = await resolver_datagrams(
                    self._address, self._port, lambda: protocol
                )
        assert self._protocol is not None
        pending = self._protocol.pending
        message = self._message(name, rdtype)
        while message.id in pending:
            message.id = secrets.randbelow(65536)
        future: asyncio.Future[dns.message.Message] = asyncio.get_running_loop().create_future()
        pending[message.id] = _Pending(message, future)
        try:
            self._transport.sendto(message.to_wire())
            async with asyncio.timeout(wait):
                return await future
        finally:
            del pending[message.id]

    async def _tcp(self, name: str, rdtype: str) -> dns.message.Message:
        message = self._message(name, rdtype)
        wire = message.to_wire()
        wait = self.policy.tcp_timeout
        try:
            async with resolver_stream(self._address, self._port, wait) as stream:
                await stream.send(struct.pack("!H", len(wire)) + wire, wait)
                buffer = b""
                while len(buffer) < 2 or len(buffer) < 2 + struct.unpack("!H", buffer[:2])[0]:
                    chunk = await stream.recv(65536, wait)
                    if not chunk:
                        raise DnsFailure("malformed", name)
                    buffer += chunk
            response = dns.message.from_wire(buffer[2:], ignore_trailing=True)
        except (TimeoutError, OSError) as error:
            raise DnsFailure("timeout", name) from error
        except (dns.exception.DNSException, ValueError) as error:
            raise DnsFailure("malformed", name) from error
        if not message.is_response(response):
            raise DnsFailure("malformed", name)
        return response


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _target(response: dns.message.Message, owner: dns.name.Name) -> dns.name.Name | None:
    for rrset in response.answer:
        if rrset.name == owner and rrset.rdtype == dns.rdatatype.CNAME:
            target: dns.name.Name = rrset[0].target
            return target
    return None


def _rrs(response: dns.message.Message, owner: dns.name.Name, rdtype: str) -> Iterable[object]:
    kind = dns.rdatatype.from_text(rdtype)
    for rrset in response.answer:
        if rrset.name == owner and rrset.rdtype == kind:
            yield from rrset


def _records(response: dns.message.Message, owner: dns.name.Name, rdtype: str) -> tuple[str, ...]:
    found: list[str] = []
    for rdata in _rrs(response, owner, rdtype):
        if rdtype == "TXT":
            # Long texts come in pieces that join without a space (RFC 7208 3.3).
            found.append(_text(b"".join(rdata.strings)))  # type: ignore[attr-defined]
        elif rdtype == "SRV":
            port, target = rdata.port, rdata.target  # type: ignore[attr-defined]
            found.append(f"{rdata.priority} {port} {_plain(target)}")  # type: ignore[attr-defined]
        elif rdtype == "PTR":
            found.append(_plain(rdata.target))  # type: ignore[attr-defined]
        elif rdtype == "MX":
            found.append(f"{rdata.preference} {_plain(rdata.exchange) or '.'}")  # type: ignore[attr-defined]
        else:
            found.append(rdata.to_text())  # type: ignore[attr-defined]
    # A resolver may rotate an answer: a fixed order keeps "the same ones each time".
    return tuple(sorted(found))


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _mx(response: dns.message.Message, owner: dns.name.Name) -> tuple[tuple[int, str], ...]:
    pairs = {(r.preference, _plain(r.exchange)) for r in _rrs(response, owner, "MX")}  # type: ignore[attr-defined]
    return tuple(sorted(pairs))
