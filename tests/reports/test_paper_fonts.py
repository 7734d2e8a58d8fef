"""Every face is embedded, every character is there, and an office's own faces come first."""

import shutil
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from reports.paper import documents, fonts
from reports.paper.contexts import NoticeFile
from tests.reports import measure, samples
from tests.reports.conftest import EACH, TYPICAL

pytestmark = pytest.mark.slow


def make_font(path: Path, family: str, style: str = "Regular") -> None:
    """A font of one glyph whose name table says what it is."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((0, 500))
    pen.lineTo((500, 500))
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "jia"])
    builder.setupCharacterMap({ord("甲"): "jia"})
    glyph = pen.glyph()
    builder.setupGlyf({".notdef": glyph, "jia": glyph})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "jia": (1000, 0)})
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": family, "styleName": style, "fullName": family})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)


@pytest.mark.parametrize("name", EACH)
def test_every_font_is_embedded(pdf, name):
    found = list(measure.fonts(pdf(name)))
    assert found
    for base, descriptor in found:
        assert any(f"/FontFile{kind}" in descriptor for kind in ("", "2", "3")), base
        assert "+" in base, f"{base} is not a subset"


def test_rare_characters_of_names_can_be_read_back():
    names = "".join(f"{character}某、" for character in samples.RARE)
    paper = documents.notice_file(
        samples.notice(
            file=NoticeFile(
                handlers=(names,),
                checker=samples.RARE,
                approver="周镕",
                approved_on=samples.ISSUED,
                issued_by="钱昉",
            )
        )
    )
    text = measure.text(paper.pdf())
    assert names in text
    assert samples.RARE in text


@pytest.mark.parametrize("name", TYPICAL)
def test_no_character_is_drawn_as_a_box(pdf, name):
    """Glyph 0 is the box that a font draws for what it does not have."""
    for page in measure.reader(pdf(name)).pages:
        assert b"<0000>" not in page.get_contents().get_data()


@pytest.mark.parametrize(
    ("family", "style", "role"),
    [
        ("方正小标宋简体", "Regular", ("Paper Title", 700)),
        ("FZXiaoBiaoSong-B05S", "Regular", ("Paper Title", 700)),
        ("仿宋_GB2312", "Regular", ("Paper Fang", 400)),
        ("FangSong", "Regular", ("Paper Fang", 400)),
        ("楷体_GB2312", "Regular", ("Paper Kai", 400)),
        ("黑体", "Regular", ("Paper Hei", 400)),
        ("SimSun", "Regular", ("Paper Song", 400)),
        ("FandolSong", "Bold", ("Paper Song", 700)),
        ("Wingdings", "Regular", None),
    ],
)
def test_a_font_file_is_known_by_its_names(tmp_path, family, style, role):
    path = tmp_path / "a.ttf"
    make_font(path, family, style)
    assert fonts.role_of(path) == role


def test_what_is_no_font_is_passed_over(tmp_path):
    (tmp_path / "readme.ttf").write_text("this is no font")
    (tmp_path / "notes.txt").write_text("方正小标宋")
    assert fonts.chosen_files([tmp_path, tmp_path / "missing"]) == {}


def test_the_office_s_own_faces_come_before_the_free_ones(tmp_path):
    own, free = tmp_path / "own", tmp_path / "free"
    own.mkdir()
    free.mkdir()
    make_font(own / "gb.ttf", "仿宋_GB2312")
    make_font(free / "fandol.ttf", "FandolFang")
    shutil.copy(own / "gb.ttf", free / "copy.ttf")
    make_font(free / "kai.ttf", "FandolKai")
    chosen = fonts.chosen_files([own, free])
    assert chosen == {
        ("Paper Fang", 400): own / "gb.ttf",
        ("Paper Kai", 400): free / "kai.ttf",
    }
    faces = fonts.font_faces(chosen)
    assert faces.count("@font-face") == 2
    assert (own / "gb.ttf").as_uri() in faces


def test_one_font_configuration_per_process():
    assert fonts.configuration() is fonts.configuration()
