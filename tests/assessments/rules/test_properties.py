"""Properties that hold for any answers."""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assessments.rules.conclusion import conclusion, merge
from assessments.rules.evaluate import STATES, Sheet, evaluate, faults, missing, progress
from assessments.rules.facts import Facts
from assessments.rules.meeting import meet
from tests.assessments.rules.cases import TODAY
from tests.assessments.rules.sheets import QUESTIONNAIRE
from tests.assessments.rules.test_meeting import Verdict

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
JUNK = ["", "unknown", "na", "0", "7", "1e3", "2026-01-01", "2030-01-01", "yes,yes", "\u0000", "长"]
MODES = ["", "own_room", "own_cloud", "public_cloud", "shared", "hosted", "other"]


FIELDS = {
    scope: [(item.code, one) for item in QUESTIONNAIRE.items_of(scope) for one in item.fields]
    for scope in ("unit", "system")
}


def values_of(field):
    codes = [option.code for option in field.options]
    good = {"number": ["0", "9", "100"], "date": ["2020-02-29", TODAY.isoformat()]}
    return codes * 3 + good.get(field.type, ["文本"]) * 3 + JUNK


@st.composite
def sheets(draw, scope="system"):
    # One source of chance for the whole sheet: drawing each of 170 fields apart is slow.
    random = draw(st.randoms(use_true_random=False))
    filled = draw(st.sampled_from([0.0, 0.3, 1.0]))
    answers = {
        (code, one.code): random.choice(values_of(one))
        for code, one in FIELDS[scope]
        if random.random() < filled
    }
    days = draw(st.none() | st.integers(0, 4000))
    facts = Facts(
        on=TODAY,
        level=draw(st.sampled_from([None, 0, 1, 2, 3, 4])),
        build_mode=draw(st.sampled_from(MODES)),
        in_operation=None if days is None else TODAY - timedelta(days=days),
        short=draw(st.booleans()),
        incidents=draw(st.none() | st.integers(0, 3)),
        incidents_unregistered=draw(st.none() | st.integers(0, 3)),
        incidents_unreported=draw(st.none() | st.integers(0, 3)),
    )
    return answers, facts


@FEW
@given(sheets())
def test_outcomes_are_lawful(drawn):
    answers, facts = drawn
    outcomes = evaluate(Sheet(QUESTIONNAIRE, "system", answers, facts))
    for one in outcomes.values():
        assert one.state in STATES
        assert one.has_finding is bool(one.severity) is bool(one.cause)
        assert not one.has_finding or one.message
        assert not one.urgent or one.severity == "high"
        assert one.applicable or not one.required
        if not one.applicable:
            assert (one.state, one.missing, one.faults) == ("not_applicable", (), {})
    done = progress(outcomes)
    assert 0 <= done.done <= done.total
    wrong = [code for code, _, _ in faults(outcomes) if outcomes[code].required]
    assert (done.percent == 100) is (missing(outcomes) == () and not wrong)
    assert (conclusion(outcomes.values()).code == "clean") is not any(
        one.has_finding for one in outcomes.values()
    )


@FEW
@given(sheets(), st.randoms())
def test_the_order_of_answers_does_not_matter(drawn, random):
    answers, facts = drawn
    shuffled = list(answers.items())
    random.shuffle(shuffled)
    first = evaluate(Sheet(QUESTIONNAIRE, "system", answers, facts))
    second = evaluate(Sheet(QUESTIONNAIRE, "system", dict(shuffled), facts))
    assert first == second
    # Nor does the order in which items are asked for.
    backwards = Sheet(QUESTIONNAIRE, "system", answers, facts)
    for item in reversed(QUESTIONNAIRE.items_of("system")):
        assert backwards.outcome(item) == first[item.code]


@FEW
@given(sheets())
def test_one_finding_per_cause(drawn):
    answers, facts = drawn
    outcomes = evaluate(Sheet(QUESTIONNAIRE, "system", answers, facts))
    findings = merge(QUESTIONNAIRE, outcomes.values())
    causes = [one.cause for one in findings]
    assert len(set(causes)) == len(causes)
    assert sorted(code for one in findings for code in one.items) == sorted(
        one.item for one in outcomes.values() if one.has_finding
    )


@FEW
@given(sheets())
def test_a_higher_level_never_judges_milder(drawn):
    answers, facts = drawn
    order = ["", "low", "medium", "high"]

    def at(level):
        changed = Facts(
            on=facts.on,
            level=level,
            build_mode=facts.build_mode,
            in_operation=facts.in_operation,
            short=facts.short,
        )
        return evaluate(Sheet(QUESTIONNAIRE, "system", answers, changed))

    two, three = at(2), at(3)
    for code, one in two.items():
        assert order.index(one.severity) <= order.index(three[code].severity)


@FEW
@given(
    sheets(),
    st.lists(
        st.builds(
            Verdict,
            rule=st.sampled_from(
                sorted({row.rule for item in QUESTIONNAIRE.items for row in item.seen})
            ),
            result=st.sampled_from(
                ["conforming", "nonconforming", "warning", "unknown", "not_applicable"]
            ),
            confirmed=st.booleans(),
            subject=st.sampled_from(["a.test", "b.test"]),
        ),
        max_size=12,
    ),
)
def test_only_confirmed_nonconformity_contradicts(drawn, verdicts):
    answers, facts = drawn
    sheet = Sheet(QUESTIONNAIRE, "system", answers, facts)
    bad = {(v.rule, v.subject) for v in verdicts if v.confirmed and v.result == "nonconforming"}
    for item in QUESTIONNAIRE.items_of("system"):
        met = meet(item, sheet, verdicts)
        assert met == meet(item, sheet, verdicts[::-1])
        for one in met:
            assert one.text.endswith("。")
            if one.kind == "contradicts":
                assert (one.rule, one.subject) in bad
                assert sheet.value(item.code, one.field) not in ("", "no", "unknown")
