"""House rules of the suite, tried on suites of a few tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.common import ROOT

ORDINARY = """
import os, pytest

@pytest.mark.skip(reason="no printer")
def test_skipped():
    pass

@pytest.mark.xfail(reason="known")
def test_expected():
    assert False
"""
JOURNEY = """
import os, pytest

@pytest.mark.e2e
@pytest.mark.parametrize("n", range(4))
def test_journey(n):
    with open(os.environ["SEEN"], "a") as file:
        file.write(os.environ["PYTEST_XDIST_WORKER"] + chr(10))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("required", "code"), [("1", 1), ("", 0)])
def test_skips_fail_where_required_and_journeys_share_a_worker(
    tmp_path: Path, required: str, code: int
) -> None:
    (tmp_path / "test_a.py").write_text(ORDINARY)
    (tmp_path / "test_b.py").write_text(JOURNEY)
    (tmp_path / "test_c.py").write_text(JOURNEY)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  e2e: x\n")
    seen = tmp_path / "seen"
    env = {**os.environ, "REQUIRE_SERVICES": required, "SEEN": str(seen), "PYTHONPATH": str(ROOT)}
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"):
        env.pop(name, None)
    command = [sys.executable, "-m", "pytest", "-p", "tools.pytest_house", "-p", "no:django"]
    done = subprocess.run(
        [*command, "-n", "2", "-q", str(tmp_path)],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout
    expected = "8 passed, 1 xfailed, 1 error" if required else "8 passed, 1 skipped, 1 xfailed"
    assert expected in done.stdout
    assert ("was skipped, but REQUIRE_SERVICES=1" in done.stdout) == bool(required)
    workers = seen.read_text().split()
    assert len(workers) == 8
    assert len(set(workers)) == 1


@pytest.mark.slow
def test_fast_means_without_database_browser_and_patience(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(
        "import pytest\n"
        "@pytest.fixture\ndef db(): pass\n"
        "@pytest.fixture\ndef world(db): pass\n"
        "def test_plain(): pass\n"
        "def test_rows(world): pass\n"
        "@pytest.mark.slow\ndef test_slow(): pass\n"
        "@pytest.mark.e2e\ndef test_journey(): pass\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  e2e: x\n  slow: y\n")
    command = [sys.executable, "-m", "pytest", "-p", "tools.pytest_house", "-p", "no:django"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"):
        env.pop(name, None)
    done = subprocess.run(
        [*command, "--fast", "-v", str(tmp_path)],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed, 3 deselected" in done.stdout
    assert "test_plain PASSED" in done.stdout
