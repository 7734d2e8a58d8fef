"""The two roles of production on a PostgreSQL of their own: the web role adds, and no more."""

import datetime as dt
import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from audit.policy import policy
from tests.tools.common import ROOT
from tools import services

pytestmark = pytest.mark.slow
TABLES = ("audit_auditevent", "audit_auditseal")
OLD = 3  # sound events that the web role recorded and sealed long ago
LONG_AGO = f"""
import datetime, time_machine
from django.utils import timezone
from audit.sealing import seal
from audit.trail import SYSTEM, record
with time_machine.travel(timezone.now() - datetime.timedelta(days={policy().live_days + 30})):
    for _ in range({OLD}):
        record("audit.verify", None, by=SYSTEM)
    seal()
"""


@dataclass(frozen=True)
class Portal:
    """A database that `migrate` has prepared as in production, and both ways into it."""

    owner: Any
    web: Any
    env: dict[str, str]

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            check=True,
        )


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    programs = services.postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server programs")
    folder: Path = tmp_path_factory.mktemp("roles")
    secrets = folder / "secrets"
    subprocess.run([ROOT / "deploy" / "make-secrets", secrets], check=True, capture_output=True)
    with services.own_postgres(programs) as url:
        subprocess.run(
            ["psql", url, "--quiet", "--file", ROOT / "deploy" / "postgres-roles.sql"],
            env={**os.environ, "SECRETS_DIR": str(secrets)},
            check=True,
            capture_output=True,
        )
        place = url.rpartition("@")[2].partition("/")[0]
        for name in ("database_url", "database_owner_url"):
            given = (secrets / name).read_text().replace("@postgres/", f"@{place}/")
            (folder / name).write_text(given)
        env = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        env |= {
            "EMAILSEC_VAR_DIR": str(folder / "var"),
            "DATABASE_URL_FILE": str(folder / "database_url"),
            "DATABASE_OWNER_URL_FILE": str(folder / "database_owner_url"),
        }
        owner = psycopg2.connect((folder / "database_owner_url").read_text())
        web = psycopg2.connect((folder / "database_url").read_text())
        owner.autocommit = web.autocommit = True
        made = Portal(owner, web, env)
        made.manage("migrate", "audit")
        made.manage("shell", "--no-imports", "-c", LONG_AGO)
        yield made
        owner.close()
        web.close()


def add(connection: Any, number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditevent (uid, at, actor_label, actor_role, action, object_type,"
            " object_id, object_label, details, result, algorithm, key_id, digest) VALUES"
            " (gen_random_uuid(), now(), '系统', '', 'x.y', '', '', %s, '{}', 'ok', '', '', '')",
            [str(number)],
        )
        cursor.execute(
            "INSERT INTO audit_auditseal (seq, event_id, digest, chain, sealed_at, algorithm,"
            " key_id) VALUES (%s, lastval(), '', '', now(), '', '')",
            [number],
        )


def carried_out(connection: Any, *statements: str) -> list[str]:
    """Those of the statements that the database did not refuse."""
    done = []
    for statement in statements:
        with connection.cursor() as cursor:
            try:
                cursor.execute(statement)
            except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.IntegrityError):
                continue
        done.append(statement)
    return done


@pytest.mark.parametrize("table", TABLES)
def test_the_web_role_adds_and_reads_and_can_do_nothing_else(portal: Portal, table: str):
    add(portal.web, TABLES.index(table) + 11)
    with portal.web.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone()[0] > 0
        cursor.execute("SET audit.archiving = 'on'")  # anyone may say the word
    attempts = (
        f"UPDATE {table} SET digest = ''",
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
        f"TRUNCATE {table} RESTART IDENTITY CASCADE",
        f"ALTER TABLE {table} DISABLE TRIGGER ALL",
        f"ALTER TABLE {table} ADD COLUMN x int",
        f"DROP TRIGGER {table}_append_only ON {table}",
        f"DROP TABLE {table}",
        f"GRANT ALL ON {table} TO emailsec_web",
        "SET session_replication_role = replica",
        "SET ROLE emailsec_owner",
        "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger"
        " LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    )
    # A GRANT without the right to grant is only a warning in PostgreSQL, and changes nothing.
    assert set(carried_out(portal.web, *attempts)) <= {attempts[8]}
    assert carried_out(portal.web, attempts[0], attempts[1]) == []


@pytest.mark.parametrize("table", TABLES)
def test_the_owner_deletes_only_by_saying_so_and_never_changes(portal: Portal, table: str):
    add(portal.owner, TABLES.index(table) + 21)
    attempts = (f"UPDATE {table} SET digest = ''", f"DELETE FROM {table}", f"TRUNCATE {table}")
    assert carried_out(portal.owner, *attempts) == []
    with portal.owner.cursor() as cursor:
        cursor.execute("SET audit.archiving = 'on'")
        assert carried_out(portal.owner, attempts[0], attempts[2]) == []
        cursor.execute("BEGIN")
        cursor.execute(f"DELETE FROM {table}")
        assert cursor.rowcount > 0
        cursor.execute("ROLLBACK")
        cursor.execute("RESET audit.archiving")


def test_the_portal_seals_and_anchors_as_the_web_role(portal: Portal):
    add(portal.web, 31)
    with portal.web.cursor() as cursor:
        cursor.execute("SELECT max(seq) FROM audit_auditseal")
        before = cursor.fetchone()[0]
        cursor.execute(
            "INSERT INTO audit_auditevent (uid, at, actor_label, actor_role, action, object_type,"
            " object_id, object_label, details, result, algorithm, key_id, digest) VALUES"
            " (gen_random_uuid(), now(), '系统', '', 'x.y', '', '', '', '{}', 'ok', '', '', '')"
        )
    assert "已封存 1 条" in portal.manage("audit", "seal").stdout
    assert f"seq={before + 1} " in portal.manage("audit", "anchor").stdout


def test_old_events_are_archived_by_the_owner_alone(portal: Portal):
    before = (dt.date.today() - dt.timedelta(days=policy().live_days + 10)).isoformat()
    archive = ("audit", "archive", "--before", before)
    portal.manage(*archive)
    [rows] = (Path(portal.env["EMAILSEC_VAR_DIR"]) / "audit" / "archives").glob("*.gz")
    assert len(gzip.decompress(rows.read_bytes()).splitlines()) == OLD
    with portal.web.cursor() as cursor:
        cursor.execute("SELECT min(seq) FROM audit_auditseal")
        assert cursor.fetchone()[0] > OLD
