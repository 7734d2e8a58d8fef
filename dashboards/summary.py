"""汇总统计表: the table that goes upward, by region and by sector."""

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Count, Q, QuerySet, Sum

from accounts.models import User
from assessments.models import Campaign
from dashboards.figures import Cells, count_by_place, finding_states
from dashboards.places import Row, by_region, by_sector, total
from emailsec.lib.words import percent
from emailsec.lib.workbook import Table, Value
from emailsec.lib.workdays import today
from inventory.models import BuildMode, FilingState, Grade, MailSystem
from rectification.models import Finding, Notice

# Slug of the count, head of the column. None: worked out in `_cells`.
COLUMNS: Final = (
    ("units", "单位总数"),
    ("asked", "应报单位"),
    ("reported", "已报送"),
    (None, "报送率"),
    ("systems", "邮件系统总数"),
    ("own", "其中：自建"),
    ("cloud", "其中：购买云邮箱"),
    ("shared", "其中：统一建设"),
    ("hosted", "其中：托管及其他"),
    ("accounts", "账号总数"),
    ("grade3", "三级以上"),
    ("grade2", "二级"),
    ("grade1", "一级"),
    ("ungraded", "未定级"),
    ("filed", "已备案"),
    ("with_platform", "随平台备案"),
    ("troubled", "存在未销号问题的系统"),
    ("counted", "问题总数"),
    ("high", "未销号：高"),
    ("medium", "未销号：中"),
    ("low", "未销号：低"),
    ("notices", "送达整改通知书"),
    ("notices_due", "其中：已到期"),
    ("closed", "已销号"),
    (None, "销号率"),
    ("overdue", "逾期未整改"),
)
_PERCENT: Final = frozenset(n for n, (slug, _) in enumerate(COLUMNS, start=2) if slug is None)


def tables(user: User, campaign: Campaign | None) -> list[Table]:
    """Two sheets, by region and by sector, each with its total at the end."""
    cells = count_by_place(user, campaign)
    _add_more(cells, user)
    whole = total(cells, campaign)
    return [
        _table("汇总统计表（按行政区）", "行政区", by_region(cells, campaign), whole),
        _table("汇总统计表（按行业）", "行业", by_sector(cells, campaign), whole),
    ]


def _add_more(cells: Cells, user: User) -> None:
    """Add the columns that the page does not show: three queries."""
    systems = MailSystem.objects.visible_to(user).filter(retired_on=None)
    unclosed, counted = (finding_states()[slug] for slug in ("unclosed", "counted"))
    sources: list[tuple[QuerySet[Any], dict[str, Any]]] = [
        (
            systems,
            {
                "own": _count(build_mode__in=[BuildMode.OWN_ROOM, BuildMode.OWN_CLOUD]),
                "cloud": _count(build_mode=BuildMode.PUBLIC_CLOUD),
                "shared": _count(build_mode=BuildMode.SHARED),
                "hosted": _count(build_mode__in=[BuildMode.HOSTED, BuildMode.OTHER]),
                "accounts": Sum("accounts_total"),
                "grade3": _count(grade__gte=Grade.THREE),
                "grade2": _count(grade=Grade.TWO),
                "grade1": _count(grade=Grade.ONE),
                "ungraded": _count(grade=Grade.NONE),
                "with_platform": _count(filing_state=FilingState.WITH_PLATFORM),
            },
        ),
        (
            Finding.objects.visible_to(user),
            {
                "counted": Count("pk", filter=counted),
                "troubled": Count(
                    "system", distinct=True, filter=unclosed & Q(system__retired_on=None)
                ),
            },
        ),
        (
            Notice.objects.visible_to(user).filter(status__in=Notice.SERVED_OR_LATER),
            {"notices": Count("pk"), "notices_due": _count(deadline__lt=today())},
        ),
    ]
    slugs = [slug for slug, _ in COLUMNS if slug]
    for rows, counts in sources:
        place = ("unit__region_id", "unit__sector_id")
        for row in rows.order_by().values(*place).annotate(**counts):
            cell = cells.setdefault((row[place[0]], row[place[1]]), dict.fromkeys(slugs, 0))
            for slug in counts:
                cell[slug] = cell.get(slug, 0) + (row[slug] or 0)


def _count(**rule: Any) -> Count:
    return Count("pk", filter=Q(**rule))


def _table(title: str, place: str, rows: Sequence[Row], whole: Row) -> Table:
    listed: list[tuple[Value, ...]] = [
        (number, row.label, *_cells(row)) for number, row in enumerate(rows, start=1)
    ]
    listed.append((None, whole.label, *_cells(whole)))
    heads = ("序号", place, *(head for _, head in COLUMNS))
    return Table(title=title, heads=heads, rows=listed, percent=_PERCENT, totals=1)


def _cells(row: Row) -> list[Value]:
    closed = percent(row.counts["closed"], row.counts.get("counted", 0))
    shares = iter([row.rate, closed])
    return [next(shares) if slug is None else row.counts.get(slug, 0) for slug, _ in COLUMNS]
