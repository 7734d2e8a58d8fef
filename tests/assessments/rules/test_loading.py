"""The loader refuses what is wrong, and says where and why."""

import pytest

from assessments.rules.loading import FOLDER, by_version, load, loads
from assessments.rules.predicates import SchemaError

FRAME = """
version = "2099-1"
title = "表"
notice = "提示"
unknown_workdays = 10
[thresholds]
days = 90
[deadlines]
config = { label = "配置类", days = 15 }
[inheritance]
shared = "platform"
[withdrawn]
U-999 = "停用"
[causes]
some-cause = "某问题"
[[section]]
code = "M1"
title = "部分"
scope = "system"
[[section]]
code = "U1"
title = "单位"
scope = "unit"
"""
ITEM = """
[[item]]
code = "M-101"
section = "M1"
question = "问题"
form = "yn4"
cause = "some-cause"
deadline = "config"
advice = "改。"
no = { severity = "high", message = "没有做到。" }
"""


def item(extra="", *, code="M-102", fields=True):
    text = f'[[item]]\ncode = "{code}"\nsection = "M1"\nquestion = "问"\n{extra}\n'
    if fields and "[[item.field]]" not in extra:
        text += '[[item.field]]\ncode = "answer"\nlabel = "答"\ntype = "text"\n'
    return text


def read(*parts, clauses=None):
    return loads((FRAME + "".join(parts)).encode(), clauses=clauses)


def rule(when, rest='severity = "high"\ncause = "some-cause"\nmessage = "不对。"'):
    head = 'deadline = "config"\nadvice = "改。"'
    number = (
        '[[item.field]]\ncode = "answer"\nlabel = "数"\ntype = "number"\n'
        f"[[item.rule]]\nwhen = {when}\n{rest}\n"
    )
    return item(f"{head}\n{number}")


def test_the_smallest_questionnaire_loads():
    questionnaire = read(ITEM)
    assert [one.code for one in questionnaire.item("M-101").fields] == ["answer", "note"]
    assert len(questionnaire.digest) == 64


WRONG = {
    "not toml": (["[[["], "not valid TOML"),
    "no items": ([""], "there are no items"),
    "unknown key of an item": ([ITEM, item("colour = 'red'")], "M-102: unknown keys: colour"),
    "unknown key of the file": (["[zoo]\na = 1\n", ITEM], "unknown keys: zoo"),
    "missing key": (["[[item]]\ncode = 'M-101'\n"], "M-101: 'section' is missing"),
    "wrong type of a key": ([ITEM, item("na = 'yes'")], "'na' must be true or false"),
    "duplicate item": ([ITEM, ITEM], "M-101: item code is used twice"),
    "withdrawn code": (
        [ITEM, item(code="U-999").replace('"M1"', '"U1"')],
        "U-999: the code is withdrawn",
    ),
    "code that is none": ([ITEM, item(code="X-1")], "an item code looks like"),
    "unknown section": ([ITEM.replace('"M1"', '"M9"')], "unknown section 'M9'"),
    "unknown form": ([ITEM.replace("yn4", "yn9")], "unknown form 'yn9'"),
    "unknown cause": ([ITEM.replace('"some-cause"', '"other"')], "unknown cause 'other'"),
    "unknown deadline": ([ITEM.replace('"config"', '"later"')], "unknown deadline kind 'later'"),
    "no advice": ([ITEM.replace('advice = "改。"', "")], "rule without advice"),
    "unknown severity": ([ITEM.replace('"high"', '"huge"')], "unknown severity 'huge'"),
    "severity milder at level 3": (
        [ITEM.replace('"high"', '{ l2 = "high", l3 = "low" }')],
        "level 3 may not be judged milder",
    ),
    "message without a stop": ([ITEM.replace("没有做到。", "没有做到")], "ends with 。"),
    "unknown clause": ([ITEM + 'clauses = ["law-1"]\n'], "unknown clause 'law-1'"),
    "item without fields": ([item(fields=False)], "an item has fields, unless it is derived"),
    "derived item with fields": ([item("derived = true")], "an item has fields"),
    "duplicate field": (
        [item() + '[[item.field]]\ncode = "answer"\nlabel = "答"\ntype = "text"\n'],
        "a field of M-102 is used twice",
    ),
    "unknown field type": ([item().replace('"text"', '"poem"')], "unknown type 'poem'"),
    "choice without options": ([item().replace('"text"', '"single"')], "needs options"),
    "options without choice": (
        [item() + 'options = [{ code = "a", label = "甲" }]\n'],
        "has no options",
    ),
    "duplicate option": (
        [
            item().replace('"text"', '"single"')
            + 'options = [{ code = "a", label = "甲" }, { code = "a", label = "乙" }]\n'
        ],
        "an option of M-102.answer is used twice",
    ),
    "bad option code": (
        [item().replace('"text"', '"single"') + 'options = [{ code = "A,B", label = "甲" }]\n'],
        "not a lower-case slug",
    ),
    "bad source": ([item() + 'source = "elsewhere.x"\n'], "is not inventory.<model>.<field>"),
    "bounds upside down": (
        [item().replace('"text"', '"number"') + "min = 5\nmax = 1\n"],
        "min is above max",
    ),
    "unit of a text": ([item() + 'unit = "个"\n'], "only a number has a unit"),
    "part of no number": (
        [item().replace('"text"', '"number"') + 'part_of = "note"\n'],
        "part_of 'note' needs two numbers",
    ),
    "past of a text": ([item() + "past = true\n"], "only a date can be 'past'"),
    "bounds of a text": ([item() + "earliest = 2007-01-01\n"], "only a date can be 'past'"),
    "date of no kind": (
        [item().replace('"text"', '"date"')],
        "a date is either 'past' or 'plan'",
    ),
    "date of both kinds": (
        [item().replace('"text"', '"date"') + "past = true\nplan = true\n"],
        "a date is either 'past' or 'plan'",
    ),
    "date bounds upside down": (
        [
            item().replace('"text"', '"date"')
            + "past = true\nearliest = 2007-01-02\nlatest = 2007-01-01\n"
        ],
        "earliest is after latest",
    ),
    "bound that is no date": (
        [item().replace('"text"', '"date"') + 'past = true\nearliest = "2007-01-02"\n'],
        "'earliest' must be a date",
    ),
    "evidence without asking": (
        [item('evidence = { need = "optional" }')],
        "asked without saying what",
    ),
    "unknown evidence need": (
        [item('evidence = { need = "soon", ask = "文件。" }')],
        "unknown evidence need",
    ),
    "unit item inherited": (
        [ITEM, item("inherited = true", code="U-102").replace('"M1"', '"U1"')],
        "only system items can be inherited",
    ),
    "unknown field in a condition": (
        [rule('{ field = "other", is = "a" }')],
        "unknown field 'M-102.other'",
    ),
    "unknown item in a condition": (
        [rule('{ field = "M-777.answer", above = 1 }')],
        "unknown item 'M-777'",
    ),
    "item of another sheet": (
        [item(code="U-101").replace('"M1"', '"U1"'), rule('{ field = "U-101.answer", above = 1 }')],
        "stands on another sheet",
    ),
    "unknown option in a condition": (
        [ITEM, rule('{ field = "M-101.answer", is = "perhaps" }')],
        "unknown option 'perhaps'",
    ),
    "option of a number": ([rule('{ field = "answer", is = "a" }')], "has no options"),
    "unknown threshold": ([rule('{ field = "answer", above = "weeks" }')], "threshold 'weeks'"),
    "unknown fact": ([rule('{ fact = "mood", is = "good" }')], "unknown fact 'mood'"),
    "fact of the wrong kind": ([rule('{ fact = "level", is = "3" }')], "values do not fit"),
    "flag compared": ([rule('{ fact = "short", above = 1 }')], "cannot be compared"),
    "two heads": ([rule('{ field = "answer", fact = "level", above = 1 }')], "exactly one of"),
    "no head": ([rule("{ above = 1 }")], "exactly one of"),
    "empty all": ([rule("{ all = [] }")], "non-empty list"),
    "no comparison": ([rule('{ field = "answer" }')], "found nothing"),
    "two comparisons": ([rule('{ field = "answer", above = 1, below = 9 }')], "expected one of"),
    "ratio of one": ([rule('{ ratio = ["answer"], below = 1 }')], "two field names"),
    "differs from a text": (
        [rule('{ field = "answer", differs_from = "build_mode" }')],
        "is not a number",
    ),
    "rule without when": (
        [item('deadline = "config"\nadvice = "改。"') + '[[item.rule]]\nmessage = "不对。"\n'],
        "M-102 rule 1: 'when' is missing",
    ),
    "unknown rule state": (
        [
            rule(
                '{ field = "answer", above = 1 }',
                'state = "bad"\nseverity = "high"\ncause = "some-cause"\nmessage = "不对。"',
            )
        ],
        "unknown state 'bad'",
    ),
    "seen of an unknown option": (
        [
            ITEM + '[[item.seen]]\nrule = "a.b"\nresult = "nonconforming"\nweight = "contradict"\n'
            'text = "某"\ncontradicts = ["perhaps"]\n'
        ],
        "unknown option 'perhaps'",
    ),
    "seen that doubts modesty": (
        [
            ITEM + '[[item.seen]]\nrule = "a.b"\nresult = "conforming"\nweight = "contradict"\n'
            'text = "某"\ncontradicts = ["no"]\n'
        ],
        "only a nonconforming result",
    ),
    "weak evidence that contradicts": (
        [
            ITEM + '[[item.seen]]\nrule = "a.b"\nresult = "nonconforming"\nweight = "weak"\n'
            'text = "某"\ncontradicts = ["yes"]\n'
        ],
        "only a nonconforming result",
    ),
    "seen twice": (
        [
            ITEM
            + '[[item.seen]]\nrule = "a.b"\nresult = "warning"\nweight = "check"\ntext = "某"\n' * 2
        ],
        "is used twice",
    ),
    "circle of one": (
        [item('when = { field = "answer", answered = true }')],
        "circular skip logic: M-102.answer → M-102.answer",
    ),
    "circle of two": (
        [
            item('when = { field = "M-103.answer", answered = true }'),
            item('when = { field = "M-102.answer", answered = false }', code="M-103"),
        ],
        "circular skip logic: M-102.answer → M-103.answer → M-102.answer",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name):
    parts, message = WRONG[name]
    with pytest.raises(SchemaError) as caught:
        read(*parts, clauses={"csl-23"})
    assert message in str(caught.value)


def test_deadlines_and_parties_are_checked():
    for old, new, message in (
        ("days = 15", "days = 91", "deadlines.config"),
        ('shared = "platform"', 'shared = "nobody"', "unknown party"),
        ('scope = "system"', 'scope = "house"', "unknown scope"),
        ("days = 90", "days = 'many'", "must be a number"),
        ("some-cause =", '"Some Cause" =', "lower-case slug"),
    ):
        with pytest.raises(SchemaError) as caught:
            loads((FRAME.replace(old, new, 1) + ITEM).encode())
        assert message in str(caught.value)


def test_clauses_may_be_left_unchecked():
    assert read(ITEM + 'clauses = ["law-1"]\n').item("M-101").clauses == ("law-1",)


def test_the_published_version_is_checked_against_the_legal_bases():
    questionnaire = by_version("2026-1")
    assert questionnaire.version == "2026-1"
    assert by_version("2026-1") is questionnaire
    assert load(FOLDER / "2026-1.toml").digest == questionnaire.digest


@pytest.mark.parametrize("version", ["2026-9", "../x", "", "2026-1.toml"])
def test_unknown_versions_are_not_found(version):
    with pytest.raises(FileNotFoundError):
        by_version(version)


def test_every_cause_has_an_item_or_belongs_to_the_scans():
    questionnaire = by_version("2026-1")
    used = {rule.cause for item in questionnaire.items for rule in item.rules}
    scans_only = {"spf-broken", "mx-broken", "mx-forbidden-address", "hsts-missing"}
    assert set(questionnaire.causes) - used == scans_only


def test_sources_name_every_inventory_field_of_the_base_items():
    sources = by_version("2026-1").sources()
    codes = {code for code, _, _ in sources}
    base = {f"U-10{n}" for n in range(1, 8)} | {"U-109", "U-110", "U-111"}
    base |= {f"M-1{n:02}" for n in range(1, 15)} - {"M-108"}
    assert base <= codes


def test_the_documented_source_table_is_the_real_one():
    page = (FOLDER.parent.parent / "docs" / "questionnaire.md").read_text(encoding="utf-8")
    for code, field, path in by_version("2026-1").sources():
        assert f"| {code} | `{field}` | `{path}` |" in page
