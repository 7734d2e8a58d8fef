"""A person stands in one place: one unit, or one office, or (三员) the portal.

That keeps the 三员 out of all business and nobody supervises the unit they work for. It compares
rows, which no constraint of a row can; the engines do it by trigger.
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# Two transactions that seat one person queue at the person's row.
POSTGRESQL = """
CREATE FUNCTION membership_one_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM accounts_user WHERE id = NEW.user_id FOR UPDATE;
    IF EXISTS (
        SELECT 1 FROM accounts_membership
        WHERE user_id = NEW.user_id AND active AND id <> NEW.id
        AND (unit_id IS DISTINCT FROM NEW.unit_id OR office_id IS DISTINCT FROM NEW.office_id)
    ) THEN
        RAISE EXCEPTION 'membership_one_place'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'membership_one_place';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER membership_one_place AFTER INSERT OR UPDATE ON accounts_membership
    FOR EACH ROW WHEN (NEW.active) EXECUTE FUNCTION membership_one_place();
"""
POSTGRESQL_UNDO = """
DROP TRIGGER membership_one_place ON accounts_membership;
DROP FUNCTION membership_one_place();
"""

SQLITE = """
CREATE TRIGGER membership_one_place_{event} AFTER {event} ON accounts_membership
WHEN NEW.active BEGIN
    SELECT RAISE(ABORT, 'membership_one_place') WHERE EXISTS (
        SELECT 1 FROM accounts_membership
        WHERE user_id = NEW.user_id AND active AND id <> NEW.id
        AND (unit_id IS NOT NEW.unit_id OR office_id IS NOT NEW.office_id)
    );
END
"""
EVENTS = ("insert", "update")


def create(apps: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL)
        return
    for event in EVENTS:
        schema_editor.execute(SQLITE.format(event=event))


def drop(apps: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL_UNDO)
        return
    for event in EVENTS:
        schema_editor.execute(f"DROP TRIGGER membership_one_place_{event}")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
