"""The name server: authoritative for the range and at the same time the resolver that the scanner
asks.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

from dnslib import CLASS, EDNS0, OPCODE, QTYPE, RCODE, RD, RR, SOA, DNSError, DNSLabel, DNSRecord

TTL = 5  # seconds; short, so that a cache in between soon sees a repaired posture
UDP_LIMIT = 1232  # bytes, RFC 9715


@dataclass
class Zone:
    """One zone.

    Arguments: `apex` without final dot, lower case; `behaviour` answer, servfail, silent or
    truncate; `records` by owner name (likewise) and type name.
    """

    apex: str
    behaviour: str = "answer"
    records: dict[str, list[tuple[str, RD]]] = field(default_factory=dict)

    def add(self, name: str, kind: str, data: RD) -> None:
        """Adds a record; `name` is absolute without final dot."""
        self.records.setdefault(name.lower(), []).append((kind, data))

    def soa(self) -> RR:
        """Returns the start of authority, which also sets the negative cache time (RFC 2308)."""
        data = SOA("ns.range.test", "hostmaster.range.test", (1, 60, 60, 600, TTL))
        return RR(self.apex, QTYPE.SOA, rdata=data, ttl=TTL)

    def holds(self, name: str) -> bool:
        """Says whether a name exists, as owner or as empty non-terminal (RFC 8020)."""
        return name in self.records or any(own.endswith("." + name) for own in self.records)


class NameServer:
    """Answers over UDP and TCP on sockets that the caller has bound.

    It claims recursion (RA) because the scanner uses it as its resolver; outside its zones it
    refuses. It never sets AD: nothing here is signed.
    """

    def __init__(self, queries: Counter[str], latency: float = 0.0) -> None:
        self.zones: dict[str, Zone] = {}
        self.latency = latency
        self.queries = queries
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()

    async def start(self, udp: socket.socket, tcp: socket.socket) -> None:
        """Starts answering on both sockets."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Udp(self), sock=udp)
        self._server = await asyncio.start_server(self._tcp, sock=tcp)

    async def stop(self) -> None:
        """Closes both sockets and every open TCP connection."""
        if self._transport:
            self._transport.close()
        if self._server:
            self._server.close()
            for writer in list(self._clients):
                writer.transport.abort()

    def zone_of(self, name: str) -> Zone | None:
        """Returns the zone with the longest apex that covers a name."""
        labels = name.split(".")
        for start in range(len(labels)):
            if zone := self.zones.get(".".join(labels[start:])):
                return zone
        return None

    def respond(self, packet: bytes, *, udp: bool) -> bytes | None:
        """Returns the answer to a query packet, or None where the posture or garbage calls for
        silence.
        """
        try:
            query = DNSRecord.parse(packet)
        except DNSError:
            return None
        if query.header.qr or len(query.questions) != 1:
            return None
        name = str(query.q.qname).rstrip(".").lower()
        kind = QTYPE.forward.get(query.q.qtype, str(query.q.qtype))
        self.queries[f"{name} {kind}"] += 1
        reply = query.reply(ra=1, aa=1)
        zone = self.zone_of(name)
        if query.header.opcode != OPCODE.QUERY:
            reply.header.rcode = RCODE.NOTIMP
        elif zone is None or query.q.qclass != CLASS.IN:
            reply.header.aa = 0
            reply.header.rcode = RCODE.REFUSED
        elif zone.behaviour == "silent":
            return None
        elif zone.behaviour == "servfail":
            reply.header.aa = 0
            reply.header.rcode = RCODE.SERVFAIL
        else:
            self._answer(reply, zone, name, kind)
        limit = 512
        for extra in query.ar:
            if extra.rtype == QTYPE.OPT:
                limit = max(512, min(extra.rclass, UDP_LIMIT))
                reply.add_ar(EDNS0(udp_len=UDP_LIMIT))
        wire = bytes(reply.pack())
        if udp and (len(wire) > limit or (zone is not None and zone.behaviour == "truncate")):
            reply.rr, reply.auth = [], []
            reply.header.tc = 1
            wire = bytes(reply.pack())
        return wire

    def _answer(self, reply: DNSRecord, zone: Zone, name: str, kind: str) -> None:
        """Fills answer or authority; follows aliases as a resolver does."""
        for _ in range(8):
            records = zone.records.get(name, [])
            found = [data for own, data in records if kind in (own, "ANY")]
            alias = next((data for own, data in records if own == "CNAME"), None)
            if found or alias is None:
                break
            reply.add_answer(RR(name, QTYPE.CNAME, rdata=alias, ttl=TTL))
            name = str(alias.label).rstrip(".").lower()
            target = self.zone_of(name)
            if target is None:
                return
            zone = target
        for data in found:
            number = QTYPE.reverse[type(data).__name__]
            reply.add_answer(RR(DNSLabel(name), number, rdata=data, ttl=TTL))
        if name == zone.apex and kind in ("SOA", "ANY"):
            reply.add_answer(zone.soa())
        elif not found:
            reply.add_auth(zone.soa())
            if name != zone.apex and not zone.holds(name) and not self._above_a_zone(name):
                reply.header.rcode = RCODE.NXDOMAIN

    def _above_a_zone(self, name: str) -> bool:
        """gov.test exists as empty non-terminal because jia.gov.test is a zone below it."""
        return any(apex.endswith("." + name) for apex in self.zones)

    async def _tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            while True:
                async with asyncio.timeout(10):
                    size = int.from_bytes(await reader.readexactly(2))
                    packet = await reader.readexactly(size)
                wire = self.respond(packet, udp=False)
                await asyncio.sleep(self.latency)
                if wire is None:
                    break
                writer.write(len(wire).to_bytes(2) + wire)
                await writer.drain()
        self._clients.discard(writer)
        writer.close()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self.server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if (wire := self.server.respond(data, udp=True)) is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(self.server.latency, self.transport.sendto, wire, addr)
