"""One range for the whole folder; tests that change a posture use a domain of their own."""

import contextlib
import socket
import ssl
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import pytest

import practice


class Visitor:
    """Looks at a range as a stranger would: standard library, dnspython, real sockets."""

    def __init__(self, grounds: practice.Range) -> None:
        self.grounds = grounds

    def ask(self, name: str, kind: str, *, tcp: bool = False, edns: bool = True):
        address, port = self.grounds.resolver.split(":")
        query = dns.message.make_query(name, kind, use_edns=edns, payload=1232)
        send = dns.query.tcp if tcp else dns.query.udp
        return send(query, address, port=int(port), timeout=1)

    def texts(self, name: str) -> list[str]:
        answer = self.ask(name, "TXT").answer
        return sorted(b"".join(r.strings).decode() for rrset in answer for r in rrset)

    def rcode(self, name: str, kind: str) -> str:
        return dns.rcode.to_text(self.ask(name, kind).rcode())

    def connect(self, host: str, port: int, timeout: float = 3) -> socket.socket:
        spot = (self.grounds.address(host), self.grounds.port_map[port])
        return socket.create_connection(spot, timeout)

    def dialogue(self, host: str, port: int, *lines: str, sock: socket.socket | None = None):
        """Sends lines one by one, each after a reply; returns all replies as one text."""
        with contextlib.closing(sock or self.connect(host, port)) as one:
            said = read_reply(one)
            for line in lines:
                one.sendall(line.encode() + b"\r\n")
                said += read_reply(one)
        return said

    def strict(self) -> ssl.SSLContext:
        """A client that trusts the range's authority and checks everything."""
        return ssl.create_default_context(cafile=str(self.grounds.ca_file))

    def lenient(self, lowest=ssl.TLSVersion.TLSv1, highest=ssl.TLSVersion.TLSv1_3):
        """A client that takes any certificate and old versions."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = lowest
            context.maximum_version = highest
        return context

    def tls(self, host: str, port: int, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        """TLS from the first byte."""
        return (context or self.strict()).wrap_socket(
            self.connect(host, port), server_hostname=host
        )

    def starttls(self, host: str, port: int, context: ssl.SSLContext | None = None):
        """TLS by STARTTLS on an SMTP port."""
        sock = self.connect(host, port)
        read_reply(sock)
        for line in (b"EHLO visitor.test\r\n", b"STARTTLS\r\n"):
            sock.sendall(line)
            reply = read_reply(sock)
        assert reply.startswith("220"), reply
        return (context or self.strict()).wrap_socket(sock, server_hostname=host)

    def account(self, host: str) -> dict:
        return self.grounds.stats()["hosts"].get(
            host, {"connections": 0, "commands": {}, "ports": {}, "data": 0, "auth": 0}
        )


def read_reply(sock: socket.socket) -> str:
    """Reads one SMTP reply (all its lines), or one line of another protocol."""
    data = b""
    while True:
        more = sock.recv(4096)
        data += more
        last = data.rsplit(b"\r\n", 2)[-2] if data.endswith(b"\r\n") else b"   -"
        if not more or last[3:4] != b"-":
            return data.decode()


def until(condition, seconds: float = 2.0) -> bool:
    """Waits until a condition holds; returns whether it did."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())


@pytest.fixture(scope="session")
def grounds(tmp_path_factory) -> Iterator[practice.Range]:
    with practice.start_range(Path(tmp_path_factory.mktemp("range"))) as running:
        yield running


@pytest.fixture
def visitor(grounds) -> Visitor:
    return Visitor(grounds)
