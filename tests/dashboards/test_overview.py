"""总览: every number equals the rows behind its link and the rows of the workbook."""

import io
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse
from openpyxl import load_workbook

from assessments.models import Campaign, SelfCheck
from dashboards.figures import FIGURES, count_by_place, finding_states
from dashboards.places import by_region
from inventory.models import Unit
from rectification.models import Finding
from tests.dashboards import figures
from tests.world import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
HOME = "dashboards:home"


def enter(client, user):
    assert client.login(username=user.username, password=PASSWORD)


def overview(client, user, **params):
    enter(client, user)
    return client.get(reverse(HOME), params)


def every_number(response):
    """(place, slug, number, url) of all cells of the page."""
    rows = [row for _, _, rows in response.context["tables"] for row in rows]
    rows.append(response.context["whole"])
    return [
        (row.label, figure.slug, number, url) for row in rows for figure, number, url in row.cells
    ]


# The list behind a figure → its workbook.
EXPORTS = {
    "inventory:unit_list": "units_export",
    "inventory:system_list": "systems_export",
    "assessments:campaign_detail": "selfchecks_export",
    "rectification:finding_list": "findings_export",
}


def workbook_of(url):
    """The address of the workbook that the list at `url` offers, with the same filters."""
    parts = urlsplit(url)
    found = resolve(parts.path)
    name = f"dashboards:{EXPORTS[found.view_name]}"
    return f"{reverse(name, args=list(found.kwargs.values()))}?{parts.query}"


def exported(client, url):
    """Data rows of the workbook of the list at `url`, which that list must offer."""
    address = workbook_of(url)
    assert f'href="{address.replace("&", "&amp;")}"' in client.get(url).text
    answer = client.get(address)
    assert answer.status_code == 200
    sheet = load_workbook(io.BytesIO(answer.content)).active
    return [row for row in sheet.iter_rows(min_row=4, values_only=True) if row[0] is not None]


@pytest.mark.parametrize("who", ["officer_province", "officer", "officer_b"])
def test_every_number_equals_the_rows_behind_its_link(world, client, who):
    figures.landscape(world)
    figures.retire_one()
    response = overview(client, getattr(world, who))
    numbers = every_number(response)
    assert len(numbers) > 40
    told = {slug for _, slug, number, _ in numbers if number}
    assert told >= {"units", "asked", "systems", "high", "medium", "closed"}
    if who == "officer_province":
        assert told == {figure.slug for figure in FIGURES}
    for place, slug, number, url in numbers:
        behind = client.get(url)
        assert behind.status_code == 200
        assert behind.context["page"].paginator.count == number, (place, slug, url)
        assert f'href="{url.replace("&", "&amp;")}"' in response.text


def test_every_number_equals_its_workbook(world, client):
    figures.landscape(world)
    figures.retire_one()
    response = overview(client, world.officer_province)
    checked = 0
    for place, slug, number, url in every_number(response):
        if "region" not in parse_qs(urlsplit(url).query) and place != "合计":
            continue
        assert len(exported(client, url)) == number, (place, slug)
        checked += number > 0
    assert checked > 15


def test_rows_add_up_to_the_total_by_region_and_by_sector(world, client):
    figures.landscape(world)
    response = overview(client, world.officer_province)
    whole = response.context["whole"].counts
    assert whole["units"] == Unit.objects.count()
    for _, _, rows in response.context["tables"]:
        for figure in FIGURES:
            assert sum(row.counts[figure.slug] for row in rows) == whole[figure.slug]


def test_the_total_is_what_a_plain_count_says(world):
    asked = figures.landscape(world)
    system = figures.retire_one()
    cells = count_by_place(world.officer_province, asked).values()

    def whole(slug):
        return sum(cell[slug] for cell in cells)

    assert whole("overdue") == Finding.objects.overdue().count() > 0
    assert whole("high") == Finding.objects.unclosed().filter(severity="high").count() > 0
    assert whole("closed") == Finding.objects.filter(status="closed").count() > 0
    assert whole("reported") == SelfCheck.objects.reported().count() > 0
    assert whole("asked") == SelfCheck.objects.count()
    systems = type(system).objects.filter(retired_on=None)
    assert whole("systems") == systems.count()
    assert whole("filed") == systems.filter(filing_state="filed").count() > 0
    rule = finding_states()["overdue"]
    assert set(Finding.objects.filter(rule)) == set(Finding.objects.overdue())


def test_an_office_counts_only_what_it_supervises(world, client):
    figures.finding(world, world.unit_a, 1)
    figures.finding(world, world.unit_provincial, 2)
    for who, units, findings in (
        ("officer", 1, 1),  # the provincial unit lies in 甲市 and is not theirs
        ("officer_b", 1, 0),
        ("officer_province", 3, 2),
        ("officer_industry", 1, 0),
    ):
        counts = overview(client, getattr(world, who)).context["whole"].counts
        assert (counts["units"], counts["high"]) == (units, findings), who


@pytest.mark.parametrize("page", EXPORTS)
def test_lists_and_workbooks_keep_the_scope(world, client, page):
    figures.finding(world, world.unit_a, 1)
    figures.finding(world, world.unit_provincial, 2)
    asked = figures.campaign(world)
    for unit in (world.unit_a, world.unit_provincial):
        SelfCheck.objects.create(campaign=asked, unit=unit, questionnaire=asked.questionnaire)
    url = reverse(page, args=[asked.pk] if page == "assessments:campaign_detail" else [])
    concerned = page in ("inventory:unit_list", "inventory:system_list")
    for who, sees in (
        ("officer", {world.unit_a}),
        ("officer_b", {world.unit_b}),
        ("officer_province", {world.unit_a, world.unit_b, world.unit_provincial}),
    ):
        enter(client, getattr(world, who))
        if page == "assessments:campaign_detail" and who == "officer_b":
            # Nobody of theirs is asked: the campaign does not exist for them.
            assert client.get(url).status_code == 404
            assert client.get(workbook_of(url)).status_code == 404
            continue
        shown = client.get(url).text
        told = client.get(workbook_of(url))
        sheet = load_workbook(io.BytesIO(told.content)).active
        text = " ".join(str(c) for row in sheet.iter_rows(values_only=True) for c in row if c)
        for unit in (world.unit_a, world.unit_b, world.unit_provincial):
            expected = unit in sees and (concerned or unit != world.unit_b)
            assert (unit.name in shown) == expected, (who, unit)
            assert (unit.name in text) == expected, (who, unit)


@pytest.mark.parametrize("name", [*EXPORTS.values(), "summary_export"])
def test_workbooks_are_for_offices(world, client, name):
    asked = figures.campaign(world)
    SelfCheck.objects.create(campaign=asked, unit=world.unit_a, questionnaire=asked.questionnaire)
    args = [asked.pk] if name == "selfchecks_export" else []
    url = reverse(f"dashboards:{name}", args=args)
    assert client.get(url).status_code == 302
    for who in ("filler", "signer", "system_admin", "audit_admin", "nobody"):
        enter(client, getattr(world, who))
        assert client.get(url).status_code == 403, who
    enter(client, world.officer)
    assert client.get(url).status_code == 200
    assert client.post(url).status_code == 405


def test_a_list_offers_no_workbook_to_who_may_not_export(world, client):
    figures.finding(world, world.unit_a, 1)
    enter(client, world.filler)
    for page in ("inventory:unit_list", "inventory:system_list", "rectification:finding_list"):
        answer = client.get(reverse(page))
        assert answer.status_code == 200
        assert ".xlsx" not in answer.text


def test_regions_stand_at_the_level_that_tells_something(world):
    asked = figures.landscape(world)
    province = by_region(count_by_place(world.officer_province, asked), {})
    assert {row.label for row in province} == {"甲市", "乙市"}
    city = by_region(count_by_place(world.officer, asked), {})
    assert {row.label for row in city} == {"甲一区", "甲二区", "甲市本级"}
    own = next(row for row in city if row.label == "甲市本级")
    assert own.params == {"region": "370100", "own": "1"}


def test_the_riskiest_row_stands_first(world, client):
    figures.landscape(world)
    response = overview(client, world.officer_province)
    for _, _, rows in response.context["tables"]:
        assert rows == sorted(rows, key=lambda row: row.risk)
    first = response.context["stats"][0][0]
    assert first.slug == "overdue"


def test_another_campaign_is_another_count(world, client):
    old = figures.campaign(world, title="2025年检查")
    SelfCheck.objects.create(
        campaign=old, unit=world.unit_a, questionnaire=old.questionnaire, status="accepted"
    )
    new = figures.campaign(world, title="2026年检查")
    SelfCheck.objects.create(campaign=new, unit=world.unit_a, questionnaire=new.questionnaire)
    counts = overview(client, world.officer).context["whole"].counts
    assert (counts["asked"], counts["reported"]) == (1, 0)
    response = overview(client, world.officer, campaign=old.pk)
    assert response.context["whole"].counts["reported"] == 1
    for _, _, number, url in every_number(response):
        assert client.get(url).context["page"].paginator.count == number
    assert f'{reverse("assessments:urge_list")}?campaign={new.pk}"' in (
        overview(client, world.officer).content.decode()
    )
    # A campaign that the person may not see is as if it were not named.
    assert client.get(reverse("dashboards:selfchecks_export", args=[old.pk])).status_code == 200
    hidden = Campaign.objects.create(
        office=world.city_b, title="乙市", questionnaire=new.questionnaire, status="published",
        deadline=new.deadline,
    )  # fmt: skip
    assert overview(client, world.officer, campaign=hidden.pk).context["campaign"] == new
    assert client.get(reverse("dashboards:selfchecks_export", args=[hidden.pk])).status_code == 404
    assert overview(client, world.officer, campaign="٣").status_code == 200


def test_without_units_the_page_says_how_to_start(world, client):
    Unit.objects.get(pk=world.unit_a.pk).supervisions.all().delete()
    response = overview(client, world.officer)
    assert "现在还没有单位" in response.text
    assert reverse("inventory:unit_list") in response.text


@pytest.mark.parametrize("page", ["dashboards:home", *EXPORTS])
def test_a_page_costs_the_same_with_3_and_with_30_units(world, client, page):
    asked = figures.landscape(world, units=3)
    enter(client, world.officer_province)
    url = reverse(page, args=[asked.pk] if page == "assessments:campaign_detail" else [])
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    figures.landscape(world, units=30)
    SelfCheck.objects.update(campaign=asked)
    with CaptureQueriesContext(connection) as many:
        client.get(url)
    assert len(many) == len(few)
    assert len(few) < 22
