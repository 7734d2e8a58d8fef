"""The lists: filters that live in the address, figures that match, queries that do not grow."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from emailsec.lib.workdays import today
from rectification import actions
from rectification.models import Finding, Notice
from tests.rectification.case import drafted, plain_finding, served
from tests.world import make_unit

pytestmark = pytest.mark.django_db


def test_advice_is_told_from_what_is_ordered(world, people):
    advice = plain_finding(world, "advised", ground="advice", severity="high")
    ordered = plain_finding(world, "ordered")
    page = people(world.officer).text("finding_list")
    assert page.count("安全建议") == 1
    assert page.count("不设期限") == 1
    notice = served(world, drafted(world, [ordered, advice]))
    actions.revoke_notice(notice, reason="送达对象有误", by=world.approver)
    for who in (world.officer, world.filler):
        page = people(who).text("finding_detail", advice.pk)
        assert "属《安全建议》，不设期限" in page
        assert "默认时限" not in page
        page = people(who).text("finding_detail", ordered.pk)
        assert "安全建议" not in page
        assert "原整改通知已不再执行；另行列入通知后按新的期限；默认时限" in page


def queries(person, name, *args, **query) -> int:
    person._log_in()
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert person.get(name, *args, **query).status_code == 200
    return len(captured)


def many(world, start, stop):
    for n in range(start, stop):
        plain_finding(world, f"c{n}", system=world.system_a if n % 2 else None)


@pytest.mark.parametrize("who", ["officer", "filler"])
def test_the_list_of_findings_costs_the_same_at_3_and_at_30(world, people, who):
    person = people(getattr(world, who))
    many(world, 0, 3)
    queries(person, "finding_list")
    few = queries(person, "finding_list")
    many(world, 3, 30)
    assert queries(person, "finding_list") == few


@pytest.mark.parametrize("who", ["officer", "filler"])
def test_the_list_of_notices_costs_the_same_at_3_and_at_30(world, people, who):
    person = people(getattr(world, who))
    for n in range(3):
        served(world, drafted(world, [plain_finding(world, f"c{n}")]))
    queries(person, "notice_list")
    few = queries(person, "notice_list")
    for n in range(3, 30):
        served(world, drafted(world, [plain_finding(world, f"c{n}")]))
    assert queries(person, "notice_list") == few


def test_a_notice_costs_the_same_with_3_and_with_30_findings(world, people):
    counts = []
    for number in (3, 30):
        findings = [plain_finding(world, f"n{number}-{n}") for n in range(number)]
        notice = served(world, drafted(world, findings))
        Finding.objects.filter(pk__in=[f.pk for f in findings]).update(status="to_recheck")
        queries(people(world.officer), "notice_detail", notice.pk)
        counts.append(queries(people(world.officer), "notice_detail", notice.pk))
    assert counts[0] == counts[1]


@pytest.fixture
def mixed(world):
    """Findings that differ in all that can be filtered."""
    plain_finding(world, "a", severity="high")
    plain_finding(world, "b", severity="low", status="closed")
    plain_finding(world, "c", status="to_recheck", title="备份没有演练")
    plain_finding(
        world, "d", severity="high", status="rectifying", due_on=today().replace(year=2020)
    )
    other = make_unit("甲市教育局", "11370100004155555N", world.province.region, world.city_a)
    plain_finding(world, "e", unit=other)
    return world


@pytest.mark.parametrize(
    ("query", "causes"),
    [
        ({}, "daceb"),
        ({"status": "unclosed"}, "dace"),
        ({"status": "closed"}, "b"),
        ({"severity": "high"}, "da"),
        ({"severity": "high", "status": "open"}, "a"),
        ({"overdue": "1"}, "d"),
        ({"q": "备份"}, "c"),
        ({"q": "教育局"}, "e"),
        ({"region": "370100"}, "dacb"),
        ({"sector": "43"}, "daceb"),
        ({"q": "没有这样的问题"}, ""),
    ],
)
def test_filters(mixed, people, query, causes):
    page = people(mixed.officer).text("finding_list", **query)
    numbers = {f.number: f.cause for f in Finding.objects.all()}
    order = sorted((page.index(n), c) for n, c in numbers.items() if n in page)
    assert "".join(c for _, c in order) == causes
    if causes:
        assert f"共 {len(causes)} 个" in page
    else:
        assert "没有符合条件的问题" in page


def test_every_figure_opens_to_as_many_rows(mixed, people):
    officer = people(mixed.officer)
    page = officer.get("finding_list")
    figures = page.context["figures"]
    assert figures == {"unclosed": 4, "high": 2, "overdue": 1, "to_recheck": 1, "closed": 1}
    for name, query in {
        "unclosed": {"status": "unclosed"},
        "high": {"status": "unclosed", "severity": "high"},
        "overdue": {"overdue": "1"},
        "to_recheck": {"status": "to_recheck"},
        "closed": {"status": "closed"},
    }.items():
        rows = officer.get("finding_list", **query).context["page"].paginator.count
        assert rows == figures[name], name


def test_the_heading_tells_of_the_list_as_it_is_narrowed(mixed, people):
    officer = people(mixed.officer)
    number = Finding.objects.get(cause="a").number
    page = officer.get("finding_list", q=number, status="closed")
    assert sum(page.context["figures"][name] for name in ("unclosed", "closed")) == 1
    assert f"?q={number}&amp;status=unclosed" in page.content.decode()


def test_the_filters_in_force_are_chips(mixed, people):
    page = people(mixed.officer).text("finding_list", severity="high", overdue="1")
    assert "严重程度：高" in page
    assert "期限：已逾期" in page


def test_the_unit_sees_its_own_without_region_and_unit(mixed, people):
    page = people(mixed.filler).text("finding_list")
    assert "甲市教育局" not in page
    assert 'name="region"' not in page
    assert Finding.objects.get(cause="a").number in page


@pytest.mark.parametrize("who", ["system_admin", "security_admin", "audit_admin", "nobody"])
@pytest.mark.parametrize("name", ["finding_list", "notice_list"])
def test_portal_people_have_no_business_here(world, people, who, name):
    assert people(getattr(world, who)).get(name).status_code == 403


def test_empty_lists_say_what_will_appear(world, people):
    assert "这里会列出已确认的问题" in people(world.officer).text("finding_list")
    assert "这里会列出整改通知" in people(world.officer).text("notice_list")
    assert "这里会列出送达本单位的整改通知" in people(world.filler).text("notice_list")


def test_the_progress_of_a_notice_counts_what_has_ended_in_it(world, people):
    findings = [plain_finding(world, "a"), plain_finding(world, "b")]
    notice = served(world, drafted(world, findings))
    findings[0].refresh_from_db()
    actions.declare_false_alarm(findings[0], reason="误判。", by=world.approver)
    page = people(world.officer).text("notice_list")
    assert ">1/2<" in page
    assert Notice.objects.with_counts().get(pk=notice.pk).ordered_done == 1
