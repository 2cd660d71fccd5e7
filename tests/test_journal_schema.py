"""The schema grows by counted steps, each whole or not at all."""

from __future__ import annotations

from contextlib import closing

import pytest

from ingestd.errors import JournalError
from ingestd.journal import Journal
from ingestd.journal.connection import Database
from ingestd.journal.schema import MIGRATIONS, migrate
from journal_kit import added

NEXT = (
    "ALTER TABLE items ADD COLUMN camera TEXT; CREATE INDEX items_camera ON items (camera);",
    "CREATE TABLE clips (id INTEGER PRIMARY KEY); DROP INDEX items_camera;",
)


@pytest.fixture
def blank(tmp_path):
    (tmp_path / "blank.db").touch()
    with closing(Database(tmp_path / "blank.db", "mode=rw")) as database:
        yield database


def schema(database):
    return [
        database.rows("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"),
        database.rows("PRAGMA user_version"),
        database.rows("PRAGMA application_id"),
    ]


@pytest.mark.parametrize("scripts", [MIGRATIONS, MIGRATIONS + NEXT], ids=["released", "future"])
@pytest.mark.parametrize("start", range(len(MIGRATIONS + NEXT)))
def test_every_way_to_a_schema_leads_to_the_same_one(blank, tmp_path, scripts, start):
    migrate(blank, 0, scripts)
    (tmp_path / "old.db").touch()
    with closing(Database(tmp_path / "old.db", "mode=rw")) as old:
        migrate(old, 0, scripts[:start])
        migrate(old, len(scripts[:start]), scripts)
        assert schema(old) == schema(blank)


def test_a_migration_that_fails_changes_nothing(blank):
    migrate(blank, 0)
    before = schema(blank)
    with pytest.raises(JournalError):
        migrate(blank, len(MIGRATIONS), (*MIGRATIONS, NEXT[0], "CREATE TABLE items (id);"))
    assert schema(blank) == before


def test_a_migration_keeps_the_rows(tmp_path):
    with Journal.create_or_open(tmp_path, fstype=None) as journal:
        row = added(journal)
        migrate(journal._db, len(MIGRATIONS), MIGRATIONS + NEXT)
        assert journal.item(row.id) == row
        assert journal.find("1") == (row,)
