"""The daemon finds the work whose time has come, in a fair order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingestd.journal import Journal
from ingestd.model import State
from journal_kit import AT, STAT, added, numbered

ALWAYS_WORK = {State.QUEUED, State.INDEXING, State.CONFIRMING}


@pytest.fixture
def journal(tmp_path):
    with Journal.create_or_open(tmp_path / "state", fstype="ext4") as journal:
        yield journal


def test_what_is_due_comes_the_longest_due_first(journal):
    late, soon, early, now = (
        added(journal, path=f"/srv/{at}.mp4", next_attempt_at=at and AT + at)
        for at in (-1, 5, -9, None)
    )
    assert journal.due(State.QUEUED, AT, limit=9) == (now, early, late)
    assert journal.due(State.QUEUED, AT, limit=2) == (now, early)
    assert journal.due(State.QUEUED, AT + 5, limit=9)[-1] == soon
    assert journal.due(State.INDEXING, AT + 5, limit=9) == ()


def test_pages_of_due_rows_leave_none_out(journal):
    rows = numbered(journal, 7, next_attempt_at=AT)
    rows += [added(journal, path="/srv/x.mp4", next_attempt_at=AT + 1)]
    seen, last = [], None
    while page := journal.due(State.QUEUED, AT + 1, limit=3, after=last):
        seen += page
        last = page[-1]
    assert seen == rows


@pytest.mark.parametrize("state", State)
def test_a_row_without_a_time_is_due_only_where_there_is_always_work(journal, state):
    row = added(journal, state=state)
    always = state in ALWAYS_WORK
    assert journal.due(state, AT, limit=5) == ((row,) if always else ())
    assert journal.next_due(state) == (0.0 if always else None)


@pytest.mark.parametrize("state", State)
def test_a_row_with_a_time_is_due_then(journal, state):
    row = added(journal, state=state, next_attempt_at=AT)
    assert journal.due(state, AT - 1, limit=5) == ()
    assert journal.due(state, AT, limit=5) == (row,)
    assert journal.next_due(state) == AT


def test_an_unproven_match_is_not_due_until_its_proof(journal):
    original = added(journal, next_attempt_at=AT + 99)
    suspect = added(journal, path="/srv/b.mp4", next_attempt_at=AT, suspect_of=original.id)
    assert journal.due(State.QUEUED, AT, limit=5) == ()
    assert journal.smallest_queued(AT) is None
    assert journal.next_due(State.QUEUED) == AT + 99
    proven = journal.revise(suspect, replace(suspect, suspect_of=None), AT)
    assert journal.due(State.QUEUED, AT, limit=5) == (proven,)


def test_the_smallest_due_file_probes_a_gate_each_time_another(journal):
    big, small, smaller, later = (
        added(
            journal,
            path=f"/srv/{size}.mp4",
            stat=replace(STAT, size=size),
            next_attempt_at=AT + (size == 1),
        )
        for size in (900, 20, 10, 1)
    )
    assert journal.smallest_queued(AT) == smaller
    assert journal.smallest_queued(AT, exclude={smaller.id}) == small
    assert journal.smallest_queued(AT, exclude={smaller.id, small.id}) == big
    assert journal.smallest_queued(AT + 1) == later
    assert journal.smallest_queued(AT - 1) is None


def test_a_restart_finds_every_row_of_a_state(journal):
    rows = numbered(journal, 3, state=State.UPLOADING)
    hidden = added(journal, path="/srv/h.mp4", state=State.UPLOADING, hidden=True, folder=None)
    superseding = added(journal, path=rows[0].path)
    added(journal, path="/srv/q.mp4")
    assert journal.in_state(State.UPLOADING) == (*rows, hidden)
    assert journal.in_state(State.UPLOADING, limit=2) == tuple(rows[:2])
    assert superseding not in journal.in_state(State.UPLOADING)


def test_the_last_paid_videos_come_newest_first(journal):
    rows = [
        added(journal, path=f"/srv/{at}.mp4", video_no=f"VI{at}", uploaded_at=AT + at)
        for at in (3, 1, 2)
    ]
    added(journal, path="/srv/unpaid.mp4", uploaded_at=AT + 9)
    assert journal.last_paid(2) == (rows[0], rows[2])


def test_suspects_come_in_portions_and_a_damaged_one_ends_no_lap(journal):
    original = added(journal, path="/srv/first.mp4")
    rows = numbered(journal, 5, suspect_of=original.id)
    journal._db._connection.execute("UPDATE items SET reason = '?' WHERE id = ?", (rows[1].id,))
    portions, after = [], (0, 0)
    while after is not None:
        portion, after = journal.suspects(2, after)
        portions.append(portion)
    assert portions == [(rows[0],), (rows[2], rows[3]), (rows[4],)]
