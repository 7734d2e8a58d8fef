"""Rules as pages read them: every rule is complete, and a repair can be copied."""

import pytest

from scans.rules import all_rules, repair_steps, rule_of, rules_of_cause

CAUSES = {
    "spf.policy": "spf-not-enforced",
    "dkim.key": "dkim-missing",
    "dmarc.policy": "dmarc-not-enforced",
    "smtp.starttls": "smtp-no-starttls",
    "imap.plain_login": "plaintext-login",
    "smtp.relay": "open-relay",
    "tls.versions": "legacy-tls",
    "cert.valid": "certificate-invalid",
    "web.https_redirect": "webmail-not-https",
}


def test_the_causes_that_other_rooms_rely_on():
    assert {rule: rule_of(rule).cause for rule in CAUSES} == CAUSES
    assert {rule.id for rule in rules_of_cause("plaintext-login")} == {
        "smtp.auth_before_tls",
        "submission.auth_before_tls",
        "imap.plain_login",
        "pop3.plain_login",
    }


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_every_repair_has_a_sentence_and_something_to_copy_for_the_domain(rule):
    steps = repair_steps(rule.id, "jia.gov.test")
    assert any(not step.to_copy for step in steps)
    assert any(step.to_copy for step in steps)
    assert not any("{domain}" in step.text for step in steps)
    assert all(step.text.strip() == step.text for step in steps)


def test_what_is_copied_is_the_record_itself():
    copied = [step.text for step in repair_steps("dmarc.policy", "jia.gov.test") if step.to_copy]
    assert copied == [
        '_dmarc.jia.gov.test.  IN  TXT  "v=DMARC1; p=reject; rua=mailto:dmarc@jia.gov.test"'
    ]
    web = [s.text for s in repair_steps("web.https_redirect", "jia.gov.test") if s.to_copy]
    assert web[0].startswith("server { listen 80;")


def test_no_repair_line_is_lost():
    for rule in all_rules():
        joined = "".join(step.text for step in repair_steps(rule.id, "x.test"))
        plain = "".join(joined.split())
        wanted = "".join(rule.repair.format(domain="x.test").split())
        assert plain == wanted
