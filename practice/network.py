"""Which loopback network an instance of the range lives in.

Every host has its own address in one 127.77.N.0/24 and all services use the same high ports on
every address, so that one port map serves root and user alike and a mail server of the machine
on port 25 is left alone. An abstract Unix socket decides who owns a network: two instances can
never take the same, and a killed one leaves nothing behind.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from practice.listeners import bind
from practice.tables import EXTRA_PORTS, SERVICE_PORTS

#: Standard port + offset = port of the range, below 32768, where outgoing connections begin.
OFFSETS = (10_000, 12_000, 14_000, 16_000, 18_000, 20_000, 22_000)
STANDARD_PORTS = (*sorted({*SERVICE_PORTS.values(), 80, 443}), *EXTRA_PORTS)
DNS_PORT = 53
FIRST_HOST = 10
CANARIES = 3


class NetworkError(OSError):
    """No free loopback network, or the one asked for is taken."""


@dataclass(frozen=True)
class Network:
    """A claimed network.

    Arguments: `number`, the N of 127.77.N.0/24; `offset` of all ports; the name server's two
    bound sockets; `lock`, which holds the network while it is open.
    """

    number: int
    offset: int
    udp: socket.socket
    tcp: socket.socket
    lock: socket.socket

    @property
    def cidr(self) -> str:
        return f"127.77.{self.number}.0/24"

    @property
    def prefix(self) -> str:
        return f"127.77.{self.number}"

    @property
    def resolver_address(self) -> str:
        return f"{self.prefix}.2"

    @property
    def resolver_port(self) -> int:
        return DNS_PORT + self.offset

    @property
    def port_map(self) -> dict[int, int]:
        """Standard port → port of the range."""
        return {port: port + self.offset for port in STANDARD_PORTS}

    @property
    def canaries(self) -> tuple[str, ...]:
        """Addresses outside the network that nobody may connect to; none is shared with another
        instance.
        """
        return tuple(f"127.66.{self.number}.{last}" for last in range(1, CANARIES + 1))

    def release(self) -> None:
        """Gives the network back."""
        self.udp.close()
        self.tcp.close()
        self.lock.close()

    def addresses(self, index: int) -> tuple[str, str]:
        """Returns mail and web address of the domain at a position of the cast."""
        last = FIRST_HOST + 2 * index
        if last > 253:
            raise NetworkError("the range has room for 122 domains")
        return f"{self.prefix}.{last}", f"{self.prefix}.{last + 1}"


def claim(net: str = "auto") -> Network:
    """Claims a network.

    Arguments: "auto" for the first free one, or "127.77.N.0/24". Errors: NetworkError; ValueError
    for another network.
    """
    if net == "auto":
        numbers = list(range(1, 255))
    else:
        wanted = ipaddress.IPv4Network(net)
        third = wanted.network_address.packed[2]
        if wanted.prefixlen != 24 or str(wanted) != f"127.77.{third}.0/24":
            raise ValueError(f"{net} is not a 127.77.N.0/24")
        numbers = [third]
    for number in numbers:
        lock = socket.socket(socket.AF_UNIX)
        try:
            # An abstract socket lives in the network namespace, exactly as far as the addresses
            # do, and is gone with its process.
            lock.bind(f"\0practice-range-127.77.{number}")
        except OSError:
            lock.close()
            continue
        for offset in OFFSETS:
            if bound := _bind_names(number, offset):
                return Network(number, offset, *bound, lock)
        lock.close()
    raise NetworkError(f"no free network ({net})")


def _bind_names(number: int, offset: int) -> tuple[socket.socket, socket.socket] | None:
    """Returns the name server's UDP and TCP sockets, or None if a port of this offset is taken."""
    address = f"127.77.{number}.2"
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setblocking(False)
    try:
        udp.bind((address, DNS_PORT + offset))
        tcp = bind(address, DNS_PORT + offset)
    except OSError:
        udp.close()
        return None
    try:
        # A server of the machine on 0.0.0.0 takes its port on every loopback address.
        for port in STANDARD_PORTS:
            bind(address, port + offset).close()
    except OSError:
        udp.close()
        tcp.close()
        return None
    return udp, tcp
