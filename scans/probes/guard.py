"""The target guard: the only module that opens a socket.

An MX record, a redirect or a PTR is written by the party being scanned. Whatever it names, the
guard connects only to an address that is public (or, in the practice range, inside the allowed
network), on a port of a fixed list, and hands the checked address itself to the kernel, so that
a second DNS answer (rebinding) changes nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path

from .pace import Pacer
from .policy import ScanPolicy

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# IANA special-purpose registries (RFC 6890 and updates), with what each means to a reader.
_SPECIAL_4: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link_local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "documentation"),
    ("192.31.196.0/24", "reserved"),
    ("192.52.193.0/24", "reserved"),
    ("192.88.99.0/24", "reserved"),
    ("192.168.0.0/16", "private"),
    ("192.175.48.0/24", "reserved"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
)
_SPECIAL_6: tuple[tuple[str, str], ...] = (
    ("2001:db8::/32", "documentation"),
    ("2001::/23", "reserved"),
    ("3fff::/20", "documentation"),
    ("2620:4f:8000::/48", "reserved"),
    ("fe80::/10", "link_local"),
    ("fc00::/7", "private"),
    ("ff00::/8", "multicast"),
    ("::1/128", "loopback"),
    ("::/128", "unspecified"),
)
_NETS_4 = tuple((ipaddress.IPv4Network(net), kind) for net, kind in _SPECIAL_4)
_NETS_6 = tuple((ipaddress.IPv6Network(net), kind) for net, kind in _SPECIAL_6)
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


class Blocked(Exception):
    """The guard refuses a connection.

    Args:
        reason: an address kind (`private`, `loopback`, …), or `outside_allow_net`, `own_address`,
            `internal_net`, `no_ipv6`, `port`, `not_an_address`, `peer`.
        address: the address as text.
    """

    def __init__(self, reason: str, address: str) -> None:
        super().__init__(f"{address}: {reason}")
        self.reason = reason
        self.address = address


def embedded(address: Address) -> Address:
    """Return the IPv4 address inside a v4-mapped, NAT64, 6to4 or Teredo address, else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in net for net in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if int(address) >> 32 == 0 and int(address) > 1:  # ::a.b.c.d, deprecated "compatible" form
        return ipaddress.IPv4Address(int(address))
    return address


def classify(address: Address) -> str:
    """Return `global`, or the kind of special-purpose network that `address` lies in."""
    inner = embedded(address)
    if isinstance(inner, ipaddress.IPv4Address):
        return next((kind for net, kind in _NETS_4 if inner in net), "global")
    for net, kind in _NETS_6:
        if inner in net:
            return kind
    return "global" if inner in _GLOBAL_6 else "reserved"


@lru_cache(maxsize=1)
def own_addresses() -> frozenset[Address]:
    """Return the addresses of this machine's interfaces, as far as the system tells."""
    found: set[Address] = set()
    try:  # Linux: every local address stands as "32 host LOCAL" below its own line
        lines = Path("/proc/net/fib_trie").read_text(encoding="ascii").splitlines()
        for before, line in itertools.pairwise(lines):
            if "32 host LOCAL" in line:
                found.add(ipaddress.ip_address(before.split()[-1]))
    except (OSError, ValueError):
        pass
    try:
        for line in Path("/proc/net/if_inet6").read_text(encoding="ascii").splitlines():
            found.add(ipaddress.IPv6Address(bytes.fromhex(line.split()[0])))
    except (OSError, ValueError):
        pass
    try:
        for info in socket.getaddrinfo(socket.gethostname(), None):
            found.add(ipaddress.ip_address(str(info[4][0]).split("%")[0]))
    except (OSError, ValueError):
        pass
    return frozenset(found)


def read_port_map(path: Path | str) -> dict[int, int]:
    """Read a port map: a JSON object of logical port → real port.

    Raises:
        ValueError: not such an object.
    """
    data = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(data, dict):
        raise ValueError(f"{path}: a JSON object of ports is needed")
    ports = {int(key): int(value) for key, value in data.items()}
    if not all(0 < port < 65536 for pair in ports.items() for port in pair):
        raise ValueError(f"{path}: a port is out of range")
    return ports


class Guard:
    """Decides about every address and opens every connection.

    Args:
        policy: limits, fixed port list, internal networks.
        pacer: politeness; every connection takes a slot of it.
        allow_nets: the practice range's networks. When given, *only* they may be contacted.
        port_map: logical port → real port; only together with allow_nets inside 127.0.0.0/8.

    Raises:
        ValueError: a port map without loopback-only allow_nets, or a malformed network.
    """

    def __init__(
        self,
        policy: ScanPolicy,
        pacer: Pacer,
        allow_nets: Iterable[str] = (),
        port_map: Mapping[int, int] | None = None,
    ) -> None:
        self._policy = policy
        self._pacer = pacer
        self._allow: tuple[Network, ...] = tuple(ipaddress.ip_network(net) for net in allow_nets)
        self._internal = tuple(ipaddress.ip_network(net) for net in policy.guard.internal_nets)
        if port_map and not (self._allow and all(_in_loopback(net) for net in self._allow)):
            raise ValueError("a port map needs allow-net inside 127.0.0.0/8")
        self._ports = dict(port_map or {})

    def allowed(self, address: str) -> bool:
        """Return whether `address` may be contacted at all."""
        try:
            self.check(address)
        except Blocked:
            return False
        return True

    def kind(self, address: str) -> str:
        """Return `allowed` (inside the practice range), `global`, or the special kind."""
        parsed = ipaddress.ip_address(address)
        if any(parsed.version == net.version and parsed in net for net in self._allow):
            return "allowed"
        return classify(parsed)

    def check(self, address: str, port: int | None = None) -> None:
        """Raise Blocked unless `address` (and the logical `port`) may be contacted."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            raise Blocked("not_an_address", address) from None
        if port is not None and port not in self._policy.guard.ports:
            raise Blocked("port", address)
        if self._allow:
            if not any(parsed.version == net.version and parsed in net for net in self._allow):
                kind = classify(parsed)
                raise Blocked("outside_allow_net" if kind == "global" else kind, address)
            return
        kind = classify(parsed)
        if kind != "global":
            raise Blocked(kind, address)
        inner = embedded(parsed)
        if parsed in own_addresses() or inner in own_addresses():
            raise Blocked("own_address", address)
        for net in self._internal:
            if any(each.version == net.version and each in net for each in (parsed, inner)):
                raise Blocked("internal_net", address)
        if parsed.version == 6 and not self._policy.guard.ipv6:
            raise Blocked("no_ipv6", address)

    @asynccontextmanager
    async def connect(self, address: str, port: int) -> AsyncIterator[Wire]:
        """Open one connection to the logical `port` of `address`; close it at the end.

        Raises:
            Blocked: refused by the guard.
            pace.Held: refused by the pacer.
            TimeoutError, OSError: as the kernel says.
        """
        self.check(address, port)
        async with self._pacer.slot(address, port):
            loop = asyncio.get_running_loop()
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setblocking(False)
            try:
                async with asyncio.timeout(self._policy.budget.connect):
                    await loop.sock_connect(sock, (address, self._ports.get(port, port)))
                if ipaddress.ip_address(sock.getpeername()[0]) != ipaddress.ip_address(address):
                    raise Blocked("peer", address)
                yield Wire(sock)
            finally:
                sock.close()


class Wire:
    """Raw bytes of one connected, non-blocking socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    async def recv(self, size: int, timeout: float) -> bytes:
        """Return up to `size` bytes, b"" at the end. Raises TimeoutError after `timeout` s."""
        async with asyncio.timeout(timeout):
            return await asyncio.get_running_loop().sock_recv(self._sock, size)

    async def send(self, data: bytes, timeout: float) -> None:
        """Send all of `data`. Raises TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(timeout):
            await asyncio.get_running_loop().sock_sendall(self._sock, data)


def _in_loopback(net: Network) -> bool:
    return isinstance(net, ipaddress.IPv4Network) and net.subnet_of(_LOOPBACK)


# The resolver is configuration, never a name or an address from the scanned party: it is reached
# without the checks above, by address only.


async def resolver_datagrams(
    address: str, port: int, factory: Callable[[], asyncio.DatagramProtocol]
) -> asyncio.DatagramTransport:
    """Open the one UDP socket to the configured resolver, connected to it."""
    ipaddress.ip_address(address)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(factory, remote_addr=(address, port))
    return transport


@asynccontextmanager
async def resolver_stream(address: str, port: int, timeout: float) -> AsyncIterator[Wire]:
    """Open a TCP connection to the configured resolver (after a truncated answer)."""
    ipaddress.ip_address(address)
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        async with asyncio.timeout(timeout):
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
        yield Wire(sock)
    finally:
        sock.close()
