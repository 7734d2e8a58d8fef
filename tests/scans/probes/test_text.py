"""Texts: data that is complete, and sentences that a clerk understands."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

import scans.probes
from scans.probes import JUDGES, Outcome, Result, Verdict, load_rules, text
from scans.probes.model import Endpoint, observe

RULES = load_rules().rules
PROBES = Path(scans.probes.__file__).parent
CAUSES = {
    "spf.policy": "spf-not-enforced", "spf.lookups": "spf-broken", "dkim.key": "dkim-missing",
    "dmarc.policy": "dmarc-not-enforced", "mx.valid": "mx-broken",
    "mx.forbidden_address": "mx-forbidden-address", "smtp.starttls": "smtp-no-starttls",
    "smtp.auth_before_tls": "plaintext-login", "submission.auth_before_tls": "plaintext-login",
    "imap.plain_login": "plaintext-login", "pop3.plain_login": "plaintext-login",
    "smtp.vrfy": "directory-enumerable", "smtp.relay": "open-relay", "tls.versions": "legacy-tls",
    "cert.valid": "certificate-invalid", "web.https_redirect": "webmail-not-https",
    "web.hsts": "hsts-missing",
}  # fmt: skip
CLAUSES = {
    "plan-2-2", "plan-2-5", "plan-problem", "csl-23", "22239-8.1.2.2", "22239-8.1.4.1",
    "22239-8.1.4.8", "22239-8.1.4.11", "22239-8.1.10.9", "iseaa", "order38-relay",
}  # fmt: skip

#: Names that the sentences of rules.toml may use; the rule modules put them into params.
SPOTS = (
    "where", "host", "port", "address", "line", "term", "count", "lookups", "voids", "at", "policy",
    "selector", "bits", "version", "not_after", "not_before", "issuer", "names", "days", "url",
    "checked", "percent",
)  # fmt: skip


def test_every_rule_has_its_data_and_its_agreed_cause() -> None:
    assert set(RULES) == set(JUDGES)
    assert {rule.id: rule.cause for rule in RULES.values()} == CAUSES
    for rule in RULES.values():
        assert set(rule.clauses) <= CLAUSES
        assert bool(rule.clauses) is not rule.id.startswith("mx.")  # those are advice
        assert rule.needs
        assert rule.title[-1] not in "。.，"
        assert rule.why.endswith("。")


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_repairs_can_be_copied(rule: scans.probes.Rule) -> None:
    repaired = text.repair(rule.id, "xn--5nqzn608hevt.test")
    assert not re.search(r"\{(domain|host)\}|\{\{|\}\}", repaired)
    if rule.id.startswith(("spf", "dkim", "dmarc", "mx")):
        assert "xn--5nqzn608hevt.test" in repaired


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_every_sentence_formats_and_is_chinese(rule: scans.probes.Rule) -> None:
    spots = set(SPOTS)
    for kind, sentence in rule.says.items():
        wanted = {name for _, name, _, _ in string.Formatter().parse(sentence) if name}
        assert wanted <= spots, (kind, wanted)
        assert re.search(r"[\u4e00-\u9fff]", sentence)
        assert sentence[-1] not in "。,."


def test_every_kind_that_a_rule_may_say_has_a_sentence() -> None:
    """All string constants that the rule modules use as kinds, against rules.toml."""
    said = {kind for rule in RULES.values() for kind in rule.says}
    said |= set(load_rules().unknown) | {"skip", "forbidden", "not_asked", "no_endpoint"}
    for file in (PROBES / "rules").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or len(node.args) < 2:
                continue
            name = getattr(node.func, "id", "")
            kind = node.args[1]
            if name in ("Sight", "alone") and isinstance(kind, ast.Constant):
                assert kind.value in said, f"{file.name}:{node.lineno}: {kind.value}"


def verdict(rule: str, result: Result, **params: object) -> Verdict:
    return Verdict(rule, 1, result, params)


def place(kind: str, host: str = "mx.a.test", port: int | None = 25, **more: object) -> dict:
    return {"host": host, "port": port, "address": "192.0.2.1", "kind": kind, "line": "", **more}


def test_sentences_of_verdicts() -> None:
    missing = verdict("spf.policy", Result.NONCONFORMING, kind="missing",
                      offenders=[place("missing", "a.test", None)])  # fmt: skip
    assert text.describe(missing) == "未查询到 SPF 记录"
    absent = verdict(
        "smtp.starttls", Result.NONCONFORMING, kind="absent", offenders=[place("absent")]
    )
    assert text.describe(absent) == "mx.a.test 的 25 端口未提供 STARTTLS"
    assert text.describe(absent.to_json()) == text.describe(absent)


def test_protocols_are_written_as_people_write_them() -> None:
    entry = {"kind": "old_accepted", "host": "mx.jia.test", "port": 465, "line": "TLSv1, TLSv1.1"}
    found = Verdict("tls.versions", 1, Result.NONCONFORMING, {"offenders": [entry]})
    assert text.describe(found) == "mx.jia.test 的 465 端口仍接受旧版协议 TLS 1.0、TLS 1.1"
    value = {"version": "TLSv1.3", "cipher": "AES", "legacy": ["SSLv3", "TLSv1"]}
    seen = observe("smtps.tls", Endpoint("mx.jia.test", "192.0.2.1", 465), Outcome.OBSERVED, value)
    assert text.describe_observation(seen) == (
        "mx.jia.test 的 465 端口使用 TLS 1.3（AES），仍接受 SSL 3.0、TLS 1.0"
    )


def test_places_of_which_the_same_is_true_share_a_sentence() -> None:
    ports = [(25, "mx"), (587, "smtp"), (465, "smtp"), (993, "imap"), (995, "pop"), (443, "mail")]
    entries = [place("expired", f"{h}.a.test", p, not_after="2026-01-01") for p, h in ports]
    found = verdict("cert.valid", Result.NONCONFORMING, kind="expired", offenders=entries)
    assert text.describe(found) == (
        "mx.a.test 的 25 端口、smtp.a.test 的 465、587 端口、imap.a.test 的 993 端口等 5 台主机"
        "的证书已于2026年1月1日过期"
    )


def test_what_could_not_be_seen_says_so_and_why() -> None:
    for outcome in Outcome:
        if outcome.seen:
            continue
        found = verdict("smtp.starttls", Result.UNKNOWN, kind=str(outcome),
                        unknown=[place(str(outcome), line="421 4.7.0 slow down")])  # fmt: skip
        assert "未能观测" in text.describe(found)
        assert "421 4.7.0 slow down" in text.describe(found)
    slow = verdict("smtp.starttls", Result.UNKNOWN, kind="timeout",
                   unknown=[place("timeout", line="slow_host")])  # fmt: skip
    assert text.describe(slow) == "mx.a.test 的 25 端口所在主机连续不应答，本次未再尝试，未能观测"
    asked = verdict("dkim.key", Result.UNKNOWN, kind="not_asked", unknown=[])
    assert text.describe(asked) == "本次探测未包含此项"


def test_what_a_server_says_cannot_become_a_template_or_a_control_sequence() -> None:
    evil = "220 {host.__class__} {0} %s \x1b[31m\x00"
    target = Endpoint("mx.a.test", "192.0.2.1", 25)
    banner = observe("smtp.banner", target, Outcome.OBSERVED, {"line": evil, "x": {"{k}": [evil]}})
    said = text.describe_observation(banner)
    assert said == "mx.a.test 的 25 端口应答：220 {host.__class__} {0} %s \\x1b[31m\\x00"
    entry = place("plain", line="AUTH {line}")
    found = verdict("smtp.auth_before_tls", Result.NONCONFORMING, kind="plain", offenders=[entry])
    assert text.describe(found) == "mx.a.test 的 25 端口加密前即可登录（AUTH {line}）"


def test_observations_in_chinese() -> None:
    target = Endpoint("mx.xn--5nqzn608hevt.test", "192.0.2.1", 25)
    absent = observe("smtp.starttls", target, Outcome.ABSENT)
    assert text.describe_observation(absent) == "mx.邮件示例.test 的 25 端口未提供 STARTTLS"
    refused = observe("imaps.tls", target, Outcome.REFUSED, {"reason": "connection_refused"})
    assert text.describe_observation(refused) == (
        "mx.邮件示例.test 的 25 端口拒绝连接，未能观测（端口未开放）"
    )
    names = (
        "banner",
        "ehlo",
        "starttls",
        "auth_before_tls",
        "vrfy",
        "expn",
        "relay",
        "tls",
        "cert",
    )
    for name in (*(f"smtp.{n}" for n in names), "dns.mx", "dns.spf", "dns.dkim", "dns.dmarc",
                 "dns.ptr", "web.redirect", "web.hsts"):  # fmt: skip
        assert text.observation_subject(name) != name
        assert text.describe_observation(observe(name, target, Outcome.OBSERVED))


def test_a_long_line_is_quoted_shortly_in_a_sentence() -> None:
    line = "v=spf1 " + "ip4:192.0.2.0/24 " * 60 + "?all"
    entry = {"host": "a.test", "observation": "dns.spf", "kind": "neutral", "line": line}
    said = text.describe(
        Verdict("spf.policy", 1, Result.NONCONFORMING, {"kind": "neutral", "offenders": [entry]})
    )
    assert len(said) < 200
    assert line[:100] in said
    place = Endpoint("mx.a.test", "127.0.0.1", 25)
    late = observe("smtp.banner", place, Outcome.RATE_LIMITED, {"reason": "421 " + "x" * 2000})
    assert len(text.describe_observation(late)) < 250
