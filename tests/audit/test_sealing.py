"""Events get their place in the chain without ever being touched, and the database keeps it so."""

import copy
import threading
import uuid

import pytest
from cryptography.hazmat.primitives import hashes
from django.db import IntegrityError, connection, transaction
from django.db.models.base import ModelState

from audit import digests, guards, sealing
from audit.chain import chain_of
from audit.models import AuditEvent, AuditSeal
from audit.trail import SYSTEM, digest_of, origin_address, record

pytestmark = pytest.mark.django_db
on_postgres = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="triggers and locks of PostgreSQL"
)


def write(count: int, label: str = "甲") -> list[AuditEvent]:
    return [record("list.export", None, by=SYSTEM, label=f"{label}{n}") for n in range(count)]


def numbers() -> list[tuple[int, int]]:
    return list(AuditSeal.objects.values_list("seq", "event_id"))


def test_seals_are_numbered_without_a_gap_in_the_order_of_the_events():
    first = write(3)
    assert sealing.seal() == 3
    assert sealing.seal() == 0
    second = write(2)
    assert sealing.seal() == 2
    assert numbers() == list(enumerate((e.pk for e in first + second), start=1))
    before = ""
    for seal in AuditSeal.objects.all():
        assert seal.chain == chain_of(before, seal)
        before = seal.chain


def test_batches_follow_each_other(monkeypatch):
    monkeypatch.setattr(sealing, "BATCH", 2)
    write(5)
    assert sealing.seal() == 5
    assert [seq for seq, _ in numbers()] == [1, 2, 3, 4, 5]


def test_an_event_that_commits_late_gets_the_next_number():
    events = write(3)
    sealing.seal()
    late = copy.copy(events[0])
    late.pk, late.uid, late._state = events[0].pk - 1, uuid.uuid4(), ModelState()
    late.digest = digest_of(late)
    late.save(force_insert=True)
    assert sealing.seal() == 1
    assert numbers()[-1] == (4, late.pk)


def test_one_far_behind_is_found_by_the_thorough_call(monkeypatch):
    monkeypatch.setattr(sealing, "LATE", 1)
    events = write(4)
    sealing.seal(thorough=True)
    with guards.archiving():
        AuditSeal.objects.filter(event_id=events[0].pk).delete()
    assert sealing.seal() == 0
    assert sealing.unsealed().get() == events[0]
    assert sealing.seal(thorough=True) == 1


@pytest.mark.parametrize("algorithm", digests.ALGORITHMS)
def test_a_change_of_key_and_algorithm_keeps_older_rows_verifiable(settings, algorithm):
    [old] = write(1)
    settings.AUDIT_KEYS_OLD = [settings.AUDIT_KEY]
    settings.AUDIT_KEY, settings.AUDIT_DIGEST = "another key", algorithm
    [new] = write(1)
    sealing.seal()
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.algorithm, new.algorithm) == ("sha256", algorithm)
    assert old.key_id != new.key_id
    assert (old.digest, new.digest) == (digest_of(old), digest_of(new))
    settings.AUDIT_KEYS_OLD = []
    with pytest.raises(digests.UnknownKey):
        digest_of(old)


def test_sm3_is_the_one_of_the_standard():
    # GB/T 32905-2016, example 1: the hash of "abc"; the MAC by RFC 2104 over it.
    made = hashes.Hash(hashes.SM3())
    made.update(b"abc")
    assert made.finalize().hex().startswith("66c7f0f462eeedd9d1f2d46bdc10e4e2")


def test_the_digest_holds_for_what_the_database_gives_back(world):
    details = {"pair": (1, 2), 3: "three", "deep": {"z": None, "a": [True, 0.5, "密"]}}
    event = record("unit.update", world.unit_a, by=world.filler, details=details)
    event.refresh_from_db()
    assert event.details["pair"] == [1, 2]
    assert event.digest == digest_of(event)


@pytest.mark.parametrize("written", ["2001:DB8::1", "::ffff:192.0.2.1", "192.0.2.7"])
def test_the_digest_holds_for_every_way_to_write_an_address(written):
    token = origin_address.set(written)
    event = record("account.login", None, by=None)
    origin_address.reset(token)
    event.refresh_from_db()
    assert event.digest == digest_of(event)


@on_postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_two_sealers_at_once_seal_each_event_once(monkeypatch):
    write(40)
    monkeypatch.setattr(sealing, "BATCH", 3)

    def work():
        try:
            for _ in range(20):
                sealing.seal()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    write(20, "乙")
    for thread in threads:
        thread.join()
    sealing.seal()
    assert [seq for seq, _ in numbers()] == list(range(1, 61))
    assert {event for _, event in numbers()} == set(AuditEvent.objects.values_list("pk", flat=True))


@on_postgres
def test_the_database_refuses_to_change_and_to_delete():
    [event] = write(1)
    sealing.seal()
    for rows, change in (
        (AuditEvent.objects.filter(pk=event.pk), {"result": "failed"}),
        (AuditSeal.objects.filter(event_id=event.pk), {"chain": "0" * 64}),
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            rows.update(**change)
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            rows.delete()
        with guards.archiving(), pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**change)
    assert guards.open_locks() == []


@on_postgres
def test_a_lock_that_was_opened_is_told():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER audit_auditevent_append_only")
        cursor.execute("DROP TRIGGER audit_auditseal_no_truncate ON audit_auditseal")
        cursor.execute("GRANT UPDATE ON audit_auditseal TO PUBLIC")
    told = "；".join(guards.open_locks())
    assert "audit_auditevent_append_only 被停用" in told
    assert "audit_auditseal_no_truncate 不在" in told
    assert "有改写权限" in told
