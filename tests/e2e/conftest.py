"""Real parts for the journeys: Chromium, a Celery worker process, the practice range."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings as django_settings
from django.db import connection

import practice


@pytest.fixture
def mail_range(tmp_path: Path) -> Iterator[practice.Range]:
    """A practice range of this test's own; 甲单位's domain starts weak."""
    with practice.start_range(tmp_path / "practice") as running:
        yield running


@pytest.fixture
def worker(tmp_path: Path, mail_range: practice.Range, transactional_db, settings):
    """A real Celery worker with beat on the test's database, broker and uploads."""
    if not django_settings.REDIS_URL or connection.vendor != "postgresql":
        pytest.skip("the main line runs on PostgreSQL and Redis; use `make test`")
    range_file = tmp_path / "practice" / "range.json"
    settings.PRACTICE_RANGE_FILE = str(range_file)
    database = connection.settings_dict
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**database)
    if database["HOST"].startswith("/"):
        url = "postgres://{USER}:{PASSWORD}@/{NAME}?host={HOST}".format(**database)
    env = os.environ | {
        "DATABASE_URL": url,
        "CELERY_QUEUE": current_app.conf.task_default_queue,
        "EMAILSEC_VAR_DIR": str(tmp_path),
        "PRACTICE_RANGE_FILE": str(range_file),
        "BEAT_PERIOD": "1",
    }
    log = (tmp_path / "worker.log").open("wb")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "celery", "-A", "emailsec", "worker", "--beat"),
            *("--concurrency=1", "--loglevel=INFO"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ],
        env=env,
        cwd=django_settings.BASE_DIR,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    until = time.monotonic() + 40
    while b"ready." not in (tmp_path / "worker.log").read_bytes():
        if process.poll() is not None or time.monotonic() > until:
            pytest.fail((tmp_path / "worker.log").read_text())
        time.sleep(0.2)
    yield process
    process.terminate()  # the leader ends its children; a signal to the group makes it hang
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    log.close()
