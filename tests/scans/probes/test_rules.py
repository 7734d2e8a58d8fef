"""Verdicts are pure functions of observations: rule by rule, and after a round trip in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from scans.probes import Observation, Result, Verdict, judge
from scans.probes.model import Endpoint, Outcome, observe

A, B = "127.0.0.1", "127.0.0.2"


def seen(
    name: str,
    outcome: str = "observed",
    value: Mapping[str, Any] | None = None,
    *,
    host: str = "mx.a.test",
    address: str | None = A,
    port: int | None = 25,
) -> Observation:
    return observe(name, Endpoint(host, address, port), Outcome(outcome), value, ["S: line"])


def dns(name: str, outcome: str = "observed", **value: Any) -> Observation:
    return seen(name, outcome, value, host="a.test", address=None, port=None)


def verdict(rule: str, *observations: Observation) -> Verdict:
    return next(v for v in judge(observations) if v.rule == rule)


def result(rule: str, *observations: Observation) -> str:
    return str(verdict(rule, *observations).result)


def spf(text: str = "v=spf1 -all", ending: str = "-", **more: Any) -> Observation:
    return dns("dns.spf", records=[text], record=text, all=ending, **more)


def dmarc(policy: str, **more: Any) -> Observation:
    base = {"record": f"v=DMARC1; p={policy}", "policy": policy, "usable": True, "at": "a.test"}
    return dns("dns.dmarc", **(base | {"requested_policy": policy} | more))


def mx(*records: Mapping[str, Any], outcome: str = "observed", **more: Any) -> Observation:
    full = [{"preference": 10, "addresses": [], "problem": "", "cname": "", **r} for r in records]
    base = {"records": full, "exists": True, "null_mx": False, "total": len(full)}
    return dns("dns.mx", outcome, **(base | more))


def address(kind: str = "global", text: str = "8.8.8.8") -> dict[str, Any]:
    return {"address": text, "kind": kind, "allowed": kind == "global"}


NULL_MX = mx(null_mx=True, total=1)
UNSEEN = [o for o in Outcome if not o.seen]


@pytest.mark.parametrize("outcome", UNSEEN)
def test_no_outcome_but_seen_ones_ever_speaks_against_a_domain(outcome: Outcome) -> None:
    """Untestable is not absent: for every rule and every way not to see."""
    names = {
        "smtp": 25, "submission": 587, "smtps": 465, "imap": 143, "imaps": 993,
        "pop3": 110, "pop3s": 995, "web": 443,
    }  # fmt: skip
    what = ("banner", "ehlo", "auth_before_tls", "vrfy", "expn", "starttls", "tls", "cert", "relay")
    observations = [
        dns(n, outcome, reason="x") for n in ("dns.mx", "dns.spf", "dns.dkim", "dns.dmarc")
    ]
    for prefix, port in names.items():
        for each in (*what, "redirect", "hsts"):
            observations.append(seen(f"{prefix}.{each}", outcome, {"reason": "x"}, port=port))
    found = {v.rule: str(v.result) for v in judge(observations)}
    assert set(found.values()) <= {"unknown", "not_applicable"}
    assert found["smtp.starttls"] == "unknown"
    assert found["spf.policy"] == "unknown"


def test_nothing_at_all_is_unknown_or_not_applicable() -> None:
    assert {str(v.result) for v in judge([])} <= {"unknown", "not_applicable"}


def test_the_same_bytes_give_the_same_verdicts() -> None:
    observations = [spf(), dmarc("reject"), mx({"host": "mx.a.test", "addresses": [address()]}),
                    seen("smtp.starttls", "absent", {"line": "250 mx"})]  # fmt: skip
    stored = json.loads(json.dumps([o.to_json() for o in observations]))
    assert [v.to_json() for v in judge(stored)] == [v.to_json() for v in judge(observations)]
    first = judge(stored)[0]
    assert Verdict.from_json(json.loads(json.dumps(first.to_json()))) == first


@pytest.mark.parametrize(
    ("observations", "expected", "kind"),
    [
        ([spf()], "conforming", "ok"),
        ([dns("dns.spf", "absent")], "nonconforming", "missing"),
        ([dns("dns.spf", records=["v=spf1 a", "v=spf1 -all"])], "nonconforming", "several"),
        ([spf("v=spf1 +all", "+", pass_all=True, pass_by="+all")], "nonconforming", "pass_all"),
        ([spf("v=spf1 ?all", "?")], "nonconforming", "neutral"),
        ([spf("v=spf1 mx", "")], "nonconforming", "no_all"),
        ([spf("v=spf1 ~all", "~"), dns("dns.dmarc", "absent")], "nonconforming", "softfail"),
        ([spf("v=spf1 ~all", "~"), dmarc("none")], "nonconforming", "softfail"),
        ([spf("v=spf1 ~all", "~"), dmarc("quarantine")], "conforming", "softfail_dmarc"),
        ([spf("v=spf1 ~all", "~"), dns("dns.dmarc", "dns_failure")], "unknown", "softfail_unknown"),
        (
            [spf("v=spf1 redirect=b.test", "", problems=[
                {"term": "redirect=b.test", "reason": "dns_timeout", "permanent": False}])],
            "unknown", "redirect_unknown",
        ),
    ],
)  # fmt: skip
def test_spf_policy(observations: list[Observation], expected: str, kind: str) -> None:
    found = verdict("spf.policy", *observations)
    assert (str(found.result), found.params["kind"]) == (expected, kind)


def problem(reason: str, permanent: bool = True) -> dict[str, Any]:
    return {"domain": "a.test", "term": "include:b.test", "reason": reason, "permanent": permanent}


@pytest.mark.parametrize(
    ("problems", "expected", "kind"),
    [
        ([], "conforming", "ok"),
        ([problem("ptr_discouraged", False)], "conforming", "ok"),
        ([problem("too_many_lookups")], "nonconforming", "too_many_lookups"),
        ([problem("bad_address")], "nonconforming", "syntax"),
        ([problem("dns_servfail", False)], "unknown", "reference_unknown"),
        ([problem("dns_servfail", False), problem("loop")], "nonconforming", "loop"),
    ],
)
def test_spf_lookups(problems: list[dict[str, Any]], expected: str, kind: str) -> None:
    found = verdict("spf.lookups", spf(problems=problems))
    assert (str(found.result), found.params["kind"]) == (expected, kind)


def key(selector: str = "s1", outcome: str = "observed", **more: Any) -> Observation:
    base: dict[str, Any] = {"selector": selector, "key_type": "rsa", "bits": 2048, "problems": []}
    return dns("dns.dkim", outcome, **(base | more))


@pytest.mark.parametrize(
    ("observations", "expected", "kind"),
    [
        ([key()], "conforming", "ok"),
        ([key("s1", "absent")], "nonconforming", "selector_missing"),
        ([dns("dns.dkim", "absent", selector=None)], "nonconforming", "missing"),
        ([dns("dns.dkim", selector=None, branch=True)], "unknown", "selector_unknown"),
        ([key(revoked=True)], "nonconforming", "revoked"),
        ([key(bits=1024)], "warning", "short"),
        ([key(bits=768)], "nonconforming", "too_short"),
        ([key(problems=["bad_key"])], "nonconforming", "broken"),
        ([key(testing=True)], "warning", "testing"),
        ([key(key_type="ed25519", bits=256)], "conforming", "ok"),
        ([key(), key("s2", "absent")], "warning", "selector_missing"),
        ([key("s1", "absent"), key("s2", "dns_failure")], "unknown", "dns_failure"),
        ([key(revoked=True), NULL_MX, spf()], "not_applicable", "parked"),
        (
            [key("s1", "absent"), NULL_MX, spf("v=spf1 mx -all")],
            "nonconforming",
            "selector_missing",
        ),
    ],
)
def test_dkim(observations: list[Observation], expected: str, kind: str) -> None:
    found = verdict("dkim.key", *observations)
    assert (str(found.result), found.params["kind"]) == (expected, kind)


@pytest.mark.parametrize(
    ("observation", "expected", "kind"),
    [
        (dmarc("reject"), "conforming", "reject"),
        (dmarc("quarantine", inherited=True), "conforming", "inherited"),
        (dmarc("none"), "nonconforming", "none"),
        (dmarc("none", testing=True, requested_policy="quarantine"), "nonconforming", "testing"),
        (dmarc("quarantine", testing=True, requested_policy="reject"), "warning", "testing_soft"),
        (dmarc("reject", subdomain_policy="none"), "warning", "subdomains_open"),
        (dmarc("", usable=False), "nonconforming", "unusable"),
        (dns("dns.dmarc", "absent", several_at=["a.test"]), "nonconforming", "several"),
        (dns("dns.dmarc", "absent"), "nonconforming", "missing"),
    ],
)
def test_dmarc(observation: Observation, expected: str, kind: str) -> None:
    found = verdict("dmarc.policy", observation)
    assert (str(found.result), found.params["kind"]) == (expected, kind)


@pytest.mark.parametrize(
    ("observation", "expected", "kind"),
    [
        (mx({"host": "mx.a.test", "addresses": [address()]}), "conforming", "ok"),
        (NULL_MX, "conforming", "null_mx"),
        (mx({"host": "mx.a.test", "addresses": [address()]}, null_mx=True, total=2),
         "nonconforming", "null_mx_beside_others"),
        (mx(outcome="absent", exists=False), "nonconforming", "no_domain"),
        (mx(outcome="absent"), "nonconforming", "missing"),
        (mx(outcome="absent", implicit=True), "warning", "implicit"),
        (mx({"host": "8.8.8.8", "problem": "ip_literal"}), "nonconforming", "ip_literal"),
        (mx({"host": "localhost", "problem": "localhost"}), "nonconforming", "localhost"),
        (mx({"host": "x.a.test", "problem": "no_address"}), "nonconforming", "no_address"),
        (mx({"host": "x.a.test", "problem": "dns_failure"}), "unknown", "dns_failure"),
    ],
)  # fmt: skip
def test_mx(observation: Observation, expected: str, kind: str) -> None:
    found = verdict("mx.valid", observation)
    assert (str(found.result), found.params["kind"]) == (expected, kind)


@pytest.mark.parametrize("kind", ["private", "loopback", "link_local", "shared", "documentation"])
def test_a_forbidden_address_is_a_fault_even_beside_a_good_one(kind: str) -> None:
    both = [address(), address(kind, "10.0.0.5")]
    found = verdict("mx.forbidden_address", mx({"host": "mx.a.test", "addresses": both}))
    assert found.result is Result.NONCONFORMING
    assert [o["address"] for o in found.params["offenders"]] == ["10.0.0.5"]


def test_one_host_without_starttls_makes_the_domain_nonconforming_and_is_named() -> None:
    found = verdict(
        "smtp.starttls",
        seen("smtp.starttls"),
        seen("smtp.starttls", "absent", {"line": "250 b"}, host="b.a.test", address=B),
        seen("smtp.starttls", "timeout", {"reason": "timeout"}, host="c.a.test"),
    )
    assert found.result is Result.NONCONFORMING
    assert [(o["host"], o["line"]) for o in found.params["offenders"]] == [("b.a.test", "250 b")]
    assert [o["host"] for o in found.params["unknown"]] == ["c.a.test"]


def test_a_host_not_seen_beside_a_good_one_leaves_the_domain_unknown() -> None:
    assert (
        result("smtp.starttls", seen("smtp.starttls"), seen("smtp.starttls", "refused"))
        == "unknown"
    )


def test_a_domain_that_takes_no_mail_has_no_port_25_to_judge() -> None:
    for rule in ("smtp.starttls", "smtp.auth_before_tls", "smtp.vrfy", "smtp.relay"):
        assert result(rule, NULL_MX) == "not_applicable"


@pytest.mark.parametrize(
    ("outcome", "value", "expected"),
    [
        ("absent", {"mechanisms": []}, "conforming"),
        ("observed", {"mechanisms": ["PLAIN"], "line": "AUTH PLAIN"}, "nonconforming"),
        ("observed", {"mechanisms": ["SCRAM-SHA-256"]}, "warning"),
        ("refused", {"reason": "connection_refused"}, "not_applicable"),
        ("refused", {"reason": "554 go away"}, "unknown"),
        ("timeout", {"reason": "timeout"}, "unknown"),
    ],
)
def test_auth_before_tls_on_587(outcome: str, value: dict[str, Any], expected: str) -> None:
    observation = seen("submission.auth_before_tls", outcome, value, port=587)
    assert result("submission.auth_before_tls", observation) == expected


def test_a_closed_port_25_is_unknown_and_a_closed_587_is_not_offered() -> None:
    closed = {"reason": "connection_refused"}
    assert (
        result("smtp.auth_before_tls", seen("smtp.auth_before_tls", "refused", closed)) == "unknown"
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"accepted": True, "stage": "RCPT", "code": 250, "line": "250 Ok"}, "nonconforming"),
        ({"accepted": False, "stage": "RCPT", "code": 554}, "conforming"),
        ({"accepted": False, "stage": "MAIL", "code": 530}, "conforming"),
        ({"accepted": False, "stage": "MAIL", "code": 550}, "unknown"),
    ],
)
def test_relay(value: dict[str, Any], expected: str) -> None:
    assert result("smtp.relay", seen("smtp.banner"), seen("smtp.relay", value=value)) == expected


def test_relay_without_authorisation_is_not_applicable() -> None:
    assert result("smtp.relay", seen("smtp.banner")) == "not_applicable"


@pytest.mark.parametrize(
    ("value", "expected", "kind"),
    [
        ({"version": "TLSv1.3", "legacy": [], "legacy_tested": True}, "conforming", "ok"),
        ({"version": "TLSv1.3", "legacy": ["TLSv1.1"]}, "nonconforming", "old_accepted"),
        ({"version": "TLSv1", "legacy": ["TLSv1"]}, "nonconforming", "only_old"),
        ({"version": "TLSv1.3", "legacy": [], "legacy_tested": False}, "unknown", "old_not_tested"),
    ],
)
def test_tls_versions(value: dict[str, Any], expected: str, kind: str) -> None:
    found = verdict("tls.versions", seen("imaps.tls", value=value, port=993))
    assert (str(found.result), found.params["kind"]) == (expected, kind)


def test_certificates() -> None:
    good = {"problems": [], "days_left": 100}
    assert result("cert.valid", seen("smtp.cert", value=good)) == "conforming"
    assert result("cert.valid", seen("smtp.cert", value={**good, "days_left": 3})) == "warning"
    bad = seen("imaps.cert", value={"problems": ["wrong_name", "expired"]}, port=993)
    found = verdict("cert.valid", seen("smtp.cert", value=good), bad)
    assert (found.result, found.params["kind"]) == (Result.NONCONFORMING, "expired")
    assert result("cert.valid", seen("smtp.cert", value=good), seen("smtp.cert", "absent")) == (
        "conforming"
    )


def hop(outcome: str = "observed", reason: str = "") -> dict[str, Any]:
    return {"url": "http://mail.a.test/", "status": 200, "outcome": outcome, "reason": reason}


@pytest.mark.parametrize(
    ("outcome", "value", "expected", "kind"),
    [
        ("observed", {"status": 301, "https": True, "hops": [hop()]}, "conforming", "ok"),
        ("observed", {"status": 301, "https": True, "hops": [hop("blocked_by_guard", "private")]},
         "unknown", "target_unknown"),
        ("observed", {"status": 200, "final_status": 200, "hops": [hop()]},
         "nonconforming", "served"),
        ("observed", {"status": 401, "final_status": 401, "hops": [hop()]},
         "nonconforming", "served"),
        ("observed", {"status": 403, "final_status": 403, "hops": [hop()]},
         "conforming", "nothing_served"),
        ("observed", {"status": 301, "final_status": 301, "hops": [hop("protocol_error", "loop")]},
         "unknown", "chain_unknown"),
        ("observed", {"status": 200, "final_status": 200, "refresh": "https://a.test/",
                      "hops": [hop()]}, "warning", "by_page"),
        ("refused", {"reason": "connection_refused"}, "conforming", "http_closed"),
        ("timeout", {"reason": "timeout"}, "unknown", "timeout"),
    ],
)  # fmt: skip
def test_https_redirect(outcome: str, value: dict[str, Any], expected: str, kind: str) -> None:
    secure = seen("web.cert", value={"problems": []}, port=443)
    found = verdict("web.https_redirect", seen("web.redirect", outcome, value, port=80), secure)
    assert (str(found.result), found.params["kind"]) == (expected, kind)


def test_plain_pages_without_any_https_are_told_apart() -> None:
    page = seen(
        "web.redirect", value={"status": 200, "final_status": 200, "hops": [hop()]}, port=80
    )
    refused = seen("web.cert", "refused", {"reason": "connection_refused"}, port=443)
    assert verdict("web.https_redirect", page, refused).params["kind"] == "no_https"


@pytest.mark.parametrize(
    ("outcome", "value", "expected"),
    [
        ("observed", {"header": "max-age=31536000", "max_age": 31536000}, "conforming"),
        ("observed", {"header": "max-age=300", "max_age": 300}, "warning"),
        ("observed", {"header": "max-age=0", "max_age": 0}, "nonconforming"),
        ("observed", {"header": "nonsense", "max_age": None}, "nonconforming"),
        ("absent", {}, "nonconforming"),
        ("timeout", {"reason": "timeout"}, "unknown"),
    ],
)
def test_hsts(outcome: str, value: dict[str, Any], expected: str) -> None:
    assert result("web.hsts", seen("web.hsts", outcome, value, port=443)) == expected


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_an_overloaded_web_server_says_nothing_about_its_redirect(status: int) -> None:
    secure = seen("web.cert", value={"problems": []}, port=443)
    page = seen("web.redirect", value={"status": status, "final_status": status, "hops": [hop()]})
    found = verdict("web.https_redirect", page, secure)
    assert (str(found.result), found.params["kind"]) == ("unknown", "server_error")


def test_a_missing_front_page_does_not_clear_the_pages_below_it() -> None:
    page = seen("web.redirect", value={"status": 404, "final_status": 404, "hops": [hop()]})
    assert result("web.https_redirect", page) == "unknown"


@pytest.mark.parametrize(
    ("percent", "expected"), [(None, "conforming"), (100, "conforming"), (30, "warning")]
)
def test_dmarc_for_a_part_of_the_mail(percent: int | None, expected: str) -> None:
    assert result("dmarc.policy", dmarc("reject", percent=percent)) == expected


@pytest.mark.parametrize(
    ("key", "declared", "expected"),
    [
        ({"revoked": True}, True, "nonconforming"),
        ({"problems": ["bad_key"]}, True, "nonconforming"),
        # A usual name found by trying: the key that signs may have another.
        ({"revoked": True}, False, "unknown"),
        ({"problems": ["bad_key"]}, False, "unknown"),
        # A short key can be broken and used to forge, whatever else signs.
        ({"key_type": "rsa", "bits": 512}, False, "nonconforming"),
    ],
)
def test_dkim_keys_found_by_trying_usual_names(
    key: dict[str, Any], declared: bool, expected: str
) -> None:
    found = dns("dns.dkim", selector="default", declared=declared, record="p=", **key)
    assert result("dkim.key", found) == expected


def test_a_chain_that_was_cut_is_not_called_incomplete() -> None:
    value = {"problems": ["incomplete_chain"], "days_left": 90}
    assert result("cert.valid", seen("smtp.cert", value=value)) == "nonconforming"
    assert result("cert.valid", seen("smtp.cert", value={**value, "chain_cut": True})) == "unknown"
