"""Old events go to a signed file that is read back first, and verify together with the rest."""

import datetime as dt
import gzip
import io
import json
from dataclasses import asdict

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection

from audit import anchors, archives, digests, guards, sealing
from audit.models import AuditEvent, AuditSeal
from audit.policy import policy
from audit.trail import SYSTEM, record
from audit.verification import verify

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 9, 1, 4, 0, tzinfo=dt.UTC)
OLD = NOW - dt.timedelta(days=policy().live_days + 10)
EDGE = (NOW - dt.timedelta(days=policy().live_days)).date()


def write(count: int) -> None:
    for n in range(count):
        record(
            "list.export", None, by=SYSTEM, label=f"第 {n} 条", details={"rows": n, "说明": "甲"}
        )
    sealing.seal()


@pytest.fixture
def trail(monkeypatch):
    """Seven old events, anchored, and three young ones."""
    monkeypatch.setattr(archives, "BATCH", 3)
    with time_machine.travel(OLD, tick=False):
        write(7)
        anchors.write()
    with time_machine.travel(NOW, tick=False):
        write(3)
        yield


def test_old_rows_move_to_a_file_and_verify_with_the_rest(trail):
    made = archives.archive(before=EDGE)
    assert (made.first_seq, made.last_seq) == (1, 7)
    assert list(AuditSeal.objects.values_list("seq", flat=True)) == [8, 9, 10]
    event = AuditEvent.objects.get(action="audit.archive")
    assert event.details == {"rows": 7, "sha256": made.rows_sha256}
    sealing.seal()
    report = verify()
    assert (report.rows, report.faults) == (11, [])
    assert not any("归档" in warning for warning in report.warnings)
    lines = gzip.decompress(made.path.read_bytes()).decode().splitlines()
    assert [json.loads(line)["event"]["details"]["rows"] for line in lines] == list(range(7))


def test_a_second_archive_follows_the_first(trail):
    archives.archive(before=EDGE)
    with pytest.raises(archives.NotArchived, match="没有可归档"):
        archives.archive(before=EDGE)
    sealing.seal()
    later = NOW + dt.timedelta(days=policy().live_days + 2)
    with time_machine.travel(later, tick=False):
        write(2)
        archives.archive(before=later.date() - dt.timedelta(days=policy().live_days))
        assert [a.first_seq for a in archives.every()] == [1, 8]
        sealing.seal()
        assert verify().faults == []


def test_the_newest_seal_stays_so_that_the_chain_goes_on(monkeypatch):
    with time_machine.travel(OLD, tick=False):
        write(3)
    with time_machine.travel(NOW, tick=False):
        assert archives.archive(before=EDGE).last_seq == 2
        sealing.seal()
        assert verify().faults == []


def test_what_must_stay_is_not_archived(trail):
    with pytest.raises(archives.NotArchived, match="最晚可归档到"):
        archives.archive(before=EDGE + dt.timedelta(days=1))
    with pytest.raises(archives.NotArchived, match="没有可归档"):
        archives.archive(before=EDGE - dt.timedelta(days=100))


def test_rows_that_are_not_sound_are_not_archived(trail, monkeypatch):
    real = archives._values

    def spoilt(row):
        values = real(row)
        return (
            values | {"object_label": "别的"} if values.get("object_label") == "第 4 条" else values
        )

    monkeypatch.setattr(archives, "_values", spoilt)
    with pytest.raises(archives.NotArchived, match=r"内容被改动"):
        archives.archive(before=EDGE)
    assert AuditSeal.objects.count() == 10
    assert archives.every() == []


def test_an_archive_that_was_changed_or_lost_is_told(trail):
    made = archives.archive(before=EDGE)
    sealing.seal()
    rows = gzip.decompress(made.path.read_bytes()).decode().replace("第 4 条", "别的")
    made.path.write_bytes(gzip.compress(rows.encode()))
    report = verify()
    assert [fault.seq for fault in report.faults] == [5]
    assert any("内容文件被改动" in warning for warning in report.warnings)
    made.path.unlink()
    report = verify()
    assert report.faults == []
    assert any("不在本机" in warning for warning in report.warnings)
    (archives.folder() / f"{made.name}.json").write_text("none")
    report = verify()
    assert [(f.seq, f.last) for f in report.faults] == [(1, 7)]
    assert f"{made.name}.json 不是归档清单" in report.warnings


def forged(first, last):
    """A manifest that nobody signed, in place of rows that somebody took away."""
    seals = AuditSeal.objects.in_bulk([last])
    made = archives.Archive(
        first_seq=first,
        last_seq=last,
        chain_before="",
        chain_after=seals[last].chain,
        rows_sha256="0" * 64,
        written_at=NOW.isoformat(),
        algorithm="sha256",
        key_id=digests.current()[1],
        mac="0" * 64,
    )
    path = archives.folder() / f"{made.name}.json"
    path.write_text(json.dumps(asdict(made)), encoding="utf-8")


def test_a_manifest_that_is_not_ours_stands_for_no_rows(trail):
    forged(1, 4)
    with connection.cursor() as cursor, guards.archiving():
        cursor.execute(
            "DELETE FROM audit_auditevent WHERE id IN"
            " (SELECT event_id FROM audit_auditseal WHERE seq <= 4)"
        )
        cursor.execute("DELETE FROM audit_auditseal WHERE seq <= 4")
    report = verify()
    assert [(f.seq, f.last) for f in report.faults] == [(1, 4)]
    assert any("签名不符" in warning for warning in report.warnings)
    begun = NOW - dt.timedelta(days=policy().live_days + 30)  # before the first of them
    assert [(f.seq, f.last) for f in verify(since=begun).faults] == [(1, 4)]


def test_an_archive_that_ends_too_early_is_a_fault(trail):
    made = archives.archive(before=EDGE)
    sealing.seal()
    lines = gzip.decompress(made.path.read_bytes()).splitlines(keepends=True)
    made.path.write_bytes(gzip.compress(b"".join(lines[:5])))
    assert [(f.seq, f.last) for f in verify().faults] == [(6, 7)]
    made.path.write_bytes(b"not a file of rows")
    assert [(f.seq, f.last) for f in verify().faults] == [(1, 7)]


def test_the_command_tells_what_it_did_and_why_it_did_not(trail):
    out = io.StringIO()
    call_command("audit", "archive", before=EDGE, stdout=out)
    assert "已归档封存序号 1 至 7" in out.getvalue()
    with pytest.raises(CommandError, match="没有可归档"):
        call_command("audit", "archive", before=EDGE)
