"""Every item with conforming and nonconforming answers, at level 2 and at level 3."""

import json

import pytest

from tests.assessments.rules.cases import (
    AROUND,
    FACTS_AROUND,
    NONE,
    OTHERS,
    RECORDS,
    YES_NO,
)
from tests.assessments.rules.sheets import QUESTIONNAIRE, judge

LEVELS = (2, 3)


def test_every_item_of_the_version_has_a_case():
    tested = set(YES_NO) | set(RECORDS) | {case[0] for case in OTHERS}
    assert tested == set(QUESTIONNAIRE.by_code)


def test_every_rule_of_the_version_is_met_by_a_case():
    """No condition of the file is left untried: each message is produced by some case."""
    produced = set()
    for code, answers, facts, *_ in OTHERS:
        around = {**AROUND.get(code, {}), **answers}
        for level in LEVELS:
            produced.add((code, judge(code, around, level=level, **facts).message))
    for code, (_, partial) in YES_NO.items():
        for answer in ("no", "partial") if partial else ("no",):
            produced.add((code, _yes_no(code, answer, 3).message))
    produced.add(("M-204", _late_filing()))
    expected = {(item.code, rule.message) for item in QUESTIONNAIRE.items for rule in item.rules}
    assert expected <= produced


def _late_filing():
    (late,) = [case for case in OTHERS if case[0] == "M-204"][1:]
    return judge("M-204", {}, **late[2]).message


def _yes_no(code, answer, level):
    answers = {**AROUND.get(code, {}), "answer": answer, "note": "已做一部分", "selectors": "s1"}
    if "selectors" not in [field.code for field in QUESTIONNAIRE.item(code).fields]:
        del answers["selectors"]
    return judge(code, answers, level=level, evidenced=[code], **FACTS_AROUND.get(code, {}))


@pytest.mark.parametrize("code", YES_NO)
@pytest.mark.parametrize("column", [0, 1])
def test_yes_no_item(code, column):
    no, partial = YES_NO[code]
    level = LEVELS[column]

    fine = _yes_no(code, "yes", level)
    assert (fine.state, fine.severity, fine.complete) == ("conforming", "", True)

    wrong = _yes_no(code, "no", level)
    assert (wrong.state, wrong.severity) == ("nonconforming", no[column])
    assert wrong.cause in QUESTIONNAIRE.causes

    half = _yes_no(code, "partial", level)
    if partial is None:
        assert half.faults == {"answer": "请从选项中选择。"}
    else:
        assert (half.state, half.severity) == ("partial", partial[column])


@pytest.mark.parametrize("code", RECORDS)
def test_record(code):
    outcome = judge(code, {**AROUND.get(code, {}), **RECORDS[code]})
    assert (outcome.state, outcome.severity, outcome.complete) == ("record_only", "", True)


@pytest.mark.parametrize("case", OTHERS, ids=lambda case: f"{case[0]}-{case[3]}")
@pytest.mark.parametrize("column", [0, 1])
def test_condition(case, column):
    code, answers, facts, state, severity = case
    around = {**AROUND.get(code, {}), **answers}
    outcome = judge(code, around, level=LEVELS[column], evidenced=[code], **facts)
    assert outcome.missing == ()
    assert outcome.faults == {}
    assert (outcome.state, outcome.severity) == (state, severity[column])
    if severity == NONE:
        assert outcome.cause == ""


@pytest.mark.parametrize(
    ("level", "severity"),
    [(None, "medium"), (0, "medium"), (1, "medium"), (2, "medium"), (3, "high"), (4, "high")],
)
def test_ungraded_counts_as_level_two_and_four_as_three(level, severity):
    assert judge("M-502", {"answer": "no"}, level=level).severity == severity


def test_not_applicable_needs_a_reason_and_is_no_finding():
    bare = judge("M-409", {"answer": "na"})
    assert (bare.state, bare.missing) == ("incomplete", ("note",))
    reasoned = judge("M-409", {"answer": "na", "note": "没有公共邮箱"})
    assert (reasoned.state, reasoned.complete, reasoned.has_finding) == (
        "not_applicable",
        True,
        False,
    )


def test_not_applicable_is_refused_where_the_item_does_not_allow_it():
    assert judge("M-703", {"answer": "na"}).faults


def test_partial_needs_what_was_done():
    assert judge("M-503", {"answer": "partial"}).missing == ("note",)


def test_unknown_waits_and_counts_neither_way():
    outcome = judge("M-502", {"answer": "unknown"})
    assert (outcome.state, outcome.severity, outcome.complete) == ("pending_verification", "", True)
    assert "10个工作日" in outcome.message


def test_unknown_in_one_field_does_not_hide_a_fault_in_another():
    answers = {"total": "unknown", "active": "100", "idle": "50"}
    assert judge("M-109", answers).severity == "low"


def test_unknown_is_refused_where_the_item_does_not_allow_it():
    assert judge("M-403", {"answer": "unknown"}).faults


def test_ungraded_system_gives_one_cause():
    """M-201, M-202, M-203 and M-206 of an ungraded system are one finding."""
    grade = {"M-202.grade": "0"}
    causes = {
        judge("M-201", {"answer": "no"}).cause,
        judge("M-202", {"grade": "0"}).cause,
        judge("M-203", grade).cause,
        judge("M-206", grade).cause,
    }
    assert causes == {"system-not-graded"}


def test_level_one_is_asked_neither_for_filing_nor_for_assessment():
    for code in ("M-203", "M-206"):
        assert judge(code, {"M-202.grade": "1"}).applicable is False


def test_crypto_assessment_is_not_asked_at_level_two():
    assert judge("M-209", {"M-202.grade": "2"}).applicable is False


def test_filing_with_the_platform_is_offered_only_to_those_without_their_own():
    answers = {"answer": "with_platform", "platform": "某平台", "platform_filing": "1"}
    assert judge("M-201", answers, build_mode="own_room").faults
    assert judge("M-201", answers, build_mode="public_cloud").state == "conforming"
    assert judge("M-202", {"M-201.answer": "with_platform"}).applicable is False


def test_cloud_items_are_asked_of_cloud_systems_only():
    for code in ("M-306", "M-307"):
        assert judge(code, {}, build_mode="own_room").applicable is False
        assert judge(code, {}, build_mode="public_cloud").required is True


def test_inherited_item_waits_for_the_provider_without_blocking_the_unit():
    outcome = judge("M-808", {}, build_mode="public_cloud")
    assert (outcome.party, outcome.required, outcome.state) == (
        "provider",
        False,
        "pending_verification",
    )
    assert judge("M-808", {}, build_mode="shared").party == "platform"
    answered = judge("M-808", {"answer": "no"}, build_mode="public_cloud")
    assert (answered.state, answered.severity) == ("nonconforming", "high")
    assert judge("M-808", {}, build_mode="own_room").required is True


def test_items_that_the_attachment_names_as_inherited():
    named = {"M-302", "M-303", "M-507", "M-808", "M-809", "M-901", "M-902", "M-903", "M-904"}
    named |= {"M-1003", "M-113"}
    assert named <= {item.code for item in QUESTIONNAIRE.items if item.inherited}


def test_evidence_is_asked_of_those_who_claim_something():
    assert judge("M-808", {"answer": "yes"}).missing == ("evidence",)
    assert judge("M-808", {"answer": "yes"}, evidenced=["M-808"]).missing == ()
    assert judge("M-808", {"answer": "no"}).missing == ()
    assert judge("M-808", {"answer": "unknown"}).missing == ()


def test_about_fifteen_items_require_evidence():
    assert sum(item.evidence.need == "required" for item in QUESTIONNAIRE.items) == 15


def test_topology_and_access_lists_may_be_shown_on_site():
    on_site = {item.code for item in QUESTIONNAIRE.items if item.evidence.on_site}
    assert {"M-103", "M-406", "M-901"} <= on_site


def test_observed_first_items():
    observed = {item.code for item in QUESTIONNAIRE.items if item.observed_first}
    assert observed == {"M-501", "M-502", "M-503", "M-504", "M-505", "M-601", "M-602", "M-603"}


def test_urgent_items_and_only_where_the_severity_is_high():
    urgent = {item.code for item in QUESTIONNAIRE.items if item.urgent}
    assert urgent == {
        "M-106", "M-403", "M-410", "M-501", "M-504", "M-703", "M-804", "M-902",
    }  # fmt: skip
    assert judge("M-501", {"answer": "no"}).urgent
    assert not judge("M-501", {"answer": "partial", "note": "部分"}).urgent
    assert judge("M-504", {"answer": "partial", "note": "部分"}, level=3).urgent
    assert not judge("M-504", {"answer": "partial", "note": "部分"}, level=2).urgent
    assert not judge("M-804", {"answer": "not_checked"}).urgent
    assert not judge("M-804", {"answer": "cleaned"}).urgent


def test_withdrawn_items_and_the_new_one():
    assert set(QUESTIONNAIRE.withdrawn) == {"U-108", "U-305", "M-308"}
    assert "U-111" in QUESTIONNAIRE.by_code


def test_no_item_asks_for_classified_matters():
    words = json.dumps([item.question for item in QUESTIONNAIRE.items], ensure_ascii=False)
    assert "发现未处置" not in words
    assert {option.code for option in QUESTIONNAIRE.item("M-801").field("answer").options} == {
        "done",
        "not_done",
    }


def test_every_item_says_why_and_how():
    for item in QUESTIONNAIRE.items:
        assert item.why.endswith("。"), item.code
        assert item.how.endswith("。"), item.code
        assert len(item.question) <= 42, item.code
