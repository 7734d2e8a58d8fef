"""DMARC by RFC 9989: the parser, the tree walk, the policy that applies."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from scans.probes.dmarc import Discovery, discover, is_record, parse, walk_names
from scans.probes.dns import DnsFailure

from .conftest import Zone

REJECT = "v=DMARC1; p=reject"


def find(domain: str, records: dict[str, Any], *, exists: bool = True, **other: Any) -> Discovery:
    names = {f"_dmarc.{name}": {"TXT": value} for name, value in records.items()}
    return asyncio.run(discover(Zone({**names, **other}), domain, exists=exists))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v=DMARC1; p=none", True),
        ("v=DMARC1;p=none", True),
        ("V = DMARC1 ; p=none", True),
        ("v=DMARC1", True),
        ("v=dmarc1; p=none", False),
        ("v=DMARC12; p=none", False),
        (" v=DMARC1; p=none", False),
        ("p=none; v=DMARC1", False),
        ("v=spf1 -all", False),
        ("v=DMARC1 p=none", False),
    ],
)
def test_what_is_a_record(text: str, expected: bool) -> None:
    assert is_record(text) is expected


def test_values_and_names_know_no_case_but_the_version_does() -> None:
    record = parse("v=DMARC1; P=REJECT; Sp=None; t=Y; RUA=mailto:a@b.test!10m ; x=y;")
    assert (record.policy, record.sub, record.testing) == ("reject", "none", True)
    assert record.rua == ("mailto:a@b.test",)
    assert record.problems == ()


@pytest.mark.parametrize(
    ("text", "usable", "policy"),
    [
        ("v=DMARC1; p=rejct; rua=mailto:a@b.test", True, "none"),
        ("v=DMARC1; p=rejct", False, ""),
        ("v=DMARC1; p=rejct; rua=a@b.test", False, ""),
        ("v=DMARC1; rua=mailto:a@b.test", True, "none"),
        ("v=DMARC1", False, ""),
        ("v=DMARC1; p=reject; sp=bad", False, ""),
        ("v=DMARC1; p=reject; sp=bad; rua=mailto:a@b.test", True, "none"),
    ],
)
def test_a_bad_policy_counts_as_none_only_with_a_valid_rua(
    text: str, usable: bool, policy: str
) -> None:
    record = parse(text)
    assert (record.usable, record.policy) == (usable, policy)


def test_removed_and_repeated_tags_are_noted() -> None:
    record = parse("v=DMARC1; p=reject; pct=10; p=none; junk")
    assert record.policy == "reject"
    assert [(p["tag"], p["reason"]) for p in record.problems] == [
        ("pct", "removed_in_rfc9989"),
        ("p", "repeated"),
        ("junk", "not_a_tag"),
    ]


def test_the_walk_asks_at_most_eight_names() -> None:
    assert walk_names("a.b.test") == ["a.b.test", "b.test", "test"]
    seven = "a.b.c.d.e.f.test"
    assert walk_names(seven)[:2] == [seven, "b.c.d.e.f.test"]
    eight = "1.a.b.c.d.e.f.test"
    assert walk_names(eight)[:2] == [eight, seven]
    long = "9.8.7.6.5.4.3.2.1.a.b.c.d.e.f.test"
    assert walk_names(long)[:2] == [long, seven]
    assert len(walk_names(long)) == 8


def test_the_own_record_applies() -> None:
    found = find(
        "mail.a.test", {"mail.a.test": ["v=DMARC1; p=none; sp=reject"], "a.test": [REJECT]}
    )
    assert (found.at, found.policy, found.organizational) == ("mail.a.test", "none", "a.test")


@pytest.mark.parametrize(
    ("record", "exists", "policy"),
    [
        ("v=DMARC1; p=reject", True, "reject"),
        ("v=DMARC1; p=reject; sp=none", True, "none"),
        ("v=DMARC1; p=none; sp=quarantine; np=reject", True, "quarantine"),
        ("v=DMARC1; p=none; sp=quarantine; np=reject", False, "reject"),
        ("v=DMARC1; p=none; sp=quarantine", False, "quarantine"),
    ],
)
def test_an_inherited_record_applies_its_subdomain_policy(
    record: str, exists: bool, policy: str
) -> None:
    found = find("mail.a.test", {"a.test": [record]}, exists=exists)
    assert (found.at, found.policy) == ("a.test", policy)
    assert found.value()["inherited"] is True


def test_t_softens_by_one_step() -> None:
    for published, applied in (("reject", "quarantine"), ("quarantine", "none"), ("none", "none")):
        found = find("a.test", {"a.test": [f"v=DMARC1; p={published}; t=y"]})
        assert (found.requested, found.policy) == (published, applied)


def test_two_records_count_as_none_and_the_walk_goes_on() -> None:
    found = find("m.a.test", {"m.a.test": [REJECT, REJECT], "a.test": ["v=DMARC1; p=quarantine"]})
    assert (found.at, found.policy, found.several) == ("a.test", "quarantine", ["m.a.test"])


def test_psd_n_ends_the_walk() -> None:
    zone = Zone({"_dmarc.a.gov.test": {"TXT": ["v=DMARC1; p=reject; psd=n"]}})
    found = asyncio.run(discover(zone, "a.gov.test"))
    assert found.organizational == "a.gov.test"
    assert zone.asked == [("_dmarc.a.gov.test", "TXT")]


def test_psd_y_puts_the_organisational_domain_one_label_below() -> None:
    records = {"gov.test": ["v=DMARC1; p=reject; psd=y"], "a.gov.test": ["v=DMARC1; p=none"]}
    found = find("m.a.gov.test", records)
    assert (found.organizational, found.at, found.policy) == ("a.gov.test", "a.gov.test", "none")
    found = find("m.a.gov.test", {"gov.test": ["v=DMARC1; p=none; sp=reject; psd=y"]})
    assert (found.organizational, found.at, found.policy) == ("a.gov.test", "gov.test", "reject")


def test_the_organisational_domain_has_the_fewest_labels() -> None:
    found = find("x.m.a.test", {"m.a.test": ["v=DMARC1; p=none"], "a.test": [REJECT]})
    assert (found.organizational, found.at, found.policy) == ("a.test", "a.test", "reject")


def test_a_failed_question_is_not_an_absent_record() -> None:
    assert find("a.test", {"a.test": DnsFailure("servfail")}).failure == "servfail"
    found = find("m.a.test", {"m.a.test": [REJECT], "a.test": DnsFailure("timeout")})
    assert (found.failure, found.policy) == ("", "reject")
    found = find("m.a.test", {"a.test": DnsFailure("timeout")})
    assert (found.failure, found.record) == ("timeout", None)


def test_foreign_report_receivers_must_agree() -> None:
    record = "v=DMARC1; p=reject; rua=mailto:a@a.test,mailto:b@sub.a.test,mailto:c@x.test"
    agreed = {"a.test._report._dmarc.x.test": {"TXT": ["v=DMARC1;"]}}
    assert find("a.test", {"a.test": [record]}).external == [
        {"receiver": "x.test", "accepts": False}
    ]
    found = find("a.test", {"a.test": [record]}, **agreed)
    assert found.external == [{"receiver": "x.test", "accepts": True}]
