"""GB/T 9704-2012, measured in the PDF."""

from dataclasses import replace
from itertools import pairwise

import pytest

from reports.paper import documents
from tests.reports import measure, samples
from tests.reports.conftest import EACH, MARK

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def body_page():
    """A page that holds nothing but running text: the second of a report with a long opening."""
    report = samples.report(organisation=samples.long_text("组织", 2000))
    return measure.page_runs(documents.rectification_report(report).pdf())[1]


def test_a_full_page_has_22_rows_of_28_characters(body_page):
    rows = measure.lines(body_page)
    assert len(rows) == 22
    counts = [sum(run.glyphs for run in row) for _, row in rows]
    assert max(counts) == 28
    assert counts.count(28) > 11  # 禁则 sends a mark's neighbour to the next row here and there


def test_rows_stand_225_mm_by_22_apart(body_page):
    baselines = [y for y, _ in measure.lines(body_page)]
    assert baselines[-1] - baselines[0] == pytest.approx(225 / 22 * 21, abs=0.05)
    assert all(b - a == pytest.approx(225 / 22, abs=0.02) for a, b in pairwise(baselines))


def test_the_type_area_begins_at_37_and_28_mm_and_is_156_mm_wide(body_page):
    rows = measure.lines(body_page)
    first, last = rows[0][0], rows[-1][0]
    # The middle of a Chinese character lies 0.38 em above its baseline.
    middle = 0.38 * 16 / measure.MM
    assert first - middle == pytest.approx(37 + 225 / 44, abs=0.3)
    assert last - middle == pytest.approx(262 - 225 / 44, abs=0.3)
    full = [row[0] for _, row in rows if sum(run.glyphs for run in row) == 28]
    assert all(run.x0 == pytest.approx(28.0, abs=0.02) for run in full)
    assert all(run.x1 == pytest.approx(184.0, abs=0.2) for run in full)
    assert all(run.size == pytest.approx(16, abs=0.01) for run in full)


@pytest.mark.parametrize("name", EACH)
def test_the_paper_is_a4(pdf, name):
    for page in measure.reader(pdf(name)).pages:
        assert float(page.mediabox.width) / measure.MM == pytest.approx(210, abs=0.01)
        assert float(page.mediabox.height) / measure.MM == pytest.approx(297, abs=0.01)


def page_number(runs):
    """The run of the page number: 14 pt, below the type area."""
    return [
        run for run in runs if run.y > measure.BOTTOM and run.size == pytest.approx(14, abs=0.01)
    ]


def test_page_numbers_stand_right_on_odd_and_left_on_even_pages(pdf):
    em = 14 / measure.MM
    texts, pages = measure.page_texts(pdf("report")), measure.page_runs(pdf("report"))
    assert len(pages) > 3
    for number, (text, page) in enumerate(zip(texts, pages, strict=True), 1):
        runs = page_number(page)
        assert f"—{number}—" in text
        if number % 2:
            assert max(run.x1 for run in runs) == pytest.approx(measure.RIGHT - em, abs=0.3)
        else:
            assert min(run.x0 for run in runs) == pytest.approx(measure.LEFT + em, abs=0.3)
        # The dash lies 0.3 em above the baseline and 7 mm below the type area.
        assert runs[0].y - 0.3 * em == pytest.approx(measure.BOTTOM + 7, abs=0.5)


@pytest.mark.parametrize(
    "name", ["notice_file", "full_notice_file", "invitation", "full_invitation"]
)
def test_single_sheets_carry_no_page_number(pdf, name):
    assert not any(page_number(page) for page in measure.page_runs(pdf(name)))


@pytest.mark.parametrize("name", EACH)
def test_nothing_leaves_the_type_area(pdf, name):
    for number, page in enumerate(measure.page_runs(pdf(name)), 1):
        for run in page:
            where = f"{name} page {number}: {run}"
            assert run.x0 > measure.LEFT - 0.1, where
            assert run.x1 < measure.RIGHT + 0.4, where
            assert measure.TOP < run.y < 292, where


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("invitation", 1),
        ("full_invitation", 1),
        ("notice_file", 2),
        ("full_notice_file", 2),
        ("authorization", 2),
    ],
)
def test_forms_keep_to_their_sheets(pdf, name, count):
    assert len(measure.reader(pdf(name)).pages) == count


def test_the_longest_invitation_keeps_to_one_page_with_nothing_lost(pdf):
    paper = samples.full_invitation()
    assert len(paper.campaign) > 120
    [text] = measure.page_texts(pdf("full_invitation"))
    for said in (paper.campaign, paper.unit.name, *paper.tasks, paper.url, paper.office.phone):
        assert measure.squeeze(said) in text
    assert measure.squeeze(MARK) in text


def pushed(rows):
    """A notice whose first finding is `rows` lines longer, so that all below moves down."""
    first = samples.notice().findings[0]
    more = "\n".join(["核对配置并留存记录。"] * rows)
    longer = replace(first, requirement=f"{first.requirement}\n{more}")
    return samples.notice(findings=(longer, *samples.notice().findings[1:]), advice=())


@pytest.mark.parametrize("rows", range(1, 24, 2))
def test_wherever_the_pages_break_a_notice_reads_on(rows):
    """The copy note and the last line of text stay with the seal, and a short finding stands on one
    page."""
    paper = pushed(rows)
    texts = measure.page_texts(documents.notice(paper).pdf())
    [last] = [text for text in texts if "一式三联" in text]
    assert "（印章）" in last
    assert measure.squeeze(paper.office.address) in last[: last.index("（印章）")]
    for finding in paper.findings[1:]:
        [whole] = [text for text in texts if finding.number in text]
        assert measure.squeeze(finding.sentence) in whole
        assert measure.squeeze(finding.requirement) in whole


@pytest.mark.parametrize("rows", range(1, 24, 3))
def test_wherever_the_pages_break_a_report_compares_on_one_page(rows):
    base = samples.report()
    paper = samples.report(organisation="\n".join(["已部署。"] * rows), interim=True)
    texts = measure.page_texts(documents.rectification_report(paper).pdf())
    for finding in base.findings:
        # The number stands in the second part and the table; the table is the later one.
        table = [text for text in texts if f"问题编号{finding.number}" in text]
        assert len(table) == 1
        assert measure.squeeze(finding.measure) in table[0]
        assert measure.squeeze(finding.state) in table[0]
    [signed] = [text for text in texts if "（盖章）" in text]
    assert "特此报告。" in signed
    assert f"联系人：{paper.contact}" in signed


@pytest.mark.parametrize("name", EACH)
def test_no_page_is_empty_but_for_its_foot(pdf, name):
    assert all(measure.lines(page) for page in measure.page_runs(pdf(name)))


@pytest.mark.parametrize(
    ("name", "dated"),
    [
        ("notice", "2026年11月24日"),
        ("report", "2026年12月5日"),
        pytest.param("full_notice", "2026年11月24日", marks=pytest.mark.slow),
        pytest.param("full_report", "2026年12月5日", marks=pytest.mark.slow),
    ],
)
def test_the_signature_never_stands_alone(pdf, name, dated):
    """GB/T 9704 forbids a page that holds nothing but the signature and date."""
    texts = measure.page_texts(pdf(name))
    signed = [text for text in texts if "（印章）" in text or "（盖章）" in text]
    assert len(signed) == 1
    assert dated in signed[0]
    assert len(signed[0][: signed[0].index("章）")]) > 40
