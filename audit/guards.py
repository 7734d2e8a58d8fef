"""The database's own refusal to change or delete what the trail holds.

PostgreSQL: triggers against UPDATE, DELETE and TRUNCATE, and no such grant to anyone but the owner
of the tables; so the portal's web role would have to break two locks and holds the key of neither.
Archiving is the one DELETE there is: by the owner, in a transaction that says so.
SQLite knows no roles: its triggers stop mistakes and careless statements, and whoever can write
the file can drop them, which the chain then tells.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import connection as default_connection

# Table → its unique columns, by which SQLite's REPLACE could delete a row unasked.
TABLES: Final = {
    "audit_auditevent": ("id", "uid"),
    "audit_auditseal": ("seq", "event_id"),
    "audit_taken": ("id",),
    "audit_takenunit": ("id",),
}

_POSTGRES: Final = """
CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('audit.archiving', true) = 'on' AND current_user =
        (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID)
    THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit trail is append-only: % of %', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE OR REPLACE FUNCTION audit_no_truncate() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    -- A test database is emptied after each test; a superuser could drop the trigger anyway.
    IF current_database() LIKE 'test\\_%' OR
        (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
    THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'the audit trail is append-only: TRUNCATE of %', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""
_POSTGRES_TABLE: Final = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_no_truncate();
DO $$
DECLARE grantee text;
BEGIN
    REVOKE UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES ON {table} FROM PUBLIC;
    FOR grantee IN
        SELECT DISTINCT pg_get_userbyid(acl.grantee)
        FROM pg_class, aclexplode(relacl) AS acl
        WHERE oid = '{table}'::regclass AND acl.grantee NOT IN (0, relowner)
    LOOP
        EXECUTE format(
            'REVOKE UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES ON {table} FROM %I', grantee);
    END LOOP;
END $$;
"""
_SQLITE_STEPS: Final = ("update", "delete", "replace")


def _sqlite(table: str, step: str) -> str:
    event, when = step.upper(), ""
    if step == "replace":
        same = " OR ".join(f"{column} = NEW.{column}" for column in TABLES[table])
        event, when = "INSERT", f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608
    return (
        f"CREATE TRIGGER {table}_no_{step} BEFORE {event} ON {table} {when} BEGIN "
        f"SELECT RAISE(ABORT, 'the audit trail is append-only: {step} of {table}'); END"
    )


def install(connection: Any) -> None:
    """Put the triggers on, and take the grants away from everyone but the owner."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRES)
        for table in TABLES:
            if connection.vendor == "postgresql":
                cursor.execute(_POSTGRES_TABLE.format(table=table))
            else:
                for step in _SQLITE_STEPS:
                    cursor.execute(_sqlite(table, step))


def remove(connection: Any) -> None:
    """Take the triggers off: for a migration backwards, and for SQLite's tests, which delete."""
    with connection.cursor() as cursor:
        for table in TABLES:
            if connection.vendor == "postgresql":
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}")
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_truncate ON {table}")
            else:
                for step in _SQLITE_STEPS:
                    cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{step}")


@contextmanager
def archiving(connection: Any = default_connection) -> Iterator[None]:
    """Let the tables' owner delete within the block, which must lie in a transaction.

    On PostgreSQL the word is good for this transaction only, and for the owner only; on SQLite the
    trigger itself is away until the end of the block, as part of the same transaction.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL audit.archiving = 'on'")
            yield
            cursor.execute("SET LOCAL audit.archiving = 'off'")
            return
        for table in TABLES:
            cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_delete")
        yield
        for table in TABLES:
            cursor.execute(_sqlite(table, "delete"))


def open_locks(connection: Any = default_connection) -> list[str]:
    """Return what does not hold of the protection, in Chinese; nothing when all does."""
    found: list[str] = []
    with connection.cursor() as cursor:
        for table in TABLES:
            if connection.vendor == "postgresql":
                found += _open_on_postgres(cursor, table)
                continue
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table]
            )
            there = {name for (name,) in cursor.fetchall()}
            wanted = {f"{table}_no_{step}" for step in _SQLITE_STEPS}
            found += [f"触发器 {name} 不在" for name in sorted(wanted - there)]
    return found


def _open_on_postgres(cursor: Any, table: str) -> Iterator[str]:
    cursor.execute(
        "SELECT tgname, tgenabled FROM pg_trigger"
        " WHERE tgrelid = %s::regclass AND NOT tgisinternal",
        [table],
    )
    state = dict(cursor.fetchall())
    for name in (f"{table}_append_only", f"{table}_no_truncate"):
        if name not in state:
            yield f"触发器 {name} 不在"
        elif state[name] not in ("O", "A"):
            yield f"触发器 {name} 被停用"
    cursor.execute(
        "SELECT DISTINCT pg_get_userbyid(acl.grantee) || ' ' || acl.privilege_type"
        " FROM pg_class, aclexplode(relacl) AS acl WHERE oid = %s::regclass"
        " AND acl.grantee <> relowner AND acl.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE')",
        [table],
    )
    for (grant,) in cursor.fetchall():
        yield f"数据库账号对 {table} 有改写权限：{grant}"
