import os
import uuid

import pytest
from django.db import connection

from audit import guards
from tests.world import World, build_world

# Playwright's sync API runs an event loop in the test's thread; Django's guard would refuse the
# ordinary database calls that a journey makes between its page steps.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """On SQLite, a test database that can be emptied: Django does it there row by row."""
    if connection.vendor == "sqlite":
        with django_db_blocker.unblock():
            guards.remove(connection)


@pytest.fixture(autouse=True)
def _quick_and_apart(settings, tmp_path):
    """Cheap password hashes; uploads and anchors in a folder, and counts in the cache, of the test.

    No test clears the cache: on Redis that empties the whole database, with what other tests count
    at the same time and the queue of the worker.
    """
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.MEDIA_ROOT = tmp_path / "uploads"
    settings.AUDIT_DIR = tmp_path / "audit"
    apart = settings.CACHES["default"] | {"KEY_PREFIX": uuid.uuid4().hex}
    settings.CACHES = {"default": apart}


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
