"""The embedded default: its triggers refuse what roles would elsewhere."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from tests.tools.common import ROOT

pytestmark = pytest.mark.slow
EVENT = (
    "INSERT INTO audit_auditevent (id, uid, at, actor_label, actor_role, action, object_type,"
    " object_id, object_label, details, result, algorithm, key_id, digest) VALUES"
    " (1, 'u1', '2026-01-01', '系统', '', 'x.y', '', '', '', '{}', 'ok', '', '', '')"
)
SEAL = (
    "INSERT INTO audit_auditseal (seq, event_id, digest, chain, sealed_at, algorithm, key_id)"
    " VALUES (1, 1, '', '', '2026-01-01', '', '')"
)


@pytest.fixture
def database(tmp_path):
    env = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "audit", "--verbosity=0"],
        cwd=ROOT,
        env=env | {"EMAILSEC_VAR_DIR": str(tmp_path)},
        check=True,
    )
    with closing(sqlite3.connect(tmp_path / "portal.sqlite3", isolation_level=None)) as opened:
        opened.execute(EVENT)
        opened.execute(SEAL)
        yield opened


def test_rows_are_added_and_nothing_else(database):
    for table in ("audit_auditevent", "audit_auditseal"):
        for statement in (
            f"UPDATE {table} SET digest = 'x'",
            f"DELETE FROM {table}",
            (EVENT if "event" in table else SEAL).replace("INSERT", "INSERT OR REPLACE", 1),
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(statement)
        assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,)
    # A new row that would push another out by its unique number is one more way to delete.
    other = EVENT.replace("INSERT", "INSERT OR REPLACE", 1).replace("(1, 'u1'", "(2, 'u1'")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        database.execute(other)
