"""Conclusions and findings merged by cause."""

from assessments.rules.conclusion import conclusion, merge
from assessments.rules.evaluate import Sheet, evaluate
from assessments.rules.facts import Facts
from tests.assessments.rules.cases import TODAY
from tests.assessments.rules.sheets import QUESTIONNAIRE, judge


def test_urgent_beats_everything():
    outcomes = [judge("M-501", {"answer": "no"}), judge("M-502", {"answer": "no"})]
    found = conclusion(outcomes)
    assert (found.code, found.urgent, found.findings) == ("urgent", ("M-501",), 2)
    assert found.label == "存在紧急风险"


def test_a_high_that_is_not_on_the_list_is_not_urgent():
    found = conclusion([judge("M-301", {"answer": "no"})])
    assert (found.code, found.urgent) == ("problems", ())


def test_clean_with_records_and_pending_items():
    outcomes = [
        judge("U-206", {"answer": "cleaned"}),
        judge("M-502", {"answer": "unknown"}),
        judge("M-804", {"answer": "none"}, evidenced=["M-804"]),
    ]
    found = conclusion(outcomes)
    assert (found.code, found.label, found.pending) == ("clean", "未发现问题", 1)


def test_conclusion_after_rectification_leaves_out_closed_causes():
    outcomes = [judge("M-501", {"answer": "no"}), judge("M-502", {"answer": "no"})]
    assert conclusion(outcomes, closed={"webmail-not-https"}).code == "problems"
    assert conclusion(outcomes, closed={"webmail-not-https", "legacy-tls"}).code == "clean"


def test_incomplete_items_are_counted():
    assert conclusion([judge("M-801", {})]).incomplete == 1


def test_one_finding_for_an_ungraded_system_with_all_item_codes():
    answers = {("M-201", "answer"): "no", ("M-202", "grade"): "0", ("M-502", "answer"): "no"}
    sheet = Sheet(QUESTIONNAIRE, "system", answers, Facts(on=TODAY))
    findings = merge(QUESTIONNAIRE, evaluate(sheet).values())
    by_cause = {one.cause: one for one in findings}
    graded = by_cause["system-not-graded"]
    assert graded.items == ("M-201", "M-202", "M-203", "M-206")
    assert graded.severity == "high"
    assert graded.title == "邮件系统未单独定级"
    assert len(graded.clauses) == len(set(graded.clauses))
    assert [one.severity for one in findings] == ["high", "medium"]


def test_merge_does_not_depend_on_the_order_of_outcomes():
    answers = {("M-201", "answer"): "no", ("M-202", "grade"): "0", ("M-703", "answer"): "no"}
    outcomes = list(evaluate(Sheet(QUESTIONNAIRE, "system", answers, Facts(on=TODAY))).values())
    assert merge(QUESTIONNAIRE, outcomes) == merge(QUESTIONNAIRE, outcomes[::-1])


def test_subordinate_systems_and_missing_plan_are_one_finding():
    answers = {
        ("U-001", "answer"): "own",
        ("U-301", "count"): "2",
        ("U-302", "answer"): "not_considered",
    }
    (found,) = merge(
        QUESTIONNAIRE,
        evaluate(Sheet(QUESTIONNAIRE, "unit", answers, Facts(on=TODAY))).values(),
    )
    assert (found.cause, found.items) == ("not-consolidated", ("U-301", "U-302"))
