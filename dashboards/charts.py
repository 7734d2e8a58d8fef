"""The one chart of the 总览: titled with what it shows, not with its axis."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dashboards.figures import BY_SLUG, MISSING, UNCLOSED
from dashboards.places import Row

# Below this percentage of reports a region is named in the title.
LOW_RATE: Final = 60
MOST_BARS: Final = 15
EMPTY: Final = "发布专项行动后，这里显示各地区的报送率。"


@dataclass(frozen=True)
class Chart:
    """Title, bars for `components/_bar_chart.html`, and the text where there is no bar."""

    title: str
    value_head: str
    empty: str
    bars: list[dict[str, Any]] = field(default_factory=list)
    maximum: int | None = None
    left_out: int = 0


def reporting(rows: Sequence[Row]) -> Chart:
    """Share of reports by region, the lowest first."""
    asked = sorted((row for row in rows if row.rate is not None), key=_fewest_reports)
    if not asked:
        return Chart("还没有下达自查任务", "报送率", EMPTY)
    low = [row for row in asked if row.rate is not None and row.rate < LOW_RATE]
    last = [row for row in asked if row.rate == asked[0].rate]
    # Of many that are last alike none is named.
    named = f"{last[0].label}（{last[0].rate_text}）"
    lowest = f"最低的是{named}" if len(last) == 1 else f"其中 {len(last)} 个为 {last[0].rate_text}"
    missing = sum(row.counts["asked"] - row.counts["reported"] for row in asked)
    if not missing:
        title = "应报单位已全部报送"
    elif len(asked) == 1:
        title = f"{named}还有 {missing} 个单位未报送"
    elif low:
        title = f"报送率低于 {LOW_RATE}% 的有 {len(low)} 个地区"
        if len(low) > 1:
            title += f"，{lowest}"
        else:
            title += f"：{named}"
    else:
        title = f"各地区报送率都不低于 {LOW_RATE}%，{lowest}"
    bars = [
        {
            "label": row.label,
            "value": row.rate or 0,
            "text": f"{row.rate_text}（{row.counts['reported']}/{row.counts['asked']}）",
            "tone": "amber" if row in low else "blue",
            "url": row.url(MISSING if row.rate != 100 else BY_SLUG["reported"]),
        }
        for row in asked[:MOST_BARS]
    ]
    return Chart(title, "报送率", "", bars, 100, max(0, len(asked) - MOST_BARS))


def _fewest_reports(row: Row) -> tuple[int, int, str]:
    """Sort key: the lowest rate first, of equal ones the one that lacks most reports."""
    return (row.rate or 0, row.counts["reported"] - row.counts["asked"], row.label)


def unclosed(rows: Sequence[Row]) -> Chart:
    """Findings not closed by region, the most first."""
    counted = sorted(
        ((sum(row.counts[s] for s in ("high", "medium", "low")), row) for row in rows),
        key=lambda pair: (-pair[0], pair[1].label),
    )
    found = [(number, row) for number, row in counted if number]
    if not found:
        return Chart("没有未销号的问题", "未销号问题", "确认的问题都已销号，或者还没有确认问题。")
    whole, (most, first) = sum(number for number, _ in found), found[0]
    alike = sum(number == most for number, _ in found)
    if len(found) == 1:
        title = f"未销号的 {whole} 个问题都在{first.label}"
    elif alike == 1:
        title = f"未销号问题共 {whole} 个，最多的是{first.label}（{most} 个）"
    else:
        title = f"未销号问题共 {whole} 个，最多的 {alike} 个地区各有 {most} 个"
    bars = [
        {
            "label": row.label,
            "value": number,
            "text": f"{number}（高 {row.counts['high']}）",
            "tone": "red" if row.counts["high"] else "amber",
            "url": row.url(UNCLOSED),
        }
        for number, row in found[:MOST_BARS]
    ]
    return Chart(title, "未销号问题", "", bars, None, max(0, len(found) - MOST_BARS))
