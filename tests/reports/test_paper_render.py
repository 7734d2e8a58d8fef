"""The machinery: escaping, no network, no silent holes, the same bytes each time."""

import os
import re
import subprocess
import sys
from datetime import datetime

import pytest
import segno
from weasyprint.urls import FatalURLFetchingError

from emailsec.lib.qr import QUIET_ZONE, qr_path
from reports.paper import documents, render
from reports.paper.contexts import Unit, UnitKind
from tests.reports import measure, samples

EVIL = '甲<script>alert("1")</script>&amp;\'单位<img src="http://198.51.100.9/x.png">'


def evil_notice():
    return documents.notice(samples.notice(unit=Unit(name=EVIL, kind=UnitKind.ENTERPRISE)))


def test_names_are_escaped():
    html = evil_notice().html()
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_markup_in_a_name_is_printed_as_written():
    assert measure.squeeze(EVIL) in measure.text(evil_notice().pdf())


def test_every_text_of_every_document_is_escaped():
    """Put markup into each string of each context in turn; none of it may become markup."""
    mark = '"><b onload=x>&'
    for build, make in (
        (documents.notice, samples.notice),
        (documents.notice_file, samples.notice),
        (documents.rectification_report, samples.report),
        (documents.authorization, samples.authorization),
        (documents.selfcheck, samples.selfcheck),
        (documents.invitation, samples.invitation),
    ):
        html = build(poisoned(make(), mark)).html()
        assert "<b onload" not in html
        assert "&lt;b onload=x&gt;" in html


def poisoned(value, mark):
    """The same context with a mark behind every plain string."""
    if type(value) is str:
        return value + mark
    if isinstance(value, tuple):
        return tuple(poisoned(part, mark) for part in value)
    if hasattr(value, "__dataclass_fields__"):
        return type(value)(
            **{name: poisoned(getattr(value, name), mark) for name in value.__dataclass_fields__}
        )
    return value


@pytest.mark.parametrize(
    "url",
    [
        "http://198.51.100.9/font.otf",
        "https://198.51.100.9/style.css",
        "ftp://198.51.100.9/a",
        "file:///etc/passwd",
        f"{render.CSS_DIR.as_uri()}/../../manage.py",
        f"{render.CSS_DIR.as_uri()}/%2e%2e/%2e%2e/manage.py",
    ],
)
def test_nothing_outside_the_style_sheets_is_fetched(url):
    with pytest.raises(FatalURLFetchingError):
        render._LocalFetcher((render.CSS_DIR,)).fetch(url)


def test_the_style_sheet_itself_is_fetched():
    response = render._LocalFetcher((render.CSS_DIR,)).fetch(f"{render.CSS_DIR.as_uri()}/paper.css")
    assert b"GB/T 9704" in response.read()


def test_a_name_that_the_context_lacks_stops_the_rendering():
    context = dict(documents.notice(samples.notice()).context)
    del context["opening"]
    with pytest.raises(render.PaperError, match="opening"):
        render.render_html(
            "reports/paper/notice.html",
            context,
            title="题",
            author="甲",
            created=datetime(2026, 11, 24, tzinfo=render.wording.CHINA),
        )


def test_a_naive_date_of_creation_is_refused():
    with pytest.raises(ValueError, match="aware"):
        render.render_html(
            "reports/paper/notice.html",
            {},
            title="题",
            author="甲",
            created=datetime(2026, 11, 24),
        )


def test_metadata_names_title_author_and_number(pdf):
    document = measure.reader(pdf("notice"))
    assert document.metadata is not None
    assert document.metadata.title == "甲市公安局限期整改通知书（甲公网安限字〔2026〕第1号）"
    assert document.metadata.author == "甲市公安局"
    assert document.metadata.subject == "限期整改通知书"
    assert document.metadata["/Keywords"] == "甲公网安限字〔2026〕第1号"
    assert document.metadata["/CreationDate"] == "D:20261124000000+08'00"


def test_the_file_claims_pdf_a_3u_and_is_tagged(pdf):
    root = measure.reader(pdf("notice")).trailer["/Root"]
    xmp = root["/Metadata"].get_data().decode()
    assert 'pdfaid:part="3"' in xmp
    assert 'pdfaid:conformance="U"' in xmp
    assert "/StructTreeRoot" in root
    assert root["/Lang"] == "zh-CN"
    assert "/OutputIntents" in root


def test_the_same_context_gives_the_same_bytes(pdf):
    assert documents.notice(samples.notice()).pdf() == pdf("notice")


@pytest.mark.slow
def test_another_process_gives_the_same_bytes(pdf):
    code = (
        "import sys; from reports.paper import documents; from tests.reports import samples;"
        "sys.stdout.buffer.write(documents.notice(samples.notice()).pdf())"
    )
    again = subprocess.run(
        [sys.executable, "-c", code],
        cwd=render.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "emailsec.settings", "PYTHONHASHSEED": "7"},
        capture_output=True,
        check=True,
    )
    assert again.stdout == pdf("notice")


def test_a_qr_code_is_drawn_module_by_module():
    url = samples.VERIFICATION.url
    side, path = qr_path(url)
    matrix = segno.make(url, error="m", micro=False, boost_error=False).matrix
    drawn = [[0] * len(matrix) for _ in matrix]
    for move in path.split("M")[1:]:
        x, rest = move.split(" ", 1)
        y, rest = rest.split("h", 1)
        for i in range(int(rest.split("v")[0])):
            drawn[int(y) - QUIET_ZONE][int(x) - QUIET_ZONE + i] = 1
    assert side == len(matrix) + 2 * QUIET_ZONE
    assert drawn == [[1 if module else 0 for module in row] for row in matrix]


def test_no_colour_is_written_outside_the_tokens():
    sources = [
        render.CSS_DIR / "paper.css",
        *(render.TEMPLATE_DIR / "reports/paper").glob("*.html"),
    ]
    for source in sources:
        assert not re.search(
            r"#[0-9a-fA-F]{3,8}\b(?!;)|\b(rgba?|hsla?|oklch)\(|:\s*(black|white|red|grey|gray)\b",
            source.read_text(),
        ), source.name
