"""The ground of a finding and what may enter a 限期整改通知书."""

from datetime import date

import pytest

from assessments.rules.loading import by_version
from standards.grounds import (
    KINDS,
    LegalBasesError,
    current,
    ground_of,
    load,
    may_enter_notice,
)

ON = date(2026, 11, 24)
BASES = current()


def ground(*slugs, on=ON, **kwargs):
    return ground_of(BASES.named(slugs, on), on, **kwargs)


def test_a_duty_by_law_is_the_strongest_and_may_enter():
    found = ground("plan-2-4", "22239-8.1.4.1", "csl-23")
    assert (found.kind, found.label) == ("statute", "法定义务")
    assert [clause.slug for clause in found.clauses] == ["csl-23"]
    assert may_enter_notice(found)


def test_a_standard_enters_through_the_duty_of_the_law():
    found = ground("22239-8.1.4.1", "plan-2-2")
    assert (found.kind, found.via.slug) == ("standard", "csl-23")
    assert may_enter_notice(found)
    assert found.citations(3) == (
        "《中华人民共和国网络安全法》第二十三条",
        "GB/T 22239-2019 第8.1.4.1条（身份鉴别）",
    )


def test_a_standard_of_its_own_may_not_enter():
    found = ground("gb20986")
    assert (found.kind, found.via) == ("standard", None)
    assert not may_enter_notice(found)


def test_a_plan_goes_to_the_annex():
    found = ground("plan-2-2-use")
    assert found.kind == "plan"
    assert not may_enter_notice(found)


def test_the_sentence_on_makers_is_no_ground_against_a_using_unit():
    found = ground("plan-2-2")
    assert (found.kind, found.label) == ("advice", "安全建议")
    assert not may_enter_notice(found)


@pytest.mark.parametrize("code", ["M-601", "M-603", "M-604"])
def test_anti_phishing_items_are_advice(code):
    item = by_version("2026-1").item(code)
    assert not may_enter_notice(ground(*item.clauses, level=3))


@pytest.mark.parametrize(
    ("slug", "addressee"),
    [("csl-25", "provider"), ("crypto-27", "cii"), ("order147-18", "state"), ("dsl-40", "organ")],
)
def test_duties_of_others_are_advice(slug, addressee):
    assert BASES.clauses[slug].addressee == addressee
    assert ground(slug).kind == "advice"


def test_duties_of_state_organs_bind_state_organs():
    assert ground("dsl-40", organ=True).kind == "statute"
    assert ground("csl-25", organ=True).kind == "advice"


def test_unconfirmed_clauses_carry_nothing():
    for slug in ("order38-relay", "mlps-14-assess", "csl-24", "iseaa", "37002-7"):
        assert not BASES.clauses[slug].confirmed
        found = ground(slug)
        assert (found.kind, found.clauses) == ("advice", ())
        assert not may_enter_notice(found)


def test_nothing_cited_is_advice():
    assert ground().kind == "advice"


def test_confidentiality_by_cryptography_is_asked_from_level_three():
    assert ground("22239-8.1.4.8", level=3).kind == "standard"
    for level in (None, 0, 1, 2):
        assert ground("22239-8.1.4.8", level=level).clauses == ()


def test_numbers_of_level_three_are_printed_at_level_three_only():
    clause = BASES.clauses["22239-8.1.4.1"]
    assert "8.1.4.1" in clause.citation(3)
    for level in (None, 2, 4):
        assert "8.1.4.1" not in clause.citation(level)
        assert "身份鉴别" in clause.citation(level)
    assert "第四级" in clause.citation(4)


def test_no_unconfirmed_number_is_printed():
    for clause in BASES.clauses.values():
        assert not (clause.number and clause.unconfirmed_number)
        if clause.unconfirmed_number:
            for level in (2, 3):
                assert clause.unconfirmed_number not in clause.citation(level)


def test_articles_moved_with_the_edition():
    before, after = date(2025, 12, 31), date(2026, 1, 1)
    assert [clause.slug for clause in BASES.named(["csl-23"], before)] == ["csl-21"]
    assert [clause.slug for clause in BASES.named(["csl-23"], after)] == ["csl-23"]
    assert ground("csl-23", on=before).citations() == ("《中华人民共和国网络安全法》第二十一条",)
    assert ground_of([BASES.clauses["csl-21"]], ON).clauses == ()


def test_each_authority_has_its_own_instrument():
    secrecy = ground("secrecy-31")
    assert may_enter_notice(secrecy)
    assert may_enter_notice(secrecy, authority="secrecy")
    assert not may_enter_notice(secrecy, authority="police")
    assert may_enter_notice(ground("csl-23"), authority="police")


def test_order_176_replaces_151_on_its_day():
    old, new = BASES.editions["order151-2018"], BASES.editions["order176-2026"]
    assert (old.in_force(date(2026, 9, 30)), new.in_force(date(2026, 9, 30))) == (True, False)
    assert (old.in_force(date(2026, 10, 1)), new.in_force(date(2026, 10, 1))) == (False, True)
    assert BASES.clauses["order176"].number == ""


@pytest.mark.parametrize(
    "slug",
    [
        *(f"plan-2-{n}" for n in range(1, 7)), "plan-1", "plan-3", "plan-problem",
        "csl-23", "csl-25", "csl-27", "22239-8.1.2.2", "22239-8.1.4.1", "22239-8.1.4.8",
        "22239-8.1.4.11", "22239-8.1.10.9", "iseaa", "order38-relay", "order147-14",
        "order147-17", "order147-18", "order147-20-4", "order33-10", "order33-17", "order33-21",
        "mlps-14", "mlps-15",
    ],
)  # fmt: skip
def test_slugs_that_other_rooms_rely_on(slug):
    assert slug in BASES.clauses


def test_the_strongest_kind_wins_in_any_order():
    slugs = ["mailcheck", "plan-2-4", "gb20986", "csl-27"]
    for count in range(1, 5):
        expected = ["advice", "plan", "standard", "statute"][count - 1]
        assert ground(*slugs[:count]).kind == expected
        assert ground(*reversed(slugs[:count])).kind == expected
    assert list(KINDS) == ["statute", "standard", "plan", "advice"]


def test_every_urgent_item_but_forwarding_may_enter_a_notice_of_the_police():
    """Forwarding to private mailboxes rests on the plan alone (revision 6)."""
    for item in by_version("2026-1").items:
        if item.urgent:
            found = ground(*item.clauses, level=2)
            assert may_enter_notice(found, authority="police") is (item.code != "M-804")


GOOD = """
[[document]]
slug = "law"
title = "某法"
rank = "law"
[[edition]]
slug = "law-1"
document = "law"
label = "甲"
[[clause]]
slug = "law-a"
edition = "law-1"
number = "第一条"
summary = "某义务。"
kind = "statute"
confirmed = true
mark = "C"
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[[document]]", "[[document", "not valid TOML"),
        ('rank = "law"', 'rank = "poem"', "unknown rank 'poem'"),
        ('rank = "law"', 'rank = "law"\nenforced_by = ["king"]', "unknown enforced_by 'king'"),
        ('document = "law"', 'document = "no"', "unknown document 'no'"),
        ('label = "甲"', 'label = "甲"\nvalid_from = "2026"', "are dates"),
        (
            'label = "甲"',
            'label = "甲"\nvalid_from = 2026-01-02\nvalid_to = 2026-01-01',
            "after valid_to",
        ),
        ('kind = "statute"', 'kind = "rumour"', "unknown kind 'rumour'"),
        ('kind = "statute"', 'kind = "statute"\ncolour = 1', "unknown ['colour']"),
        ('mark = "C"', "", "missing ['mark']"),
        ('mark = "C"', 'mark = "M"', "does not agree with its mark"),
        ('mark = "C"', 'mark = "C"\nvia = "law-b"', "unknown via 'law-b'"),
        ('mark = "C"', 'mark = "C"\nreplaces = "law-b"', "replaces unknown 'law-b'"),
        ('mark = "C"', 'mark = "C"\naddressee = "moon"', "unknown addressee 'moon'"),
        ('mark = "C"', 'mark = "C"\nunconfirmed_number = "2"', "either confirmed or not"),
        ("confirmed = true", "confirmed = 'yes'", "must be true or false"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, old, new, message):
    path = tmp_path / "bases.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert load(path).clauses["law-a"].citation() == "《某法》第一条"
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LegalBasesError) as caught:
        load(path)
    assert message in str(caught.value)


def test_a_slug_used_twice_is_refused(tmp_path):
    path = tmp_path / "bases.toml"
    path.write_text(GOOD + GOOD[GOOD.index("[[clause]]") :], encoding="utf-8")
    with pytest.raises(LegalBasesError, match="used twice"):
        load(path)
