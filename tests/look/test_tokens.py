"""The colours: stated once, readable, and apart from each other without colour."""

import re

import pytest

ON_PAPER = (
    "ink",
    "ink-soft",
    "blue",
    "blue-ink",
    "seal-red",
    "amber",
    "grey-blue",
    "green",
    "grey",
)
WASHES = {
    "seal-red": "seal-red-wash",
    "amber": "amber-wash",
    "green": "green-wash",
    "grey-blue": "grey-blue-wash",
    "blue-ink": "blue-wash",
    "ink-soft": "wash",
    "grey": "wash",
}


@pytest.fixture
def css(settings):
    return settings.BASE_DIR / "static" / "css"


@pytest.fixture
def tokens(css):
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", (css / "tokens.css").read_text()))


def luminance(colour):
    """Relative luminance by WCAG 2.1."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    r, g, b = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


# Everything but the tokens and the official documents.
def screen(css):
    sheets = [f for f in css.glob("*.css") if f.name not in ("tokens.css", "paper.css")]
    assert css / "portal.css" in sheets
    return "\n".join(sheet.read_text() for sheet in sheets)


def test_no_colour_is_written_outside_the_tokens(css):
    sheets = [file for file in css.glob("*.css") if file.name != "tokens.css"]
    assert css / "portal.css" in sheets
    for sheet in sheets:
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.S)
        literals = re.findall(r":[^;{]*?(#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl)a?\(\s*\d)", text)
        literals += re.findall(r":\s*(white|black|red|green|blue|grey|gray)\b", text)
        assert (sheet.name, literals) == (sheet.name, [])


def test_every_variable_that_the_look_uses_is_defined(css):
    names = (css / "tokens.css").read_text()
    defined = set(re.findall(r"(--[\w-]+):", names))
    used = set(re.findall(r"var\((--[\w-]+)", screen(css)))
    assert {name for name in used if not name.startswith("--bs-")} <= defined


@pytest.mark.parametrize("name", ON_PAPER)
def test_text_is_readable_on_paper(tokens, name):
    assert contrast(tokens[name], tokens["paper"]) >= 4.5


@pytest.mark.parametrize(("name", "wash"), WASHES.items())
def test_text_is_readable_on_its_wash(tokens, name, wash):
    assert contrast(tokens[name], tokens[wash]) >= 4.5


def test_borders_of_controls_can_be_seen(tokens):
    assert contrast(tokens["ink-faint"], tokens["paper"]) >= 3


def test_there_are_four_sizes_of_type(css):
    sizes = re.findall(r"font-size:\s*([^;]+);", screen(css))
    free = {"0.93em", "10.5pt"}  # code inside a line, and the printed page
    assert set(sizes) - free <= {f"var(--text-{n})" for n in range(1, 5)}
