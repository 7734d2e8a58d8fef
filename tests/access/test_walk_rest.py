"""The walk, second half: every namespace that the first leaves out, also one that is new."""

import pytest

from tests.access.matrix import load
from tests.access.test_walk_reporting import SPACES
from tests.access.walk import Walk, go


@pytest.mark.slow
def test_nobody_gets_more_than_the_table_says(walk: Walk):
    go(walk, {entry.space for entry in load()} - SPACES)
