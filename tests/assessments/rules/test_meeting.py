"""Saying and seeing: what contradicts, what confirms, what is only shown."""

from dataclasses import dataclass
from itertools import permutations

import pytest

from assessments.rules.meeting import meet, suggested_answer
from scans.probes import load_rules
from tests.assessments.rules.sheets import QUESTIONNAIRE, sheet_for


@dataclass(frozen=True)
class Verdict:
    rule: str
    result: str
    confirmed: bool = True
    kind: str = ""
    subject: str = "jia.gov.test"


def kinds(code, answers, *verdicts, **facts):
    sheet = sheet_for(code, answers, **facts)
    return [one.kind for one in meet(QUESTIONNAIRE.item(code), sheet, verdicts)]


# Rule → item whose answer it can contradict, the answer, and an answer that agrees.
CONTRADICTIONS = [
    ("spf.policy", "M-601", "answer", "yes", "no"),
    ("dkim.key", "M-602", "answer", "yes", "no"),
    ("dmarc.policy", "M-603", "answer", "reject", "absent"),
    ("smtp.starttls", "M-505", "answer", "yes", "no"),
    ("smtp.auth_before_tls", "M-504", "answer", "yes", "no"),
    ("submission.auth_before_tls", "M-504", "answer", "yes", "partial"),
    ("imap.plain_login", "M-504", "answer", "na", "no"),
    ("pop3.plain_login", "M-504", "answer", "yes", "no"),
    ("smtp.vrfy", "M-807", "answer", "yes", "no"),
    ("smtp.relay", "M-703", "answer", "yes", "no"),
    ("tls.versions", "M-502", "answer", "yes", "partial"),
    ("cert.valid", "M-503", "answer", "yes", "no"),
    ("web.https_redirect", "M-501", "answer", "yes", "no"),
    ("web.admin", "M-406", "answer", "yes", "no"),
    ("smtp.spoof", "M-605", "reject", "yes", "no"),
    ("host.ports", "M-902", "answer", "yes", "no"),
]


@pytest.mark.parametrize(("rule", "code", "field", "boast", "admission"), CONTRADICTIONS)
def test_rule(rule, code, field, boast, admission):
    bad, unsure = Verdict(rule, "nonconforming"), Verdict(rule, "nonconforming", confirmed=False)
    assert kinds(code, {field: boast}, bad) == ["contradicts"]
    assert kinds(code, {field: boast}, unsure) == ["awaiting"]
    assert kinds(code, {field: boast}, Verdict(rule, "unknown")) == ["not_observed"]
    assert kinds(code, {field: boast}, Verdict(rule, "not_applicable")) == []
    assert kinds(code, {field: admission}, bad) == ["confirms"]
    assert kinds(code, {}, bad) == ["seen"]


def test_every_contradicting_row_of_the_version_is_tried():
    rows = {
        (row.rule, item.code)
        for item in QUESTIONNAIRE.items
        for row in item.seen
        if row.contradicts
    }
    assert rows == {(rule, code) for rule, code, *_ in CONTRADICTIONS}


def test_an_answer_more_modest_than_what_was_seen_is_shown_never_doubted():
    good = Verdict("spf.policy", "conforming")
    assert kinds("M-601", {"answer": "no"}, good) == ["modest"]
    assert kinds("M-502", {"answer": "partial"}, Verdict("tls.versions", "conforming")) == [
        "modest"
    ]
    assert kinds("M-603", {"answer": "none"}, Verdict("dmarc.policy", "conforming")) == ["modest"]


def test_nothing_ever_contradicts_the_worst_answer():
    for item in QUESTIONNAIRE.items:
        for row in item.seen:
            assert "no" not in row.contradicts, item.code
            assert row.result == "nonconforming" or not row.contradicts


def test_not_known_is_answered_by_what_was_seen():
    assert kinds("M-502", {"answer": "unknown"}, Verdict("tls.versions", "nonconforming")) == [
        "seen"
    ]


def test_weak_evidence_never_contradicts():
    assert kinds("M-501", {"answer": "yes"}, Verdict("web.hsts", "nonconforming")) == ["weak"]
    assert kinds("M-601", {"answer": "yes"}, Verdict("spf.lookups", "nonconforming")) == ["weak"]


def test_warning_asks_to_check():
    assert kinds("M-503", {"answer": "yes"}, Verdict("cert.valid", "warning")) == ["check"]


def test_mx_is_compared_with_the_declared_domains():
    answers = {"domains": "jia.gov.test"}
    for rule in ("mx.valid", "mx.forbidden_address"):
        assert kinds("M-102", answers, Verdict(rule, "nonconforming")) == ["check"]


def test_verdicts_of_other_rules_and_hidden_items_are_passed_over():
    assert kinds("M-601", {"answer": "yes"}, Verdict("smtp.relay", "nonconforming")) == []
    assert (
        kinds("M-601", {"answer": "yes"}, Verdict("spf.policy", "nonconforming"), short=True) == []
    )


def test_order_of_verdicts_does_not_matter_and_contradictions_come_first():
    verdicts = [
        Verdict("imap.plain_login", "conforming"),
        Verdict("smtp.auth_before_tls", "nonconforming"),
        Verdict("pop3.plain_login", "unknown"),
    ]
    sheet = sheet_for("M-504", {"answer": "yes"})
    item = QUESTIONNAIRE.item("M-504")
    results = {meet(item, sheet, order) for order in permutations(verdicts)}
    assert len(results) == 1
    assert [one.kind for one in results.pop()] == ["contradicts", "confirms", "not_observed"]


def test_text_names_the_domain_what_was_seen_and_what_was_said():
    sheet = sheet_for("M-601", {"answer": "yes"})
    seen = Verdict("spf.policy", "nonconforming", kind="missing")
    (one,) = meet(QUESTIONNAIRE.item("M-601"), sheet, [seen])
    assert one.text == (
        "jia.gov.test：系统已观测到没有发布SPF，"
        "与所填“全部域名以-all结尾”不一致，请更正答案或说明情况。"
    )


def test_observed_first_items_propose_what_was_seen():
    item = QUESTIONNAIRE.item("M-601")
    # Only a fault is ever confirmed; that all is well rests on seeing nothing else.
    good = Verdict("spf.policy", "conforming", confirmed=False)
    bad = Verdict("spf.policy", "nonconforming", kind="missing")
    soft = Verdict("spf.policy", "nonconforming", kind="softfail")
    assert suggested_answer(item, [good]) == "yes"
    assert suggested_answer(item, [bad]) == "no"
    assert suggested_answer(item, [soft]) == "soft"
    assert suggested_answer(item, [soft, bad]) == suggested_answer(item, [bad, soft]) == "no"
    assert suggested_answer(item, [good, bad]) == suggested_answer(item, [bad, good]) == "partial"
    assert suggested_answer(item, [Verdict("spf.policy", "nonconforming", confirmed=False)]) == ""
    for other in ("unknown", "warning"):
        assert suggested_answer(item, [good, Verdict("spf.policy", other)]) == ""
    assert suggested_answer(item, [good, Verdict("spf.policy", "not_applicable")]) == "yes"
    assert suggested_answer(item, []) == ""
    assert suggested_answer(item, [Verdict("spf.policy", "unknown")]) == ""
    assert suggested_answer(QUESTIONNAIRE.item("M-1104"), [bad]) == ""


def test_every_observed_first_item_can_propose_an_answer():
    for item in QUESTIONNAIRE.items:
        if item.observed_first:
            assert any(row.result == "conforming" and row.confirms for row in item.seen)
            assert any(row.result == "nonconforming" and row.confirms for row in item.seen)


@pytest.mark.parametrize(
    ("code", "rule", "kind", "answer", "meets"),
    [
        ("M-601", "spf.policy", "missing", "soft", "contradicts"),
        ("M-601", "spf.policy", "pass_all", "soft", "contradicts"),
        ("M-601", "spf.policy", "softfail", "soft", "confirms"),
        ("M-601", "spf.policy", "softfail", "yes", "contradicts"),
        ("M-601", "spf.policy", "softfail", "no", "check"),
        ("M-601", "spf.policy", "several", "soft", "check"),
        ("M-603", "dmarc.policy", "missing", "none", "contradicts"),
        ("M-603", "dmarc.policy", "none", "none", "confirms"),
        ("M-603", "dmarc.policy", "none", "absent", "check"),
        ("M-603", "dmarc.policy", "testing", "reject", "contradicts"),
        ("M-603", "dmarc.policy", "unusable", "none", "check"),
    ],
)
def test_what_exactly_was_seen_decides(code, rule, kind, answer, meets):
    assert kinds(code, {"answer": answer}, Verdict(rule, "nonconforming", kind=kind)) == [meets]


def test_every_kind_in_the_data_is_one_that_the_rule_can_say():
    rules = load_rules().rules
    for item in QUESTIONNAIRE.items:
        for row in item.seen:
            assert set(row.kinds) <= set(rules[row.rule].says if row.kinds else ()), item.code
