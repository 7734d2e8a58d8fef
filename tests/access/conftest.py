import pytest

from tests.access.walk import Walk, prepare
from tests.world import World


@pytest.fixture
def walk(world: World, settings, monkeypatch) -> Walk:
    return prepare(world, settings, monkeypatch)
