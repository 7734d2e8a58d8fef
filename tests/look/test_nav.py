"""The main navigation on a phone: what lies beyond an edge shows that it does."""

import pytest
from playwright.sync_api import Page

from tests.look.test_pages_axe import PHONE, sign_in
from tests.world import World

pytestmark = pytest.mark.e2e

# Where the last entry ends, before the fade of the right edge, once one has scrolled there.
LAST = """() => {
  const bar = document.querySelector('.main-nav ul'), style = getComputedStyle(bar);
  bar.scrollLeft = bar.scrollWidth;
  return {
    wide: bar.scrollWidth > bar.clientWidth,
    faded: style.maskImage.includes('gradient'),
    room: bar.getBoundingClientRect().right - bar.lastElementChild.getBoundingClientRect().right
      - parseFloat(style.paddingRight),
  };
}"""


def test_the_entries_beyond_the_edge_fade_and_the_last_one_does_not(
    live_server, page: Page, transactional_db, world: World
):
    page.set_viewport_size({"width": PHONE, "height": 800})
    sign_in(page.context, live_server.url, world.officer)
    page.goto(live_server.url)
    seen = page.evaluate(LAST)
    assert seen["wide"]
    assert seen["faded"]
    assert seen["room"] >= -0.5
