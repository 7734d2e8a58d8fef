"""The sentences of a notice say what is true and name no clause that was not confirmed."""

import re
from datetime import UTC, date, datetime

import pytest

from reports.paper import tags, wording
from reports.paper.contexts import FoundBy, ProbeSource, SelfCheckSource, UnitKind
from reports.paper.render import TEMPLATE_DIR

SELFCHECK = SelfCheckSource(submitted_on=date(2026, 11, 20))
PROBE = ProbeSource(
    first_day=date(2026, 11, 18), last_day=date(2026, 11, 21), authorization_number="授〔2026〕12号"
)


def opening(*ways: FoundBy) -> str:
    return wording.opening(ways=ways, selfcheck=SELFCHECK, probe=PROBE)


def test_opening_names_the_self_check_only_if_only_answers_were_found_wanting():
    assert opening(FoundBy.SELF_CHECK) == "根据你单位2026年11月20日提交的自查表，发现下列问题："


def test_opening_names_the_probe_only_if_only_the_probe_found_something():
    assert opening(FoundBy.PROBE) == (
        "根据2026年11月18日至21日依《远程检测授权书》（授〔2026〕12号）"
        "经你单位授权开展的远程技术检测，发现下列问题："
    )


@pytest.mark.parametrize(
    "ways",
    [
        (FoundBy.BOTH,),
        (FoundBy.CONTRADICTION,),
        (FoundBy.SELF_CHECK, FoundBy.PROBE),
    ],
)
def test_opening_names_both_sources_if_both_were_needed(ways):
    assert opening(*ways) == (
        "根据你单位2026年11月20日提交的自查表和"
        "2026年11月18日至21日依《远程检测授权书》（授〔2026〕12号）"
        "经你单位授权开展的远程技术检测，发现下列问题："
    )


def test_opening_does_without_a_letter_number():
    probe = ProbeSource(
        first_day=date(2026, 11, 18), last_day=date(2026, 11, 18), authorization_number=""
    )
    assert wording.opening(ways={FoundBy.PROBE}, selfcheck=None, probe=probe) == (
        "根据2026年11月18日经你单位授权开展的远程技术检测，发现下列问题："
    )


@pytest.mark.parametrize(
    ("ways", "selfcheck", "probe"),
    [
        ((), SELFCHECK, PROBE),
        ((FoundBy.SELF_CHECK,), None, PROBE),
        ((FoundBy.PROBE,), SELFCHECK, None),
        ((FoundBy.CONTRADICTION,), SELFCHECK, None),
    ],
)
def test_opening_refuses_to_name_a_source_it_does_not_have(ways, selfcheck, probe):
    with pytest.raises(ValueError, match="finding"):
        wording.opening(ways=ways, selfcheck=selfcheck, probe=probe)


def test_deadline_is_a_calendar_date():
    assert wording.deadline_sentence(date(2026, 12, 9), "甲市公安局") == (
        "请你单位于2026年12月9日前（含当日）完成整改，并在期限届满前将整改情况书面反馈甲市公安局。"
    )


@pytest.mark.parametrize("kind", [UnitKind.PARTY, UnitKind.GOVERNMENT, UnitKind.OTHER_ORGAN])
def test_an_organ_of_state_reads_of_its_superior_and_of_no_fine(kind):
    sentence = wording.consequence(kind)
    assert "上级机关或者有关机关责令改正" in sentence
    assert not re.search(r"罚款|第.{1,4}条|停机", sentence)


@pytest.mark.parametrize("kind", [UnitKind.INSTITUTION, UnitKind.ENTERPRISE, UnitKind.OTHER])
def test_other_units_read_the_confirmed_clauses(kind):
    sentence = wording.consequence(kind)
    assert "《中华人民共和国计算机信息系统安全保护条例》第二十条第（四）项" in sentence
    assert "《中华人民共和国网络安全法》第六十一条" in sentence


def test_every_unit_kind_has_a_consequence_and_every_way_a_name():
    assert all(wording.consequence(kind) for kind in UnitKind)
    assert len({wording.found_by_text(way) for way in FoundBy}) == len(FoundBy)


def test_no_unconfirmed_clause_number_and_no_amount_is_printed():
    # 147号令 arts. 17, 18, 20(四) and 网络安全法 art. 61 are the numbers whose text was read.
    confirmed = {"第十七条", "第十八条", "第二十条", "第六十一条"}
    sources = [
        (wording.Path(wording.__file__).parent / "wording.toml").read_text(),
        *(path.read_text() for path in (TEMPLATE_DIR / "reports/paper").glob("*.html")),
    ]
    printed = {number for source in sources for number in re.findall(r"第[一-龥]{1,5}?条", source)}
    assert printed == confirmed
    assert not any(re.search(r"万元|元以[上下]", source) for source in sources)


def test_dates_carry_no_leading_zero_and_moments_are_local():
    assert wording.date_cn(date(2026, 3, 5)) == "2026年3月5日"
    late = datetime(2026, 11, 23, 18, 5, 9, tzinfo=UTC)
    assert wording.moment_cn(late) == "2026年11月24日 02:05:09"
    with pytest.raises(ValueError, match="naive"):
        wording.moment_cn(datetime(2026, 11, 23, 18, 5))


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (date(2026, 11, 18), date(2026, 11, 18), "2026年11月18日"),
        (date(2026, 11, 18), date(2026, 11, 21), "2026年11月18日至21日"),
        (date(2026, 11, 30), date(2026, 12, 1), "2026年11月30日至12月1日"),
        (date(2026, 12, 31), date(2027, 1, 1), "2026年12月31日至2027年1月1日"),
    ],
)
def test_a_period_says_nothing_twice(first, last, text):
    assert wording.period_cn(first, last) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "一"), (10, "十"), (11, "十一"), (20, "二十"), (40, "四十"), (99, "九十九"), (100, "100")],
)
def test_headings_are_numbered_in_chinese(number, text):
    assert tags.cn_number(number) == text


def test_paragraphs_drop_empty_lines_and_keep_every_other():
    assert tags.paragraphs(" 甲\n\n乙\r\n　\n丙") == ["甲", "乙", "丙"]
