"""The walk, first half: what units report, and what is seen of them.

In two files, because a file is what one worker of the suite takes (tools/pytest_house.py).
"""

import pytest

from tests.access.walk import Walk, go

SPACES = {"inventory", "scans", "assessments"}


@pytest.mark.slow
def test_nobody_gets_more_than_the_table_says(walk: Walk):
    go(walk, SPACES)
