"""A journal is opened as it should be, or refused with a remedy and left as it is."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ingestd.errors import Exit, JournalError
from ingestd.journal import (
    CorruptJournalError,
    DiskFullError,
    Journal,
    JournalBusyError,
    JournalReader,
    ReadOnlyJournalError,
    Selection,
    add_wish,
)
from ingestd.journal.schema import APPLICATION_ID, MIGRATIONS
from ingestd.model import State
from journal_kit import AT, a_file, added, numbered

NOBODY = 65534


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir() if "shm" not in path.name}


def sql(state_dir, script):
    with closing(sqlite3.connect(state_dir / "journal.db")) as connection:
        connection.executescript(script)


@pytest.fixture
def closed(tmp_path):
    """The state directory of a journal with 200 rows that was closed."""
    journal = Journal.create_or_open(tmp_path / "state", fstype="ext4")
    with journal, journal.transaction():
        numbered(journal, 200)
    return tmp_path / "state"


@pytest.fixture
def killed(closed, tmp_path):
    """The same as a power cut leaves it: files copied under a running writer."""
    with Journal.create_or_open(closed, fstype="ext4") as journal:
        added(journal, path="/srv/late.mp4")
        shutil.copytree(closed, tmp_path / "killed")
    (tmp_path / "killed" / "journal.db-shm").unlink()
    return tmp_path / "killed"


def test_a_new_journal_is_for_its_owner_only(tmp_path):
    place = tmp_path / "new" / "state"
    previous = os.umask(0)
    try:
        with Journal.create_or_open(place, fstype=None) as journal:
            added(journal)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()}
    finally:
        os.umask(previous)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert modes == dict.fromkeys(["journal.db", "journal.db-shm", "journal.db-wal"], 0o600)


def test_a_directory_that_is_there_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o750)
    Journal.create_or_open(tmp_path, fstype=None).close()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


def test_a_commit_is_on_disk_before_it_returns(tmp_path):
    with Journal.create_or_open(tmp_path, fstype="ext4") as journal:
        full = 2
        assert journal._db.value("PRAGMA synchronous") == full
        assert journal._db.value("PRAGMA journal_mode") == "wal"
        assert journal._db.value("PRAGMA foreign_keys") == 1
        assert journal._db.value("PRAGMA application_id") == APPLICATION_ID
        assert journal.schema_version == len(MIGRATIONS)


@pytest.mark.parametrize("fstype", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse"])
def test_a_network_file_system_is_refused(tmp_path, fstype):
    with pytest.raises(JournalError, match=r"network file system .*state_dir") as refused:
        Journal.create_or_open(tmp_path / "state", fstype=fstype)
    assert refused.value.exit_code is Exit.JOURNAL
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("fstype", ["ext4", "xfs", "btrfs", "zfs", "fuseblk", "tmpfs", None])
def test_a_local_file_system_is_taken(tmp_path, fstype):
    Journal.create_or_open(tmp_path, fstype=fstype).close()


def test_without_a_journal_a_reader_says_how_to_get_one(tmp_path):
    with pytest.raises(JournalError, match=r"no journal in .* yet.*ingestd run"):
        JournalReader.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


CHILD = """
import sys
from pathlib import Path
from journal_kit import AT, a_file
from ingestd.journal import Journal
journal = Journal.create_or_open(Path(sys.argv[1]), fstype=None)
journal.add(a_file(path="/srv/committed.mp4"), "file.queued", AT)
with journal.transaction():
    journal.add(a_file(path="/srv/open.mp4"), "file.queued", AT)
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_after_a_kill_what_was_committed_is_there_and_nothing_else(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    ) as child:
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(signal.SIGKILL)
    with JournalReader.open(tmp_path) as reader:
        assert [row.path for row in reader.items(Selection())] == ["/srv/committed.mp4"]
    with Journal.create_or_open(tmp_path, fstype=None) as journal:
        assert [row.path for row in journal.items(Selection())] == ["/srv/committed.mp4"]
        assert journal.current("/srv/open.mp4") is None
        assert len(journal.history(1)) == 1


def test_a_first_start_that_was_cut_short_is_made_good(tmp_path):
    (tmp_path / "journal.db").touch(mode=0o600)
    Journal.create_or_open(tmp_path, fstype=None).close()
    (tmp_path / "journal.db").unlink()
    sql(tmp_path, "PRAGMA journal_mode = WAL")
    with Journal.create_or_open(tmp_path, fstype=None) as journal:
        added(journal)


def test_a_reader_sees_commits_of_a_running_writer(closed):
    journal = Journal.create_or_open(closed, fstype=None)
    with journal, JournalReader.open(closed) as reader:
        with journal.transaction():
            row = added(journal, path="/srv/new.mp4")
            assert reader.item(row.id) is None
        assert reader.item(row.id) == row


def test_a_reader_writes_nothing(closed):
    with JournalReader.open(closed) as reader:
        for statement in ("DELETE FROM items", "PRAGMA user_version = 9"):
            with pytest.raises(ReadOnlyJournalError):
                reader._db.rows(statement)


def test_open_never_makes_a_writer(closed):
    with Journal.open(closed) as reader:
        assert not isinstance(reader, Journal)


@contextmanager
def read_only(directory):
    """The directory as one sees it who may read its files but not write there."""
    for path in directory.iterdir():
        os.chown(path, NOBODY if os.geteuid() == 0 else -1, -1)
    directory.chmod(0o555)
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)
    else:
        yield
    directory.chmod(0o755)


@pytest.fixture
def open_place():
    """A directory that every user can reach, unlike those of the tests."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        yield Path(place)


def test_a_journal_can_be_read_where_nothing_can_be_written(closed, open_place):
    place = shutil.copytree(closed, open_place / "state")
    with read_only(place), JournalReader.open(place) as reader:
        assert reader.counts()[State.QUEUED] == 200
        assert len(list(reader.items(Selection()))) == 200
    assert [path.name for path in place.iterdir()] == ["journal.db"]


def test_a_log_that_cannot_be_read_is_not_ignored(killed, open_place):
    place = shutil.copytree(killed, open_place / "state")
    with read_only(place), pytest.raises(ReadOnlyJournalError, match="owner"):
        JournalReader.open(place)


def test_a_journal_of_somebody_else_says_who_should_run_this(closed, open_place):
    place = shutil.copytree(closed, open_place / "state")
    if os.geteuid() != 0:
        (place / "journal.db").chmod(0)
        with pytest.raises(ReadOnlyJournalError, match="owner"):
            JournalReader.open(place)
        return
    os.seteuid(NOBODY)
    try:
        with pytest.raises(ReadOnlyJournalError, match="owner"):
            JournalReader.open(place)
        with pytest.raises(ReadOnlyJournalError, match="owner"):
            Journal.create_or_open(place, fstype=None)
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    "opening",
    [
        JournalReader.open,
        lambda state_dir: Journal.create_or_open(state_dir, fstype=None),
        lambda state_dir: add_wish(state_dir, "pause", {}, AT),
    ],
    ids=["reader", "writer", "wish"],
)
class TestRefusal:
    def refuse(self, opening, state_dir, kind, sentence):
        before = contents(state_dir)
        with pytest.raises(kind, match=sentence):
            opening(state_dir)
        after = contents(state_dir)
        assert {name: after[name] for name in before} == before
        assert not any(data for name, data in after.items() if name not in before)

    def test_a_newer_schema_is_left_alone(self, opening, closed):
        sql(closed, f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        self.refuse(opening, closed, JournalError, "newer ingestd")

    def test_a_file_that_is_no_database_is_left_alone(self, opening, tmp_path):
        (tmp_path / "journal.db").write_bytes(b"not a journal, but somebody's file " * 500)
        self.refuse(
            opening,
            tmp_path,
            CorruptJournalError,
            "ingestd recover. It moves the journal aside, keeps it",
        )

    def test_a_database_of_another_program_is_left_alone(self, opening, tmp_path):
        sql(tmp_path, "CREATE TABLE theirs (x)")
        self.refuse(opening, tmp_path, CorruptJournalError, "another program")

    def test_a_link_is_not_followed(self, opening, closed, tmp_path):
        other = tmp_path / "other"
        other.mkdir()
        (other / "journal.db").symlink_to(closed / "journal.db")
        self.refuse(opening, other, JournalError, "not a regular file")


def damage(state_dir):
    """Overwrite each page of the file that names a certain clip."""
    content = (state_dir / "journal.db").read_bytes()
    pages = [content[start : start + 4096] for start in range(0, len(content), 4096)]
    pages = [b"\xa5" * 4096 if b"0100.mp4" in page else page for page in pages]
    (state_dir / "journal.db").write_bytes(b"".join(pages))


def test_after_a_power_cut_a_damaged_journal_is_found_and_left_as_it_is(killed):
    damage(killed)
    before = contents(killed)
    with pytest.raises(CorruptJournalError, match=r"damaged .*then: ingestd recover"):
        Journal.create_or_open(killed, fstype=None)
    assert contents(killed) == before


def test_after_a_power_cut_a_sound_journal_goes_on(killed):
    with Journal.create_or_open(killed, fstype=None) as journal:
        assert journal.current("/srv/late.mp4") is not None
        assert journal.count(Selection()).files == 201


def test_damage_that_shows_while_running_is_checked_at_the_next_start(closed):
    damage(closed)
    journal = Journal.create_or_open(closed, fstype=None)
    with pytest.raises(CorruptJournalError):
        list(journal.items(Selection()))
    journal.close()
    with pytest.raises(CorruptJournalError):
        Journal.create_or_open(closed, fstype=None)


def test_an_older_journal_is_brought_up_to_date_by_the_daemon_only(closed):
    sql(closed, "PRAGMA user_version = 0")
    with pytest.raises(JournalError, match="older ingestd"):
        JournalReader.open(closed)
    with pytest.raises(JournalError, match="older ingestd"):
        add_wish(closed, "pause", {}, AT)


def test_a_journal_that_is_being_made_is_not_there_yet(tmp_path):
    (tmp_path / "journal.db").touch()  # as in the first moments of the first start
    with pytest.raises(JournalError, match="There is no journal"):
        JournalReader.open(tmp_path)


def test_a_locked_journal_says_what_holds_it(closed):
    with (
        Journal.create_or_open(closed, fstype=None) as journal,
        closing(sqlite3.connect(closed / "journal.db", isolation_level=None)) as other,
    ):
        journal._db.rows("PRAGMA busy_timeout = 0")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalBusyError, match="backup"):
            journal.add(a_file(), "file.queued", AT)
        # a lock that lasts is not waited for again and again: the loop tells people of it
        assert journal._db.value("PRAGMA busy_timeout") == 100
        other.execute("ROLLBACK")
        journal.add(a_file(), "file.queued", AT)
        assert journal._db.value("PRAGMA busy_timeout") == 5000


def test_a_closed_journal_leaves_one_file(closed):
    with Journal.create_or_open(closed, fstype=None) as journal:
        added(journal, path="/srv/x.mp4")
        journal.checkpoint()
    assert [path.name for path in closed.iterdir()] == ["journal.db"]


def test_a_journal_closes_on_a_full_disk_too(closed):
    with Journal.create_or_open(closed, fstype=None) as journal:
        pages = journal._db.value("PRAGMA page_count")
        journal._db.rows(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(DiskFullError):
            journal.set_meta("ballast", "x" * 1_000_000)
    with Journal.create_or_open(closed, fstype=None) as journal:
        assert journal.meta("ballast") is None


def test_a_directory_with_an_odd_name_holds_a_journal(tmp_path):
    place = tmp_path / os.fsdecode(b"a?b#c%41 \xff")
    Journal.create_or_open(place, fstype=None).close()
    with JournalReader.open(place) as reader:
        assert reader.counts()[State.QUEUED] == 0
    assert [path.name for path in place.iterdir() if path.suffix == ".db"] == ["journal.db"]
