"""A journal of every released schema is brought up to date with all that it knows."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ingestd.errors import JournalError
from ingestd.journal import Journal, JournalReader, Selection, add_wish
from ingestd.journal.schema import MIGRATIONS
from ingestd.model import GateName, State
from make_journal import AT, ODD
from world import World

RELEASED = sorted((Path(__file__).parent / "journals").glob("schema-*.sql"))


@pytest.fixture(params=RELEASED, ids=lambda path: path.stem)
def old(request, tmp_path):
    """A state directory with a copy of the released journal."""
    place = tmp_path / "state"
    place.mkdir(mode=0o700)
    with closing(sqlite3.connect(place / "journal.db")) as database:
        database.executescript(request.param.read_text())
    return place


def tables(path):
    """What every table holds, by its own column names."""
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        names = [
            row[0]
            for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {
            name: [dict(row) for row in database.execute(f"SELECT * FROM {name} ORDER BY 1, 2")]
            for name in names
            if not name.startswith("sqlite_")
        }


def version(path):
    with closing(sqlite3.connect(path)) as database:
        return database.execute("PRAGMA user_version").fetchone()[0]


def schema(path):
    with closing(sqlite3.connect(path)) as database:
        return set(database.execute("SELECT name, sql FROM sqlite_master"))


def test_there_is_one_of_the_first_release():
    assert RELEASED[0].name == "schema-1.sql"


def test_nothing_that_was_written_is_lost(old):
    before = tables(old / "journal.db")
    Journal.create_or_open(old, fstype=None).close()
    after = tables(old / "journal.db")
    after["meta"] = [row for row in after["meta"] if row["key"] != "closed_cleanly"]
    before["meta"] = [row for row in before["meta"] if row["key"] != "closed_cleanly"]
    for name, rows in before.items():
        kept = [{key: row[key] for key in rows[0]} for row in after[name]] if rows else after[name]
        assert kept == rows, name
    assert version(old / "journal.db") == len(MIGRATIONS)


def test_it_becomes_what_a_fresh_one_is(old, tmp_path):
    Journal.create_or_open(old, fstype=None).close()
    Journal.create_or_open(tmp_path / "fresh", fstype=None).close()
    assert schema(old / "journal.db") == schema(tmp_path / "fresh" / "journal.db")


def test_every_row_can_be_read_by_this_release(old):
    with Journal.create_or_open(old, fstype=None) as journal:
        rows = list(journal.items(Selection(hidden=True)))
        assert {row.state for row in rows} == set(State) - {State.SETTLING}
        assert journal.damaged == {}
        (odd,) = [row for row in rows if row.path == ODD]
        assert journal.item(odd.duplicate_of).state is State.PARSED
        assert sum(journal.counts().values()) == len(rows) - 1  # one is hidden
        (uploading,) = journal.in_state(State.UPLOADING)
        assert journal.last_send(uploading.id).marked_at is None
        assert {gate.name for gate in journal.gates()} == {GateName.CREDITS, GateName.PAUSED}
        assert [wish.verb for wish in journal.pending_wishes()] == ["retry"]
        assert journal.meta("key_digest") == "0123456789abcdef"
        assert [usage.uploads for usage in journal.usage("2026-05-01")] == [3]
        assert all(journal.history(row.id) for row in rows)


def test_the_daemon_goes_on_with_it(old, tmp_path):
    world = World(tmp_path)
    world.run_until_idle()
    try:
        assert world.state("/srv/drop/card/uploading.mp4") is State.QUEUED  # no mark: not accepted
        assert world.state("/srv/drop/card/confirming.mp4") is State.CONFIRMING
        assert world.far.attempts == []  # paused, and the key was another one
        assert world.events.named("loop.error", "worker.error") == []
    finally:
        world._stop()


def test_a_copy_is_kept_beside_it(old):
    before = tables(old / "journal.db")
    was = version(old / "journal.db")
    (old / f"journal-schema-{was - 1}.db").write_text("of an earlier upgrade")
    Journal.create_or_open(old, fstype=None).close()
    assert sorted(path.name for path in old.iterdir()) == [
        f"journal-schema-{was}.db",
        "journal.db",
    ]
    copy = old / f"journal-schema-{was}.db"
    assert tables(copy) == before
    assert version(copy) == was
    assert copy.stat().st_mode & 0o777 == 0o600
    Journal.create_or_open(old, fstype=None).close()  # a journal of today needs no copy
    assert tables(copy) == before


def test_what_was_only_in_the_log_is_in_the_copy(old):
    with closing(sqlite3.connect(old / "journal.db")) as crashed:
        crashed.execute("PRAGMA journal_mode = WAL")
        crashed.execute("INSERT INTO meta VALUES ('late', '1')")
        crashed.commit()
        Journal.create_or_open(old, fstype=None).close()
    (copy,) = old.glob("journal-schema-*.db")
    assert {"key": "late", "value": "1"} in tables(copy)["meta"]


def refused(old, match):
    before = tables(old / "journal.db")
    with pytest.raises(JournalError, match=match):
        Journal.create_or_open(old, fstype=None)
    assert tables(old / "journal.db") == before
    assert version(old / "journal.db") < len(MIGRATIONS)
    assert list(old.glob("*.part")) == list(old.glob("journal-schema-*")) == []


def test_without_room_for_the_copy_nothing_is_changed(old, monkeypatch):
    room = os.statvfs_result((4096, 4096, 0, 0, 100, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: room)
    refused(old, r"it needs 16 MB, and .* has 0 MB free.* Nothing was changed: make room")
    monkeypatch.undo()
    Journal.create_or_open(old, fstype=None).close()


def test_a_copy_that_cannot_be_finished_stops_the_upgrade(old):
    size = (old / "journal.db").stat().st_size
    script = (
        "import sys, pathlib\n"
        "from ingestd.journal import Journal\n"
        "try: Journal.create_or_open(pathlib.Path(sys.argv[1]), fstype=None)\n"
        "except Exception as error: print(error)\n"
    )

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))

    done = subprocess.run(
        [sys.executable, "-c", script, str(old)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=limited,
    )
    assert "is of an older ingestd" in done.stdout
    assert "could not be written" in done.stdout
    assert version(old / "journal.db") < len(MIGRATIONS)
    assert list(old.glob("journal-schema-*")) == []


def test_commands_leave_an_old_journal_to_the_daemon(old):
    for opening in (JournalReader.open, lambda place: add_wish(place, "pause", {}, AT)):
        with pytest.raises(JournalError, match="older ingestd: start the daemon of this release"):
            opening(old)


def test_a_downgrade_is_refused_with_a_sentence(old):
    Journal.create_or_open(old, fstype=None).close()
    with closing(sqlite3.connect(old / "journal.db")) as database:
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = tables(old / "journal.db")
    with pytest.raises(JournalError, match=r"written by a newer ingestd .* use that release again"):
        Journal.create_or_open(old, fstype=None)
    assert tables(old / "journal.db") == before
