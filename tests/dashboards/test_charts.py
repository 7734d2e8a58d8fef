"""The chart's title says what the bars show."""

from assessments.models import Campaign
from dashboards import charts
from dashboards.figures import FIGURES
from dashboards.places import Row


def row(label, *, asked=0, reported=0, high=0, low=0):
    counts = dict.fromkeys([figure.slug for figure in FIGURES], 0)
    counts |= {"asked": asked, "reported": reported, "high": high, "low": low}
    return Row(label, {"region": "370100"}, counts, Campaign(pk=1))


def test_regions_below_60_percent_are_counted_and_the_lowest_named():
    chart = charts.reporting(
        [row("甲市", asked=10, reported=5), row("乙市", asked=10, reported=9), row("丙市", asked=4)]
    )
    assert chart.title == "报送率低于 60% 的有 2 个地区，最低的是丙市（0%）"
    assert [bar["label"] for bar in chart.bars] == ["丙市", "甲市", "乙市"]
    assert [bar["tone"] for bar in chart.bars] == ["amber", "amber", "blue"]
    assert chart.bars[1]["text"] == "50%（5/10）"


def test_of_many_that_are_last_alike_none_is_named_and_the_largest_stands_first():
    chart = charts.reporting([row("甲市", asked=1), row("乙市", asked=6), row("丙市", asked=6)])
    assert chart.title == "报送率低于 60% 的有 3 个地区，其中 3 个为 0%"
    assert [bar["label"] for bar in chart.bars] == ["丙市", "乙市", "甲市"]
    most = charts.unclosed([row("甲市", high=2), row("乙市", low=2), row("丙市", low=1)])
    assert most.title == "未销号问题共 5 个，最多的 2 个地区各有 2 个"


def test_a_single_region_reads_what_is_missing():
    title = charts.reporting([row("甲市", asked=3, reported=1)]).title
    assert title == "甲市（33%）还有 2 个单位未报送"


def test_a_single_low_region_is_named():
    chart = charts.reporting([row("甲市", asked=2), row("乙市", asked=2, reported=2)])
    assert chart.title == "报送率低于 60% 的有 1 个地区：甲市（0%）"


def test_nothing_low_and_nothing_missing_are_said_apart():
    some = [row("甲市", asked=100, reported=99), row("乙市", asked=1, reported=1)]
    assert charts.reporting(some).title == "各地区报送率都不低于 60%，最低的是甲市（99%）"
    assert charts.reporting([row("甲市", asked=3, reported=3)]).title == "应报单位已全部报送"


def test_a_rate_is_never_rounded_up_to_all():
    assert row("甲市", asked=1000, reported=999).rate_text == "99%"
    assert row("甲市", asked=1000, reported=1000).rate_text == "100%"
    assert row("甲市").rate_text == "—"


def test_without_a_task_there_is_no_rate():
    assert charts.reporting([row("甲市")]).bars == []


def test_unclosed_findings_are_summed_and_the_most_named():
    chart = charts.unclosed([row("甲市", high=2, low=1), row("乙市", low=1), row("丙市")])
    assert chart.title == "未销号问题共 4 个，最多的是甲市（3 个）"
    assert [(bar["label"], bar["value"]) for bar in chart.bars] == [("甲市", 3), ("乙市", 1)]
    assert charts.unclosed([row("甲市", high=1)]).title == "未销号的 1 个问题都在甲市"
    assert charts.unclosed([row("甲市")]).title == "没有未销号的问题"


def test_what_is_left_out_is_told():
    many = [row(f"{n}市", asked=1) for n in range(20)]
    chart = charts.reporting(many)
    assert (len(chart.bars), chart.left_out) == (15, 5)
