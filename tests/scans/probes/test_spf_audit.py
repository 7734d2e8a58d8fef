"""SPF in audit mode: what a record costs, who it lets through, what breaks it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from scans.probes.dns import DnsFailure
from scans.probes.spf import Audit, audit, parse, select

from .conftest import Zone


def look(names: dict[str, Any], domain: str = "a.test", nodes: int = 64) -> Audit:
    return asyncio.run(audit(Zone(names), domain, nodes))


def reasons(report: Audit, *, permanent: bool = True) -> list[str]:
    return [p["reason"] for p in report.problems if p["permanent"] is permanent]


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("v=spf1", True),
        ("v=spf1 -all", True),
        ("V=SPF1 -ALL", True),
        ("v=spf10 -all", False),
        (" v=spf1 -all", False),
        ("v=spf1-all", False),
        ("v=spf1\t-all", False),
        ("spf1 -all", False),
    ],
)
def test_what_is_an_spf_record(text: str, chosen: bool) -> None:
    assert select([text, "google-site-verification=x"]) == ([text] if chosen else [])


@pytest.mark.parametrize(
    ("term", "reason"),
    [
        ("al", "unknown_mechanism"),
        ("all:x.test", "all_takes_nothing"),
        ("include", "domain_missing"),
        ("include:", "domain_missing"),
        ("ip4", "address_missing"),
        ("ip4:1.2.3", "bad_address"),
        ("ip4:1.2.3.4/33", "bad_prefix"),
        ("ip4:1.2.3.4/", "bad_prefix"),
        ("ip6:fe80::1%eth0", "bad_address"),
        ("a/024", "bad_prefix"),
        ("a:x.test/24//129", "bad_prefix"),
        ("exists:%{z}.x.test", "bad_macro"),
        ("exists:%{c}.x.test", "bad_macro"),
        ("a:x", "bad_domain"),
        ("a:x.123", "bad_domain"),
        ("ip4:1.2.3.4；", "bad_address"),
        ("redirect=", "domain_missing"),
        # Python makes no int of so many digits.
        ("a/" + "1" * 5000, "bad_prefix"),
        ("ip4:1.2.3.4/" + "1" * 5000, "bad_prefix"),
        ("a/٢٤", "bad_prefix"),
        ("exists:%{d" + "0" * 5000 + "}.x.test", "bad_macro"),
    ],
)
def test_terms_that_break_a_record(term: str, reason: str) -> None:
    assert parse(f"v=spf1 {term} -all").errors == ((term, reason),)


@pytest.mark.parametrize(
    "term",
    ["+A", "a/24", "a//64", "a:mail.x.test/24//64", "?MX", "ptr:x.test", "exists:%{ir}.x.test",
     "exists:%{d" + "9" * 5000 + "}.x.test",
     "ip6:2400::/12", "unknown=%{d}", "-include:_spf.x.test", "a:%{d}", "a:x.test."],
)  # fmt: skip
def test_terms_that_are_fine(term: str) -> None:
    assert parse(f"v=spf1 {term} -all").errors == ()


def test_repeated_modifiers_break_a_record() -> None:
    record = parse("v=spf1 redirect=a.test redirect=b.test")
    assert record.errors == (("redirect=b.test", "repeated_modifier"),)


def test_every_costly_term_counts_and_addresses_do_not() -> None:
    text = "v=spf1 a mx ptr exists:x.test include:i.test ip4:192.0.2.1 ip6:2400::1 +a:x.test -all"
    x = {"A": ["192.0.2.9"]}
    mine = {"TXT": [text], "A": ["192.0.2.1"], "MX": [(10, "x.test")]}
    report = look({"a.test": mine, "x.test": x, "i.test": {"TXT": ["v=spf1 a:x.test ~all"]}})
    assert (report.lookups, report.voids, report.all) == (7, 0, "-")
    assert reasons(report) == []
    assert reasons(report, permanent=False) == ["ptr_discouraged"]
    assert report.tree is not None
    child = next(term for term in report.tree["terms"] if "child" in term)["child"]
    assert child["record"] == "v=spf1 a:x.test ~all"


def test_what_stands_after_all_is_never_asked() -> None:
    report = look({"a.test": {"TXT": ["v=spf1 -all include:gone.test redirect=gone.test"]}})
    assert (report.lookups, report.all, reasons(report)) == (0, "-", [])


def test_eleven_lookups_are_too_many_and_ten_are_not() -> None:
    ten = " ".join(f"a:x{n}.test" for n in range(10))
    names = {f"x{n}.test": {"A": ["192.0.2.1"]} for n in range(11)}
    assert reasons(look({**names, "a.test": {"TXT": [f"v=spf1 {ten} -all"]}})) == []
    report = look({**names, "a.test": {"TXT": [f"v=spf1 {ten} a:x10.test -all"]}})
    assert (report.lookups, reasons(report)) == (11, ["too_many_lookups"])


def test_three_voids_are_too_many_and_two_are_not() -> None:
    report = look({"a.test": {"TXT": ["v=spf1 a:n1.test a:n2.test -all"]}})
    assert (report.voids, reasons(report)) == (2, [])
    report = look({"a.test": {"TXT": ["v=spf1 a:n1.test a:n2.test mx:n3.test -all"]}})
    assert (report.voids, reasons(report)) == (3, ["too_many_voids"])


def test_a_redirect_decides_unless_all_stands_beside_it() -> None:
    other = {"b.test": {"TXT": ["v=spf1 ~all"]}}
    assert look({"a.test": {"TXT": ["v=spf1 redirect=b.test"]}, **other}).all == "~"
    report = look({"a.test": {"TXT": ["v=spf1 redirect=b.test -all"]}, **other})
    assert (report.all, report.lookups) == ("-", 0)


@pytest.mark.parametrize(
    ("text", "names", "reason"),
    [
        ("include:gone.test -all", {}, "refers_to_none"),
        ("include:b.test -all", {"b.test": {"TXT": ["hello"]}}, "refers_to_none"),
        ("redirect=gone.test", {}, "refers_to_none"),
        (
            "include:b.test -all",
            {"b.test": {"TXT": ["v=spf1 a", "v=spf1 mx"]}},
            "refers_to_several",
        ),
        ("include:a.test -all", {}, "loop"),
        ("include:b.test", {"b.test": {"TXT": ["v=spf1 include:a.test"]}}, "loop"),
        ("redirect=a.test", {}, "loop"),
        ("include:b.test -all", {"b.test": {"TXT": ["v=spf1 ip4:300.1.1.1"]}}, "bad_address"),
    ],
)
def test_references_that_break_a_record(text: str, names: dict[str, Any], reason: str) -> None:
    report = look({"a.test": {"TXT": [f"v=spf1 {text}"]}, **names})
    assert reason in reasons(report)


def test_a_failed_reference_is_not_a_broken_record() -> None:
    broken = {"b.test": {"TXT": DnsFailure("servfail")}}
    report = look({"a.test": {"TXT": ["v=spf1 include:b.test -all"]}, **broken})
    assert reasons(report) == []
    assert reasons(report, permanent=False) == ["dns_servfail"]
    report = look({"a.test": {"TXT": DnsFailure("timeout")}})
    assert report.failure == "timeout"


def test_macros_cost_their_lookup_and_are_not_expanded() -> None:
    zone = Zone({"a.test": {"TXT": ["v=spf1 exists:%{i}._spf.%{d} include:%{d2}.x.test -all"]}})
    report = asyncio.run(audit(zone, "a.test"))
    assert report.lookups == 2
    assert reasons(report) == []
    assert zone.asked == [("a.test", "TXT")]


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("v=spf1 +all", "+all"),
        ("v=spf1 all", "all"),
        ("v=spf1 ip4:0.0.0.0/0 -all", "ip4:0.0.0.0/0"),
        ("v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all", "ip4:0.0.0.0/1"),
        ("v=spf1 include:open.test -all", "include:open.test"),
        ("v=spf1 redirect=open.test", "+all"),
        ("v=spf1 a/0 -all", "a/0"),
    ],
)
def test_records_that_let_everybody_through(text: str, term: str) -> None:
    names = {"a.test": {"TXT": [text], "A": ["192.0.2.1"]}, "open.test": {"TXT": ["v=spf1 +all"]}}
    report = look(names)
    assert (report.pass_all, report.pass_by) == (True, term)


def test_records_that_do_not() -> None:
    names = {"open.test": {"TXT": ["v=spf1 ?all"]}}
    for text in (
        "v=spf1 -ip4:0.0.0.0/0 -all",
        "v=spf1 include:open.test -all",
        "v=spf1 ip4:8.0.0.0/8",
    ):
        assert not look({"a.test": {"TXT": [text]}, **names}).pass_all


def test_an_endless_tree_ends() -> None:
    names: dict[str, Any] = {
        f"n{n}.test": {"TXT": [f"v=spf1 include:n{2 * n + 1}.test include:n{2 * n + 2}.test"]}
        for n in range(4000)
    }
    zone = Zone(names)
    report = asyncio.run(audit(zone, "n0.test", nodes=64))
    assert {"too_large", "too_many_lookups"} <= set(reasons(report))
    assert len(zone.asked) < 400


def test_several_records_and_none() -> None:
    assert look({"a.test": {"TXT": ["v=spf1 a", "v=spf1 mx"]}}).records == ["v=spf1 a", "v=spf1 mx"]
    assert look({"a.test": {"TXT": ["v=spf10 -all", "SPF"]}}).records == []
    assert look({}).records == []
