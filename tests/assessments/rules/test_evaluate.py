"""The sheet as a whole: what is asked, what is missing, how far it is, when it must stop."""

import time
from datetime import timedelta

import pytest

from assessments.rules import triage
from assessments.rules.evaluate import Sheet, evaluate, faults, missing, progress, stops
from assessments.rules.facts import Facts
from assessments.rules.values import problem
from tests.assessments.rules.cases import TODAY
from tests.assessments.rules.sheets import QUESTIONNAIRE, judge, sheet_for

SHORT = {"M-401", "M-403", "M-408", "M-801", "M-802", "M-803", "M-804", "M-805"}


def outcomes_of(scope, answers, evidenced=(), **facts):
    return evaluate(Sheet(QUESTIONNAIRE, scope, answers, Facts(on=TODAY, **facts), evidenced))


def test_an_outcome_for_every_item_of_the_scope_in_order():
    outcomes = outcomes_of("system", {})
    assert list(outcomes) == [item.code for item in QUESTIONNAIRE.items_of("system")]


def test_short_sheet_asks_eight_items():
    outcomes = outcomes_of("system", {}, short=True, build_mode="shared")
    assert {code for code, one in outcomes.items() if one.applicable} == SHORT
    assert all(outcomes[code].party == "unit" for code in SHORT)


def test_unit_without_mail_is_asked_little():
    outcomes = outcomes_of("unit", {("U-001", "answer"): "none"})
    asked = {code for code, one in outcomes.items() if one.applicable}
    assert asked == {"U-001", "U-205", "U-206", *(f"U-10{n}" for n in range(1, 8))} | {
        "U-109",
        "U-110",
        "U-111",
    }


def test_none_excludes_the_other_sources_of_mail():
    assert judge("U-001", {"answer": "none,own"}).faults
    assert not judge("U-001", {"answer": "own,bought"}).faults
    assert judge("U-001", {"answer": "own,own"}).faults


def test_purchased_mail_leaves_the_unit_little_more_than_half_of_the_questions():
    own = progress(outcomes_of("system", {}, build_mode="own_room")).total
    bought = progress(outcomes_of("system", {}, build_mode="public_cloud")).total
    assert bought < own * 0.6


@pytest.mark.parametrize(
    ("answer", "full", "short"),
    [
        ("own", True, False),
        ("bought", True, False),
        ("shared", False, True),
        ("own,shared", True, False),
        ("none", False, False),
        ("", False, False),
    ],
)
def test_triage(answer, full, short):
    codes = triage.codes_of(answer)
    assert triage.system_sheets(codes) is full
    assert triage.short_sheet(codes) is short
    assert triage.TRIAGE[1] in [field.code for field in QUESTIONNAIRE.item("U-001").fields]


def test_missing_lists_fields_and_files_in_order():
    answers = {("M-808", "answer"): "yes", ("M-403", "answer"): "checked"}
    found = missing(outcomes_of("system", answers, build_mode="own_room"))
    assert ("M-808", "evidence") in found
    assert ("M-403", "date") in found
    assert ("M-403", "fix_by") not in found  # shown only when weak passwords remain
    order = [item.code for item in QUESTIONNAIRE.items]
    assert [code for code, _ in found] == sorted((code for code, _ in found), key=order.index)


def test_a_wrong_value_is_a_fault_and_not_missing():
    outcomes = outcomes_of("unit", {("U-207", "users"): "0"})
    assert ("U-207", "users") not in missing(outcomes)
    (fault,) = faults(outcomes)
    assert fault[:2] == ("U-207", "users")
    assert "之间" in fault[2]
    assert not outcomes["U-207"].complete


def test_a_wrong_value_is_a_fault_also_where_the_provider_answers():
    outcomes = outcomes_of("system", {("M-1002", "days"): "-1"}, build_mode="hosted")
    assert not outcomes["M-1002"].required
    assert [(code, field) for code, field, _ in faults(outcomes)] == [("M-1002", "days")]


def test_progress_counts_complete_items_and_reaches_hundred_only_at_the_end():
    before = progress(outcomes_of("unit", {}))
    after = progress(outcomes_of("unit", {("U-206", "answer"): "never"}))
    assert (before.done, after.done) == (0, 1)
    assert after.total == before.total
    assert after.percent < 100


def test_derived_items_are_never_required():
    outcomes = outcomes_of("unit", {}, incidents=3, incidents_unregistered=1)
    assert outcomes["U-303"].applicable
    assert outcomes["U-303"].required is False
    assert outcomes_of("unit", {})["U-303"].applicable is False
    assert outcomes_of("unit", {}, incidents=0)["U-303"].applicable is False
    assert outcomes_of("system", {}, incidents=0)["M-1104"].applicable is False


def test_late_filing_is_only_recorded():
    facts = {"graded_on": TODAY - timedelta(days=90), "filed_on": TODAY}
    late = judge("M-204", {}, **facts)
    assert (late.state, late.severity) == ("record_only", "")
    assert "超过30日" in late.message
    # A new system: the later of grading and going into operation counts.
    punctual = judge("M-204", {}, **facts, in_operation=TODAY - timedelta(days=30))
    assert punctual.message == ""


def test_a_sheet_stops_unless_the_system_is_confirmed_unclassified():
    assert "停止" in stops(sheet_for("M-105", {"not_classified": "no"}))
    assert stops(sheet_for("M-105", {"not_classified": "yes"})) == ""
    assert stops(sheet_for("M-105", {})) == ""


def test_answers_of_hidden_fields_do_not_count():
    stale = {"answer": "none", "count": "7"}
    assert judge("M-804", stale).state == "conforming"
    # Weak passwords remain, but the answer to the question that shows the field is 从未.
    assert judge("M-403", {"answer": "never", "weak": "0"}).state == "nonconforming"


def test_wrong_values_are_named_beside_the_field():
    assert judge("M-402", {"enforced": "yes", "min_length": "八"}).faults["min_length"]
    assert "整数" in judge("M-1002", {"days": "1.5"}).faults["days"]
    assert "之间" in judge("M-1002", {"days": "-1"}).faults["days"]
    assert "不能晚于今天" in judge("M-110", {"date": "2027-01-01"}).faults["date"]
    assert "日期" in judge("M-110", {"date": "昨天"}).faults["date"]
    assert "现为501字" in judge("M-206", {"answer": "done", "agency": "长" * 501}).faults["agency"]
    assert (
        "最多填写2000字"
        in judge("U-201", {"answer": "partial", "note": "长" * 2001}).faults["note"]
    )
    assert judge("U-101", {"name": "长" * 2001}).faults == {}  # the inventory has its own limit
    assert judge("M-1002", {"days": "NaN"}).faults["days"]


DATES = [
    (item.code, field)
    for item in QUESTIONNAIRE.items
    for field in item.fields
    if field.type == "date"
]


@pytest.mark.parametrize(("code", "field"), DATES, ids=[f"{c}.{f.code}" for c, f in DATES])
def test_every_date_has_a_first_and_a_last_day(code, field):
    """What `values.problem` says of the days at and beyond the bounds of each date."""
    view = sheet_for(code, {})
    first, last = field.span(TODAY)
    item = QUESTIONNAIRE.item(code)

    def says(day):
        return problem(item, field, day.isoformat(), view)

    assert says(first) == says(last) == ""
    assert says(first - timedelta(days=1)).startswith("日期不能早于")
    assert says(last + timedelta(days=1)).startswith("日期不能晚于")
    assert problem(item, field, "1800-01-01", view)
    assert (last > TODAY) is field.plan


def test_a_plan_may_be_overdue_but_not_from_years_ago():
    plan = QUESTIONNAIRE.item("M-309").field("date")
    assert plan.span(TODAY)[0].isoformat() == "2025-01-01"
    assert plan.span(TODAY)[1].isoformat() == "2036-12-31"
    assessed = QUESTIONNAIRE.item("M-206").field("date")
    assert assessed.span(TODAY)[0].isoformat() == "2007-01-01"


def test_a_list_is_a_multiple_choice():
    assert judge("M-114", {"methods": ["webmail", "imap"]}).complete


def test_inherited_answers_come_back_with_the_party():
    outcomes = outcomes_of("system", {}, build_mode="hosted")
    waiting = {code for code, one in outcomes.items() if one.party == "provider"}
    assert "M-901" in waiting
    assert all(outcomes[code].required is False for code in waiting)


def test_thousand_sheets_a_minute_at_least():
    start = time.perf_counter()
    for _ in range(20):
        outcomes_of("system", {("M-502", "answer"): "no"}, level=3, build_mode="own_room")
    assert (time.perf_counter() - start) / 20 < 0.06
