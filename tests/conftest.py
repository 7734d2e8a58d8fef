import os

import pytest

from tests.world import World, build_world

# Playwright's sync API runs an event loop in the test's thread; Django's guard would refuse the
# ordinary database calls that a journey makes between its page steps.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(autouse=True)
def _quick_and_apart(settings, tmp_path):
    """Cheap password hashes, and uploads in a folder of the test."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.MEDIA_ROOT = tmp_path / "uploads"
    settings.AXES_ENABLED = False


@pytest.fixture
def world(db) -> World:
    return build_world()


@pytest.fixture(scope="session")
def browser_type_launch_args():
    """Debian's Chromium, quiet and without its own traffic."""
    return {
        "executable_path": os.environ.get("CHROMIUM", "/usr/bin/chromium"),
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    }
