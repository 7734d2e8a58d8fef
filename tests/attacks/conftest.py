from tests.access.conftest import walk  # noqa: F401 (a fixture)
