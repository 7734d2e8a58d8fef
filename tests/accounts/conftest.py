import datetime as dt
from collections.abc import Iterator

import pytest
import time_machine
from django.utils import timezone

STEP = 30  # seconds that a one-time code is good for (RFC 6238)


@pytest.fixture(autouse=True)
def _a_step_begins() -> Iterator[None]:
    """Begin with a step of the one-time codes: a test that says which code was used before must not
    fall on the change to the next."""
    now = timezone.now()
    into = dt.timedelta(seconds=now.timestamp() % STEP)
    with time_machine.travel(now - into):
        yield
