import pytest


@pytest.fixture(scope="session")
def browser_type_launch_args():
    """Debian's Chromium, quiet and without its own traffic."""
    return {
        "executable_path": "/usr/bin/chromium",
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
