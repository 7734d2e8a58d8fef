"""What DNS says of a domain's hosts: absence against not knowing, and names nobody can visit."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from scans.probes import judge
from scans.probes.dns import DnsFailure
from scans.probes.guard import Guard
from scans.probes.model import Observation
from scans.probes.names import Hosts, Names
from scans.probes.pace import Pacer
from scans.probes.policy import ScanPolicy

from .conftest import Zone

ILL = DnsFailure("servfail")


def names(policy: ScanPolicy, zone: dict[str, Any], domain: str = "a.test") -> Names:
    guard = Guard(policy, Pacer(policy.pace), ["127.77.0.0/24"])
    return Names(Zone(zone), guard, policy, domain)  # type: ignore[arg-type]


def mx(policy: ScanPolicy, zone: dict[str, Any]) -> tuple[Observation, Hosts, tuple[str, str]]:
    seen, hosts = asyncio.run(names(policy, zone).mx())
    verdict = next(v for v in judge([seen]) if v.rule == "mx.valid")
    return seen, hosts, (str(verdict.result), str(verdict.params["kind"]))


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ({"a.test": {"A": ["127.77.0.1"]}}, ("warning", "implicit")),
        ({"a.test": {"AAAA": ["2001:db8::1"]}}, ("warning", "implicit")),
        ({"a.test": {"TXT": ["x"]}}, ("nonconforming", "missing")),
        ({"a.test": {"A": ILL}}, ("unknown", "dns_failure")),
        ({"a.test": {"A": ILL, "AAAA": ILL}}, ("unknown", "dns_failure")),
        ({"a.test": {"MX": ILL}}, ("unknown", "dns_failure")),
        ({}, ("nonconforming", "no_domain")),
    ],
)
def test_without_mx_only_a_complete_answer_says_that_mail_cannot_come(
    policy: ScanPolicy, zone: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert mx(policy, zone)[2] == expected


def test_an_address_that_could_not_be_asked_leaves_port_25_unseen(policy: ScanPolicy) -> None:
    _, hosts, _ = mx(policy, {"a.test": {"A": ILL}})
    assert hosts.failures == {"a.test": "servfail"}


def test_a_host_whose_name_server_fails_at_ipv6_is_still_visited(policy: ScanPolicy) -> None:
    zone = {
        "a.test": {"MX": [(10, "mx.a.test")]},
        "mx.a.test": {"A": ["127.77.0.1"], "AAAA": ILL},
    }
    seen, hosts, verdict = mx(policy, zone)
    assert hosts.addresses == {"mx.a.test": ("127.77.0.1",)}
    assert verdict == ("conforming", "ok")
    assert "# mx.a.test AAAA: servfail" in seen.transcript


def test_an_mx_name_that_no_host_can_have_is_a_fault_and_never_visited(policy: ScanPolicy) -> None:
    binary = "\\255" * 60 + ".a.test"  # one label, as dnspython writes its bytes
    _, hosts, verdict = mx(policy, {"a.test": {"MX": [(10, binary), (20, "mx <b>.a.test")]}})
    assert hosts.addresses == {}
    assert set(hosts.failures.values()) == {"not_a_hostname"}
    assert all(len(host) <= 253 for host in hosts.failures)
    assert verdict == ("nonconforming", "not_a_hostname")
