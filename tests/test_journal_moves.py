"""Rows change whole, once, and only as the table of moves allows."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from ingestd.errors import IllegalMoveError, JournalError, StaleMoveError
from ingestd.journal import ConflictError, DiskFullError, Journal, JournalReader, Selection
from ingestd.model import Reason, State, Step
from journal_kit import AT, a_file, added, dump, numbered


@pytest.fixture
def journal(tmp_path):
    with Journal.create_or_open(tmp_path / "state", fstype="ext4") as journal:
        yield journal


def uploading(item):
    return replace(item, state=State.UPLOADING, upload_name="clip~ab.mp4", scope="unique_id=x")


def test_a_move_changes_the_row_and_leaves_one_line_of_history(journal):
    row = journal.add(a_file(), "file.queued", AT, "new")
    moved = journal.move(row, uploading(row), "upload.started", AT + 1)
    assert moved == replace(uploading(row), updated_at=AT + 1)
    assert journal.item(row.id) == moved
    assert journal.history(row.id) == (
        Step(AT, None, State.QUEUED, "file.queued", "new"),
        Step(AT + 1, State.QUEUED, State.UPLOADING, "upload.started", None),
    )


def test_a_revision_leaves_no_history(journal):
    row = journal.add(a_file(), "file.queued", AT)
    revised = journal.revise(row, replace(row, next_attempt_at=AT + 60, delay=60.0), AT + 1)
    assert journal.item(row.id) == revised
    assert len(journal.history(row.id)) == 1


def test_a_note_leaves_history_without_a_change(journal):
    row = journal.add(a_file(), "file.queued", AT)
    journal.note(row, "file.renamed", AT + 1, "was /srv/old.mp4")
    assert journal.item(row.id) == row
    assert journal.history(row.id)[1] == Step(
        AT + 1, State.QUEUED, State.QUEUED, "file.renamed", "was /srv/old.mp4"
    )


@pytest.mark.parametrize("later", [AT + 1, AT, AT - 3600], ids=["later", "same time", "clock back"])
def test_a_decision_on_an_old_row_is_refused_and_changes_nothing(journal, later):
    row = journal.add(a_file(), "file.queued", AT)
    journal.revise(row, replace(row, attempts=1), later)
    before = dump(journal)
    with pytest.raises(StaleMoveError, match="nothing was changed"):
        journal.move(row, uploading(row), "upload.started", AT + 2)
    with pytest.raises(StaleMoveError):
        journal.revise(row, replace(row, attempts=2), AT + 2)
    assert dump(journal) == before


def test_many_changes_in_one_moment_are_told_apart(journal):
    rows = [journal.add(a_file(), "file.queued", AT)]
    for attempt in range(4):
        rows.append(journal.revise(rows[-1], replace(rows[-1], attempts=attempt), AT))
    for old in rows[:-1]:
        with pytest.raises(StaleMoveError):
            journal.revise(old, replace(old, attempts=9), AT)


def test_a_row_that_is_not_there_cannot_be_moved(journal):
    with pytest.raises(StaleMoveError):
        journal.move(a_file(id=7), uploading(a_file(id=7)), "upload.started", AT)
    with pytest.raises(ConflictError, match="FOREIGN KEY"):
        journal.note(a_file(id=7), "file.renamed", AT)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (State.PARSED, State.QUEUED),
        (State.INDEXING, State.QUEUED),
        (State.QUEUED, State.PARSED),
        (State.CONFIRMING, State.GONE),
        (State.QUEUED, State.SETTLING),
    ],
)
def test_a_move_that_the_table_does_not_know_is_refused(journal, start, end):
    row = added(journal, state=start)
    before = dump(journal)
    with pytest.raises(IllegalMoveError):
        journal.move(row, replace(row, state=end), "upload.magic", AT + 1)
    assert dump(journal) == before


def test_a_new_row_begins_only_where_files_begin(journal):
    with pytest.raises(IllegalMoveError):
        journal.add(a_file(state=State.PARSED), "file.queued", AT)
    row = journal.restore(a_file(state=State.PARSED, video_no="VI1"), "recover.found", AT)
    assert journal.current(row.path) == row


def test_a_revision_cannot_hide_a_move(journal):
    row = journal.add(a_file(), "file.queued", AT)
    with pytest.raises(IllegalMoveError, match="history"):
        journal.revise(row, uploading(row), AT + 1)


def test_a_path_that_is_made_again_gets_a_new_row_and_keeps_the_old_one(journal):
    old = added(journal, state=State.PARSED, video_no="VI1")
    new = journal.add(a_file(fingerprint="cd" * 16), "file.queued", AT + 1)
    assert journal.current(old.path) == new
    assert journal.find(old.path) == (new, old)
    assert list(journal.items(Selection())) == [old, new]
    assert journal.item(old.id) == old


def test_a_fact_of_the_past_does_not_take_the_path_of_the_current_row(journal):
    now = journal.add(a_file(), "file.queued", AT)
    past = journal.restore(a_file(state=State.PARSED, video_no="VI1"), "recover.found", AT + 1)
    assert journal.current(now.path) == now
    assert journal.find(now.path) == (now, past)


def test_a_superseded_row_still_moves_on(journal):
    old = added(journal, state=State.INDEXING, video_no="VI1")
    new = journal.add(a_file(), "file.queued", AT + 1)
    journal.move(old, replace(old, state=State.PARSED), "index.parsed", AT + 2)
    assert journal.current(old.path) == new


def test_a_rename_takes_the_path_of_the_row_that_stood_there(journal):
    here = added(journal, path="/srv/new.mp4", state=State.GONE, reason=Reason.REPLACED)
    row = added(journal, path="/srv/old.mp4")
    renamed = journal.revise(row, replace(row, path="/srv/new.mp4"), AT + 1)
    assert journal.current("/srv/new.mp4") == renamed
    assert journal.current("/srv/old.mp4") is None
    assert journal.item(here.id) == here


def test_a_path_means_the_row_that_stands_there_though_it_is_the_older_one(journal):
    row = added(journal, path="/srv/old.mp4")
    before = added(journal, path="/srv/new.mp4")
    renamed = journal.revise(row, replace(row, path="/srv/new.mp4"), AT + 1)
    assert journal.find("/srv/new.mp4") == (renamed, before)


def test_a_rename_takes_the_path_though_its_own_was_taken_meanwhile(journal):
    row = added(journal, path="/srv/a.mp4")
    other = journal.add(a_file(path="/srv/a.mp4"), "file.queued", AT)
    renamed = journal.rename(row, replace(row, path="/srv/b.mp4"), AT + 1)
    assert journal.current("/srv/b.mp4") == renamed
    assert journal.current("/srv/a.mp4") == other


def test_renaming_a_superseded_row_takes_no_path(journal):
    old = added(journal, path="/srv/a.mp4", state=State.UPLOADING)
    journal.add(a_file(path="/srv/a.mp4"), "file.queued", AT)
    other = added(journal, path="/srv/b.mp4")
    journal.revise(old, replace(old, path="/srv/b.mp4"), AT + 1)
    assert journal.current("/srv/b.mp4") == other


def test_the_database_links_a_video_to_one_row_only(journal):
    added(journal, path="/srv/a.mp4", state=State.INDEXING, video_no="VI1")
    other = added(journal, path="/srv/b.mp4", state=State.UPLOADING)
    before = dump(journal)
    with pytest.raises(ConflictError, match="video_no"):
        journal.move(
            other, replace(other, state=State.INDEXING, video_no="VI1"), "upload.accepted", AT + 1
        )
    with pytest.raises(ConflictError, match="video_no"):
        journal.restore(a_file(path="/srv/a.mp4", video_no="VI1"), "recover.found", AT + 1)
    assert dump(journal) == before


def test_a_row_that_is_refused_leaves_the_current_row_of_its_path_in_place(journal):
    standing = added(journal, video_no="VI1")
    with journal.transaction():
        with pytest.raises(ConflictError):
            journal.add(a_file(video_no="VI1"), "file.queued", AT)
        kept = added(journal, path="/srv/other.mp4")
    assert journal.current(standing.path) == standing
    assert journal.item(kept.id) == kept


def test_a_transaction_is_all_or_nothing(journal):
    row = journal.add(a_file(), "file.queued", AT)
    before = dump(journal)

    def fail_late():
        with journal.transaction():
            journal.move(row, uploading(row), "upload.started", AT + 1)
            journal.set_meta("x", 1)
            raise KeyError

    with pytest.raises(KeyError):
        fail_late()
    assert dump(journal) == before
    assert journal.meta("x") is None


def test_many_moves_share_one_commit(journal, tmp_path):
    rows = numbered(journal, 32)
    with JournalReader.open(tmp_path / "state") as reader:
        with journal.transaction():
            for row in rows:
                journal.move(row, uploading(row), "upload.started", AT + 1)
            assert reader.counts()[State.QUEUED] == 32
        assert reader.counts()[State.UPLOADING] == 32


def test_an_inner_block_that_fails_undoes_only_itself(journal):

    def fail():
        with journal.transaction():
            journal.set_meta("inner", 1)
            raise KeyError

    with journal.transaction():
        journal.set_meta("outer", 1)
        with pytest.raises(KeyError):
            fail()
        journal.set_meta("after", 1)
    assert [journal.meta(key) for key in ("outer", "inner", "after")] == [1, None, 1]


def test_a_change_outside_a_transaction_is_refused(journal):
    with pytest.raises(JournalError, match="outside a transaction"):
        journal._db.write("DELETE FROM meta")


def test_a_full_disk_says_so_and_leaves_nothing_half_done(journal):
    rows = numbered(journal, 3)
    pages = journal._db.value("PRAGMA page_count")
    journal._db.rows(f"PRAGMA max_page_count = {pages}")
    before = dump(journal)

    def write_too_much():
        with journal.transaction():
            for row in rows:
                journal.revise(row, replace(row, detail="x" * 20_000), AT + 1)

    with pytest.raises(DiskFullError, match="Make room"):
        write_too_much()
    assert dump(journal) == before
    journal._db.rows(f"PRAGMA max_page_count = {pages + 100}")
    journal.revise(rows[0], replace(rows[0], detail="x" * 20_000), AT + 1)


def test_nothing_is_committed_after_the_full_disk_was_overlooked(journal):
    row = journal.add(a_file(), "file.queued", AT)
    before = dump(journal)

    def overlook():
        with journal.transaction():
            journal.set_meta("first", 1)
            journal._db.rows("ROLLBACK")  # what SQLite may do by itself on a full disk
            with pytest.raises(JournalError, match="undone"):
                journal.revise(row, replace(row, attempts=1), AT + 1)

    with pytest.raises(JournalError, match="undone"):
        overlook()
    assert dump(journal) == before
    assert journal.meta("first") is None


def test_another_thread_may_not_use_the_writer(journal):
    outcome = []

    def trespass():
        try:
            journal.counts()
        except JournalError as error:
            outcome.append(str(error))

    thread = threading.Thread(target=trespass)
    thread.start()
    thread.join()
    assert "thread" in outcome[0]
