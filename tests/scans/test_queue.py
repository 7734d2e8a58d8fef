"""Schedule and leases: what is due, who holds it, and what a crash leaves."""

import datetime as dt
import os
import subprocess
import sys
import threading

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from inventory.models import MailDomain
from scans import queue
from scans.actions import request_scan
from scans.models import Observation, RunObservation, ScanRun, Verdict, Wave
from scans.policy import scan_policy
from scans.tasks import drain_due
from tests.scans.conftest import file_letter
from tests.world import make_system

pytestmark = pytest.mark.django_db


def wave_of(system, **more):
    fields = {"reason": "request", "due_at": timezone.now(), "system": system}
    return Wave.objects.create(**fields | more)


def test_only_authorised_systems_are_scheduled_and_at_once_for_the_first_time(world):
    file_letter(world.system_a)
    file_letter(world.system_b, days=30, starts=2)
    assert queue.schedule_due() == 1
    wave = Wave.objects.get()
    assert (wave.system, wave.reason) == (world.system_a, "schedule")
    assert wave.due_at <= timezone.now()


def test_scheduling_twice_makes_one_wave(world):
    file_letter(world.system_a)
    queue.schedule_due()
    queue.schedule_due()
    assert Wave.objects.count() == 1


def test_forbidden_retired_and_domainless_systems_are_not_scheduled(world):
    for system in (world.system_a, world.system_b, world.system_provincial):
        file_letter(system)
    type(world.system_a).objects.filter(pk=world.system_a.pk).update(no_active_probe=True)
    type(world.system_b).objects.filter(pk=world.system_b.pk).update(
        retired_on=timezone.localdate()
    )
    MailDomain.objects.filter(system=world.system_provincial).delete()
    assert queue.schedule_due() == 0


def test_the_next_look_comes_after_the_interval_and_is_spread(world):
    file_letter(world.system_a, days=300)
    done = wave_of(world.system_a, status="done", reason="schedule")
    interval = dt.timedelta(seconds=scan_policy().wave.interval)
    assert queue.schedule_due(timezone.now() + interval - dt.timedelta(hours=1)) == 0
    moment = timezone.now() + interval + dt.timedelta(minutes=1)
    assert queue.schedule_due(moment) == 1
    due = Wave.objects.exclude(pk=done.pk).get().due_at
    assert moment <= due <= moment + interval / 7


def test_a_confirmation_does_not_count_as_a_look_of_the_schedule(world):
    file_letter(world.system_a)
    wave_of(world.system_a, status="done", reason="confirm")
    assert queue.schedule_due() == 1


def test_a_claim_takes_each_wave_once_and_people_go_first(world):
    scheduled = wave_of(
        world.system_a, reason="schedule", due_at=timezone.now() - dt.timedelta(hours=2)
    )
    asked = wave_of(world.system_b)
    wave_of(world.system_provincial, due_at=timezone.now() + dt.timedelta(hours=1))
    first = queue.claim_due(limit=1)
    second = queue.claim_due()
    assert first.wave_ids == (asked.pk,)
    assert second.wave_ids == (scheduled.pk,)
    assert first.token != second.token
    assert queue.claim_due() is None


def test_what_failed_before_goes_alone(world):
    failed = wave_of(world.system_a, attempts=1)
    fresh = [wave_of(world.system_b).pk, wave_of(world.system_provincial).pk]
    assert list(queue.claim_due().wave_ids) == fresh
    assert queue.claim_due().wave_ids == (failed.pk,)


def test_a_second_look_at_a_system_waits_for_the_first_to_end(world):
    weekly = wave_of(world.system_a, reason="schedule")
    first = queue.claim_due()
    asked = wave_of(world.system_a)
    assert queue.claim_due() is None
    queue.release(first)
    assert queue.claim_due().wave_ids == (asked.pk,)
    later = timezone.now() + queue.LEASE + dt.timedelta(seconds=1)  # its worker was lost
    assert set(queue.claim_due(now=later).wave_ids) <= {asked.pk, weekly.pk}


def test_two_looks_at_one_system_are_never_in_one_batch(world, practice):
    """They have the same domain; the result of one would be lost in the other."""
    file_letter(world.system_a)
    waves = [wave_of(world.system_a, reason=reason) for reason in ("request", "schedule")]
    assert queue.claim_due().wave_ids == (waves[0].pk,)
    Wave.objects.update(lease="", leased_until=None, attempts=0)
    drain_due()
    drain_due()
    runs = ScanRun.objects.filter(wave__in=waves)
    assert [run.status for run in runs] == ["done", "done"]


def test_an_expired_lease_is_handed_on_and_the_first_holder_can_write_no_more(world):
    wave = wave_of(world.system_a)
    lost = queue.claim_due()
    assert queue.keep(wave.pk, lost.token)
    later = timezone.now() + queue.LEASE + dt.timedelta(seconds=1)
    found = queue.claim_due(now=later)
    assert found.wave_ids == (wave.pk,)
    assert not queue.keep(wave.pk, lost.token)
    assert queue.keep(wave.pk, found.token)
    wave.refresh_from_db()
    assert wave.attempts == 2


def test_a_worker_killed_between_claim_and_finish_is_followed_by_another(world, practice):
    file_letter(world.system_a)
    wave = request_scan(system=world.system_a, by=world.filler)
    queue.claim_due()  # and the worker is gone
    ScanRun.objects.update(status="running", started_at=timezone.now())
    drain_due()
    wave.refresh_from_db()
    assert wave.status == "open"
    Wave.objects.update(leased_until=timezone.now() - dt.timedelta(seconds=1))
    drain_due()
    wave.refresh_from_db()
    assert (wave.status, wave.runs.get().status) == ("done", "done")


def test_a_wave_that_is_lost_again_and_again_is_given_up_with_a_reason(world, practice):
    file_letter(world.system_a)
    wave = request_scan(system=world.system_a, by=world.filler)
    Wave.objects.update(attempts=queue.MAX_ATTEMPTS)
    drain_due()
    wave.refresh_from_db()
    run = wave.runs.get()
    assert (wave.status, run.status) == ("void", "failed")
    assert "多次中断" in run.problem
    assert practice.stats()["totals"]["connections"] == 0


def test_a_task_delivered_twice_creates_nothing_twice(world, practice):
    file_letter(world.system_a)
    request_scan(system=world.system_a, by=world.filler)

    def counts():
        models = (Wave, ScanRun, Observation, RunObservation, Verdict)
        return [model.objects.count() for model in models]

    drain_due()
    once = counts()
    Wave.objects.filter(reason="confirm").update(due_at=timezone.now() + dt.timedelta(days=1))
    drain_due()
    assert counts() == once


def test_the_same_result_written_twice_is_written_once(world, practice):
    """A worker that was thought dead hands its result in late."""
    from scans import looking

    file_letter(world.system_a)
    request_scan(system=world.system_a, by=world.filler)
    lease = queue.claim_due()
    results = []
    store = looking.store

    def twice(run, result, token):
        first = store(run, result, token)
        ScanRun.objects.filter(pk=run.pk).update(status="running")
        results.append((first, store(run, result, token)))
        results.append(store(run, result, "another-token"))
        return first

    looking.store = twice
    try:
        looking.run_batch(lease)
    finally:
        looking.store = store
    run = ScanRun.objects.get(wave__reason="request")
    assert results == [(0, 0), None]
    assert run.verdicts.count() == 17
    assert RunObservation.objects.filter(run=run).count() == run.observations.distinct().count()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="see the test with a database file")
def test_four_workers_at_once_share_the_due_waves_without_overlap(world):
    """Real threads with their own connections, SKIP LOCKED."""
    systems = [make_system(world.unit_a, f"d{n}.test", name=f"系统{n}") for n in range(12)]
    for system in systems:
        wave_of(system)
    start = threading.Barrier(4)
    taken = []

    def work():
        try:
            start.wait()
            while lease := queue.claim_due(limit=2):
                taken.extend(lease.wave_ids)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(Wave.objects.values_list("pk", flat=True))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time there")
def test_workers_at_once_never_hold_two_looks_at_one_system(world):
    systems = [make_system(world.unit_a, f"d{n}.test", name=f"系统{n}") for n in range(4)]
    reasons = ("request", "schedule", "recheck")
    start = threading.Barrier(4)
    clashes = []

    def work():
        try:
            start.wait()
            for _ in range(12):
                lease = queue.claim_due(limit=3)
                held = Wave.objects.filter(leased_until__gt=timezone.now())
                names = list(held.values_list("system_id", flat=True))
                if len(names) != len(set(names)):
                    clashes.append(names)
                if lease is not None:
                    queue.release(lease)
        finally:
            connection.close()

    for system in systems:
        for reason in reasons:
            wave_of(system, reason=reason)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clashes == []
    assert not Wave.objects.exclude(lease="").exists()


PREPARE = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.utils import timezone
from scans.models import Wave
from tests.world import build_world, make_system
world = build_world()
for n in range(12):
    system = make_system(world.unit_a, f"d{n}.test", name=f"系统{n}")
    Wave.objects.create(system=system, reason="request", due_at=timezone.now())
"""
CLAIM = """
from scans import queue
while lease := queue.claim_due(limit=2):
    print(*lease.wave_ids)
"""


@pytest.mark.slow
def test_processes_share_the_due_waves_of_one_sqlite_file(tmp_path):
    """The embedded default: no SKIP LOCKED there, but one writer at a time."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    environment |= {
        "EMAILSEC_VAR_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "emailsec.settings",
    }

    def start(program):
        code = f"import django; django.setup(){program}"
        return subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )

    assert start(PREPARE).wait(120) == 0
    outputs = [(p, p.communicate(timeout=60)[0]) for p in [start(CLAIM) for _ in range(3)]]
    assert [p.returncode for p, _ in outputs] == [0, 0, 0]
    taken = [int(word) for _, output in outputs for word in output.split()]
    assert len(taken) == len(set(taken)) == 12
