"""Whatever is done to the trail by direct SQL is found, and named. `make show-audit` shows this."""

import datetime as dt
import io
import json

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from audit import anchors, guards, sealing
from audit.chain import ALTERED, ANCHOR, MISSING, Fault, chain_of
from audit.models import AuditEvent, AuditSeal
from audit.trail import SYSTEM, digest_of, record
from audit.verification import Report, verify
from tests.audit.tampering import WAYS, Rows

pytestmark = pytest.mark.django_db
COUNT = 300


@pytest.fixture
def trail(world) -> Rows:
    """A few hundred events of different kinds, sealed and anchored; their (seq, event id)."""
    acts = ("unit.update", "list.export", "document.download", "account.login")
    for n in range(COUNT):
        about = world.unit_a if n % 2 else None
        by = (world.officer, world.filler, SYSTEM)[n % 3]
        record(acts[n % 4], about, by=by, label=f"第 {n} 条", details={"rows": n, "说明": "甲"})
    sealing.seal()
    anchors.note_head(AuditSeal.objects.latest("seq"))
    anchors.write()
    return list(AuditSeal.objects.values_list("seq", "event_id"))


def unlock(cursor) -> None:
    """What the owner of the tables can do, and the web role cannot (test_roles.py)."""
    if connection.vendor == "postgresql":
        for table in guards.TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")


def places(report: Report) -> set[int]:
    """The places in the chain that a report names."""
    return {
        seq
        for fault in report.faults
        if fault.seq is not None
        for seq in range(fault.seq, (fault.last or fault.seq) + 1)
    }


def test_a_sound_trail_has_no_fault(trail):
    report = verify()
    assert (report.rows, report.unsealed, report.faults) == (COUNT, 0, [])
    assert report.fault_count == 0


@pytest.mark.slow
def test_every_way_to_falsify_the_trail_is_found_and_named(trail):
    tampered = found = 0
    for name, way in WAYS.items():
        ground = transaction.savepoint()
        with connection.cursor() as cursor:
            unlock(cursor)
            wanted = way(cursor, trail)
        report = verify()
        transaction.savepoint_rollback(ground)
        tampered += len(wanted)
        found += len(wanted & places(report))
        first = report.faults[0] if report.faults else "未发现"
        print(f"{name}：改动 {len(wanted)} 条，发现 {report.fault_count} 处；{first}")
        assert places(report) == wanted, name
        assert events_are_right(report, trail), name
    assert verify().faults == []
    print(f"tampered={tampered} found={found}")
    assert tampered == found > len(WAYS)


def events_are_right(report: Report, trail: Rows) -> bool:
    """Where a fault names an event, it is one that stood at that place, or was put there."""
    stood = {event for _, event in trail}
    named = [fault for fault in report.faults if fault.event_id is not None]
    return all(fault.event_id in stood for fault in named)


def test_an_altered_row_that_is_not_sealed_yet_is_found(world):
    event = record("unit.update", world.unit_a, by=world.filler)
    with connection.cursor() as cursor:
        unlock(cursor)
        cursor.execute("UPDATE audit_auditevent SET result = 'failed' WHERE id = %s", [event.pk])
    assert verify().faults == [Fault(ALTERED, event.pk, None)]


def test_whoever_holds_the_key_and_writes_the_chain_anew_is_found_by_the_anchor(trail):
    seq, event_id = trail[7]
    event = AuditEvent.objects.get(pk=event_id)
    event.actor_label = "别人"
    with connection.cursor() as cursor:
        unlock(cursor)
    AuditEvent.objects.filter(pk=event_id).update(
        actor_label=event.actor_label, digest=digest_of(event)
    )
    chain = AuditSeal.objects.get(seq=seq - 1).chain
    for seal in AuditSeal.objects.filter(seq__gte=seq):
        seal.digest = digest_of(event) if seal.seq == seq else seal.digest
        seal.chain = chain = chain_of(chain, seal)
        AuditSeal.objects.filter(seq=seal.seq).update(digest=seal.digest, chain=chain)
    [fault] = verify().faults
    assert (fault.kind, fault.seq) == (ANCHOR, COUNT)


def test_lost_newest_events_are_found_also_after_the_next_sealing(trail):
    seq, event_id = trail[-1]
    with connection.cursor() as cursor:
        unlock(cursor)
        cursor.execute("DELETE FROM audit_auditseal WHERE seq = %s", [seq])
        cursor.execute("DELETE FROM audit_auditevent WHERE id = %s", [event_id])
    for path in anchors.folder().glob("anchor-*.json"):
        path.unlink()  # only the head of the chain is known, as between two days
    record("unit.update", None, by=SYSTEM)
    sealing.seal()
    anchors.note_head(AuditSeal.objects.latest("seq"))
    [fault] = verify().faults
    assert (fault.kind, fault.seq) == (ANCHOR, COUNT)


def test_a_slower_sealer_does_not_set_the_head_back(trail):
    head = (anchors.folder() / anchors.HEAD).read_text()
    anchors.note_head(AuditSeal.objects.get(seq=COUNT - 1))
    assert (anchors.folder() / anchors.HEAD).read_text() == head


def test_a_falsified_anchor_is_told_and_not_believed(trail):
    path = anchors.write()
    content = json.loads(path.read_text())
    content["seq"] = content["seq"] + 5
    path.write_text(json.dumps(content))
    report = verify()
    assert report.faults == []
    assert f"锚定文件 {path.name} 不可信：内容前后不一致" in report.warnings
    path.write_text("{")
    assert any(path.name in warning for warning in verify().warnings)


def test_since_a_day_only_what_was_sealed_from_then_on_is_read(trail):
    seal = AuditSeal.objects.get(seq=COUNT)
    with connection.cursor() as cursor:
        unlock(cursor)
        cursor.execute("UPDATE audit_auditevent SET result = 'x' WHERE id = %s", [trail[5][1]])
    assert verify().fault_count == 1
    report = verify(since=seal.sealed_at.replace(year=seal.sealed_at.year + 1))
    assert (report.rows, report.fault_count) == (0, 0)


def test_an_event_that_waits_too_long_for_its_seal_is_a_warning(world):
    record("unit.update", world.unit_a, by=world.filler)
    assert not any("尚未封存" in warning for warning in verify().warnings)
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)):
        report = verify()
    assert report.unsealed == 1
    assert any("1 条尚未封存" in warning for warning in report.warnings)


def test_the_command_says_which_and_fails(trail):
    out = io.StringIO()
    call_command("audit", "verify", stdout=out)
    assert f"rows={COUNT} unsealed=0 faults=0" in out.getvalue()
    with connection.cursor() as cursor:
        unlock(cursor)
        cursor.execute("DELETE FROM audit_auditevent WHERE id = %s", [trail[3][1]])
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 处异常"):
        call_command("audit", "verify", stdout=out)
    assert f"日志 {trail[3][1]}（封存序号 4）：缺失" in out.getvalue()
    event = AuditEvent.objects.get(action="audit.verify", result="failed")
    assert event.details["found"] == [str(Fault(MISSING, trail[3][1], 4))]
