"""With a real Celery worker process: a request is carried out without anybody calling the task."""

import os
import signal
import subprocess
import sys
import time
import uuid

import pytest
from django.conf import settings as live
from django.db import connection
from django.utils import timezone

from emailsec.celery import app
from inventory.models import MailDomain
from scans.actions import request_scan
from scans.models import ScanRun, Wave
from scans.queue import wake_drain
from scans.rules import all_rules
from tests.scans.conftest import file_letter

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not live.REDIS_URL, reason="needs Redis (REDIS_URL)"),
]


def wait_for(condition, seconds=150):
    """Wait for what the worker does, saying every five seconds, as beat does, that time passes."""
    end, nudge = time.monotonic() + seconds, time.monotonic() + 5
    while time.monotonic() < end:
        if condition():
            return True
        if time.monotonic() > nudge:
            wake_drain()
            nudge += 5
        time.sleep(0.2)
    return False


def send_to(queue):
    """Let this process send tasks to another queue; Celery keeps what it has looked up."""
    app.conf.task_default_queue = queue
    for looked_up in ("queues", "router"):
        app.amqp.__dict__.pop(looked_up, None)


@pytest.fixture
def worker(practice, tmp_path):
    """A worker on a queue of its own and the test's database; started and killed by the test."""
    queue = f"test-{uuid.uuid4().hex}"
    usual = app.conf.task_default_queue
    send_to(queue)
    database = connection.settings_dict
    url = f"postgres://{database['USER']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    if connection.vendor == "sqlite":
        pytest.skip("an in-memory database has no second process")
    environment = os.environ | {
        "DATABASE_URL": url,
        "REDIS_URL": live.REDIS_URL,
        "CELERY_QUEUE": queue,
        "PRACTICE_RANGE_FILE": live.PRACTICE_RANGE_FILE,
        "EMAILSEC_VAR_DIR": str(tmp_path),
    }
    started = []

    def start():
        command = [sys.executable, "-m", "celery", "-A", "emailsec", "worker", "-c", "1"]
        log = (tmp_path / f"worker-{len(started)}.log").open("w")
        process = subprocess.Popen(
            [*command, "--without-gossip", "--without-mingle", "-n", f"{queue}@%h"],
            cwd=live.BASE_DIR,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    send_to(usual)


def test_a_request_is_carried_out_by_the_worker(world, worker):
    worker()
    file_letter(world.system_a)
    wave = request_scan(system=world.system_a, by=world.filler)
    assert wait_for(ScanRun.objects.finished().filter(wave=wave).exists)
    # The second look comes by itself, after the policy's pause.
    second = ScanRun.objects.finished().filter(wave__confirms=wave)
    assert wait_for(second.exists)
    assert second.get().verdicts.filter(confirmed=True).exists()


def test_a_worker_killed_in_the_middle_is_followed_by_another_and_nothing_is_lost(world, worker):
    first = worker()
    MailDomain.objects.filter(system=world.system_a).update(name="silent.test")
    file_letter(world.system_a)
    wave = request_scan(system=world.system_a, by=world.filler)
    assert wait_for(lambda: ScanRun.objects.filter(wave=wave, status="running").exists())
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert ScanRun.objects.get(wave=wave).status == "running"
    # The lease runs out (here by hand; in life after the task's time limit).
    Wave.objects.update(leased_until=timezone.now())
    worker()
    assert wait_for(lambda: ScanRun.objects.filter(wave=wave, status="partial").exists())
    wave.refresh_from_db()
    assert wave.attempts >= 2
    assert ScanRun.objects.get(wave=wave).verdicts.count() == len(all_rules())
