"""The target guard: what may be contacted, and that nothing goes around it."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import dataclasses
import ipaddress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scans.probes
from scans.probes import guard as guard_module
from scans.probes.guard import Blocked, Guard, classify, own_addresses, read_port_map
from scans.probes.pace import Pacer
from scans.probes.policy import load

PROBES = Path(scans.probes.__file__).parent


def make(allow=(), port_map=None, **changes) -> Guard:
    policy = load()
    policy = dataclasses.replace(policy, guard=dataclasses.replace(policy.guard, **changes))
    return Guard(policy, Pacer(policy.pace), allow, port_map)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("8.8.8.8", "global"),
        ("114.114.114.114", "global"),
        ("127.0.0.1", "loopback"),
        ("10.1.2.3", "private"),
        ("172.31.255.255", "private"),
        ("172.32.0.1", "global"),
        ("192.168.0.1", "private"),
        ("169.254.169.254", "link_local"),
        ("100.64.0.1", "shared"),
        ("100.128.0.1", "global"),
        ("0.0.0.0", "unspecified"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("203.0.113.9", "documentation"),
        ("198.19.0.1", "benchmarking"),
        ("2400:3200::1", "global"),
        ("::1", "loopback"),
        ("::", "unspecified"),
        ("fe80::1", "link_local"),
        ("fd00::1", "private"),
        ("ff02::1", "multicast"),
        ("2001:db8::1", "documentation"),
        ("4000::1", "reserved"),
        # an IPv4 address in disguise is judged as what it is
        ("::ffff:10.0.0.1", "private"),
        ("::ffff:8.8.8.8", "global"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::808:808", "global"),
        ("64:ff9b:1::a00:1", "private"),
        ("2002:7f00:1::1", "loopback"),
        ("2002:a9fe:a9fe::", "link_local"),
        ("2001:0:0:0:0:0:80ff:fffe", "loopback"),  # Teredo: client address is inverted
        ("::127.0.0.1", "loopback"),
    ],
)
def test_kinds_of_addresses(address: str, kind: str) -> None:
    assert classify(ipaddress.ip_address(address)) == kind


@pytest.mark.parametrize(
    ("address", "port", "reason"),
    [
        ("127.0.0.1", 25, "loopback"),
        ("169.254.169.254", 80, "link_local"),
        ("8.8.8.8", 22, "port"),
        ("8.8.8.8", 8443, "port"),
        ("2400:3200::1", 25, "no_ipv6"),
        ("mail.example.com", 25, "not_an_address"),
        ("", 25, "not_an_address"),
    ],
)
def test_refusals(address: str, port: int, reason: str) -> None:
    with pytest.raises(Blocked) as caught:
        make().check(address, port)
    assert caught.value.reason == reason


def test_internal_networks_of_the_operator_are_refused_in_any_disguise() -> None:
    guard = make(internal_nets=("9.9.9.0/24",), ipv6=True)
    for address in ("9.9.9.9", "::ffff:9.9.9.9", "64:ff9b::909:909"):
        with pytest.raises(Blocked) as caught:
            guard.check(address, 25)
        assert caught.value.reason == "internal_net"
    guard.check("9.9.8.1", 25)


def test_own_addresses_are_found_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ipaddress.ip_address("127.0.0.1") in own_addresses()
    own = frozenset({ipaddress.ip_address("8.8.8.8")})
    monkeypatch.setattr(guard_module, "own_addresses", lambda: own)
    with pytest.raises(Blocked) as caught:
        make().check("8.8.8.8", 25)
    assert caught.value.reason == "own_address"


def test_the_practice_network_is_the_only_one_contacted() -> None:
    guard = make(allow=["127.77.3.0/24"])
    guard.check("127.77.3.9", 25)
    assert guard.kind("127.77.3.9") == "allowed"
    for address, reason in (
        ("127.77.4.9", "loopback"),
        ("127.66.3.1", "loopback"),
        ("8.8.8.8", "outside_allow_net"),
        ("::ffff:127.77.3.9", "loopback"),
    ):
        with pytest.raises(Blocked) as caught:
            guard.check(address, 25)
        assert caught.value.reason == reason


@pytest.mark.parametrize(
    "allow", [[], ["10.0.0.0/8"], ["127.77.3.0/24", "10.0.0.0/8"], ["::1/128"]]
)
def test_a_port_map_needs_a_loopback_network(allow: list[str]) -> None:
    with pytest.raises(ValueError, match="port map"):
        make(allow=allow, port_map={25: 10025})


def test_port_map_file(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    file.write_text('{"25": 10025}')
    assert read_port_map(file) == {25: 10025}
    for text in ('["25"]', '{"25": 70000}', '{"x": 1}'):
        file.write_text(text)
        with pytest.raises(ValueError, match=r"."):
            read_port_map(file)


def test_a_refused_address_opens_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*arguments: object) -> None:
        raise AssertionError("a socket was opened")

    async def main() -> None:
        # Patched inside: the event loop itself makes a socket pair when it starts.
        with monkeypatch.context() as patch:
            patch.setattr(guard_module.socket, "socket", never)
            async with make().connect("169.254.169.254", 80):
                pass

    with pytest.raises(Blocked):
        asyncio.run(main())


# Ways to write, wrap or smuggle an IPv4 address that a parser further down might unwrap again.
DISGUISES = (
    lambda a: str(a),
    lambda a: f"::ffff:{a}",
    lambda a: f"::{a}",
    lambda a: f"64:ff9b::{a}",
    lambda a: f"64:ff9b:1::{a}",
    lambda a: f"[{a}]",
    lambda a: f"{a}%lo",
    lambda a: f"::ffff:{a}%1",
    lambda a: str(int(a)),
    lambda a: hex(int(a)),
    lambda a: ".".join(f"0{int(part):o}" for part in str(a).split(".")),
    lambda a: ".".join(hex(int(part)) for part in str(a).split(".")),
    lambda a: f"{str(a).split('.')[0]}.{int(a) & 0xFFFFFF}",
    lambda a: f" {a}",
    lambda a: f"{a}\n",
    lambda a: f"{a}.",
    lambda a: str(ipaddress.IPv6Address((0x2002 << 112) | (int(a) << 80) | 1)),
    lambda a: str(ipaddress.IPv6Address((0x20010000 << 96) | (int(a) ^ 0xFFFFFFFF))),
)
FORBIDDEN = st.one_of(
    *(
        st.ip_addresses(v=4, network=net)
        for net in ("127.0.0.0/8", "0.0.0.0/8", "10.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4")
    ),
    st.sampled_from(sorted(a for a in own_addresses() if a.version == 4)),
)


def test_no_disguise_of_a_forbidden_address_reaches_a_listening_socket() -> None:
    """Canaries listen on every local address; the guard of production is asked to connect."""
    accepted: list[object] = []

    async def tries(found: list[tuple[ipaddress.IPv4Address, int]]) -> None:
        async def canary(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted.append(writer.get_extra_info("sockname"))
            writer.close()

        servers = [await asyncio.start_server(canary, "0.0.0.0", 0)]
        port = servers[0].sockets[0].getsockname()[1]
        with contextlib.suppress(OSError):  # a machine without IPv6
            servers.append(await asyncio.start_server(canary, "::", port))
        guard = make(ports=(port,), ipv6=True)
        try:
            for address, disguise in found:
                text = DISGUISES[disguise](address)
                with pytest.raises(Blocked):
                    async with guard.connect(text, port):
                        pass
            await asyncio.sleep(0)
        finally:
            for server in servers:
                server.close()

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.tuples(FORBIDDEN, st.integers(0, len(DISGUISES) - 1)), min_size=1, max_size=20)
    )
    def search(found: list[tuple[ipaddress.IPv4Address, int]]) -> None:
        asyncio.run(tries(found))

    search()
    assert accepted == []


def test_only_the_guard_opens_sockets() -> None:
    """An AST walk: no other module names a call that opens a connection or resolves a name."""
    openers = {
        "open_connection", "create_connection", "create_datagram_endpoint", "sock_connect",
        "open_unix_connection", "getaddrinfo", "gethostbyname", "urlopen", "socketpair",
    }  # fmt: skip
    modules = {"http.client", "urllib.request", "smtplib", "imaplib", "poplib", "requests", "httpx"}
    offenders = []
    for file in PROBES.rglob("*.py"):
        if file.name == "guard.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            name = getattr(node, "attr", getattr(node, "id", ""))
            imported = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import) else
                [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            )  # fmt: skip
            if name in openers or modules & set(imported):
                offenders.append(f"{file.name}:{node.lineno}: {name or imported}")
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("socket.socket", "socket"):
                offenders.append(f"{file.name}:{node.lineno}: socket()")
    assert offenders == []


def test_the_library_knows_no_django_and_no_celery() -> None:
    for file in PROBES.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "import django" not in text
        assert "from django" not in text
        assert "celery import" not in text
