import copy
import tomllib

import pytest

from practice import TableError, expectations, postures
from practice.tables import HERE, a_label, cast_from, posture, read_domains, read_postures

RULES = {
    "spf.policy",
    "spf.lookups",
    "dkim.key",
    "dmarc.policy",
    "mx.valid",
    "mx.forbidden_address",
    "smtp.starttls",
    "smtp.auth_before_tls",
    "submission.auth_before_tls",
    "imap.plain_login",
    "pop3.plain_login",
    "smtp.vrfy",
    "smtp.relay",
    "tls.versions",
    "cert.valid",
    "web.https_redirect",
    "web.hsts",
}


@pytest.fixture
def tables():
    return copy.deepcopy(tomllib.loads((HERE / "postures.toml").read_text("utf-8")))


def test_every_posture_has_a_domain_and_a_chinese_title():
    played = {domain.posture for domain in read_domains()}
    assert played == set(postures())
    for one in postures().values():
        assert any("\u4e00" <= letter <= "\u9fff" for letter in one.title), one.name


def test_the_cast_of_the_demo():
    cast = {domain.unicode: (domain.posture, domain.title) for domain in read_domains()}
    assert cast["jia.gov.test"] == ("weak-start", "甲单位")
    assert cast["yi.edu.test"][1] == "乙单位"
    assert cast["shengzhi.gov.test"][1] == "省直单位"
    assert cast["邮件示例.test"][0] == "exemplary"
    assert a_label("邮件示例.test") == "xn--5nqzn608hevt.test"


def test_a_posture_differs_from_exemplary_only_where_it_says_so():
    exemplary, no_spf = posture("exemplary"), posture("no-spf")
    assert no_spf.dns.spf == ()
    assert no_spf.dns.dmarc == exemplary.dns.dmarc
    assert (no_spf.smtp, no_spf.imap, no_spf.web) == (exemplary.smtp, exemplary.imap, exemplary.web)
    assert len({repr(one).partition("dns=")[2] for one in postures().values()}) == len(postures())


def test_expectations_are_complete_and_each_fault_is_judged():
    truth = expectations()
    assert set(truth) == set(postures())
    for name, results in truth.items():
        assert set(results) == RULES, name
    assert set(truth["exemplary"].values()) == {"conforming"}
    # What is right, or judged by no rule of this table, differs from exemplary in nothing.
    harmless = {name for name in truth if truth[name] == truth["exemplary"]}
    assert harmless == {
        "exemplary",
        "tls13",
        "exposed-ports",
        "spf-softfail",
        "rate-limit-burst",
        "greet-pause",
        "starttls-injection",
        "dns-truncated",
        "web-https-only",
    }


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"smpt": {"vrfy": "confirm"}}, "unknown key 'smpt'"),
        ({"smtp": {"vrfi": "confirm"}}, "unknown key 'vrfi'"),
        ({"smtp": {"vrfy": "maybe"}}, "'maybe' is none of"),
        ({"smtp": {"relay": "yes"}}, "expected bool"),
        ({"dns": {"spf": "v=spf1 -all"}}, "expected a list of str"),
        ({"tls": {"versions": "1.1-1.9"}}, "'1.1-1.9' is none of"),
        ({"exposed": {"ports": [25]}}, "25 is none of"),
        ({"base": "later"}, "base 'later' must stand before it"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_place(tables, change, complaint):
    tables["mine"] = {"title": "试", **change}
    with pytest.raises(TableError, match=complaint):
        read_postures(tables)


def test_a_posture_without_title_or_key_is_refused(tables):
    with pytest.raises(TableError, match="mine: a title is missing"):
        read_postures({**tables, "mine": {"title": 3}})
    del tables["exemplary"]["smtp"]["vrfy"]
    with pytest.raises(TableError, match=r"exemplary.smtp: key 'vrfy' is missing"):
        read_postures({"exemplary": tables["exemplary"]})


def test_a_misspelt_posture_names_its_neighbours():
    with pytest.raises(TableError, match="did you mean no-starttls"):
        posture("no-startls")


@pytest.mark.parametrize("name", ["example.com", "gov.cn", "test"])
def test_only_names_under_test_are_played(name):
    with pytest.raises(TableError, match="only plays domains under"):
        cast_from({name: "exemplary"})


def test_a_domain_listed_twice_or_misshaped_is_refused():
    with pytest.raises(TableError, match="listed twice"):
        cast_from({"邮件示例.test": "exemplary", "xn--5nqzn608hevt.test": "no-spf"})
    with pytest.raises(TableError, match="not a domain name"):
        cast_from({"-bad-.test": "exemplary"})
