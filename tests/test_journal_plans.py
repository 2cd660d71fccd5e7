"""What the daemon and the screens ask all the time is found by an index at any size."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingestd.journal import Journal, Selection
from ingestd.model import State
from journal_kit import AT, STAT, a_file, added, numbered

PARSED = frozenset({State.PARSED, State.QUEUED})
QUESTIONS = {
    "due": lambda j: j.due(State.QUEUED, AT, 32),
    "next page": lambda j: j.due(State.QUEUED, AT, 32, after=j.item(1)),
    "next due": lambda j: j.next_due(State.INDEXING),
    "probe": lambda j: j.smallest_queued(AT, exclude={1, 2}),
    "claim": lambda j: j.move(
        j.item(1), replace(j.item(1), state=State.UPLOADING, upload_name="x"), "upload.started", AT
    ),
    "reschedule": lambda j: j.revise(j.item(2), replace(j.item(2), next_attempt_at=AT), AT),
    "rename": lambda j: j.revise(j.item(3), replace(j.item(3), path="/srv/new.mp4"), AT),
    "add": lambda j: j.add(a_file(path="/srv/cards/0004.mp4"), "file.queued", AT),
    "item": lambda j: j.item(1),
    "current": lambda j: j.current("/srv/cards/0001.mp4"),
    "find by path": lambda j: j.find("/srv/cards/0001.mp4"),
    "find by name": lambda j: j.find("123"),
    "video": lambda j: j.by_video_no("VI1"),
    "known": lambda j: j.known_in("/srv/cards"),
    "directories": lambda j: list(j.known_directories("/srv")),
    "content": lambda j: j.same_content(STAT.size, "ab" * 16, scope="unique_id=a"),
    "originals": lambda j: list(j.originals(j.item(1))),
    "paid elsewhere": lambda j: list(j.hashed_originals(j.item(1), elsewhere=True)),
    "twins": lambda j: list(j.twins(j.item(1), "ef" * 32)),
    "inode": lambda j: j.by_inode(STAT.dev, STAT.inode),
    "duplicates": lambda j: j.duplicates_of(1),
    "suspects of": lambda j: j.suspects_of(1),
    "suspects": lambda j: j.suspects(10),
    "state": lambda j: j.in_state(State.QUEUED, 10),
    "last paid": lambda j: j.last_paid(3),
    "history": lambda j: j.history(1),
    "sends": lambda j: j.sends(1),
    "last send": lambda j: j.last_send(1),
    "open sends": lambda j: j.open_sends(),
    "wishes": lambda j: j.pending_wishes(),
    "usage": lambda j: j.usage("2026-11-01"),
    "last change": lambda j: j.last_change(),
    "counts": lambda j: j.counts(),
    "count": lambda j: j.count(Selection(states=PARSED, folder="cards")),
    "count of a card": lambda j: j.count(Selection(under="/srv/cards", states=PARSED)),
    "newest": lambda j: list(j.items(Selection(limit=50, newest=True))),
    "newest of states": lambda j: list(j.items(Selection(states=PARSED, limit=50, newest=True))),
    "listing": lambda j: list(j.items(Selection(folder="cards"))),
}
#: Sorting the numbers (not the rows) of what one path or one time selects is as good as it gets.
SORTED = {
    "card": lambda j: list(j.items(Selection(under="/srv/cards", states=PARSED))),
    "recent": lambda j: list(j.items(Selection(since=AT, folder="cards", limit=50, newest=True))),
}


#: Few rows, or an index whose first few entries are read.
SMALL = {
    "SCAN tallies",
    "SCAN items USING INDEX items_paid",
}


@pytest.fixture
def journal(tmp_path):
    with Journal.create_or_open(tmp_path / "state", fstype="ext4") as journal:
        numbered(journal, 5, next_attempt_at=AT)
        added(journal, path="/srv/p.mp4", state=State.PARSED, video_no="VI1")
        yield journal


def plans(journal, question):
    """How SQLite goes about each statement of a question."""
    asked = []
    database = journal._db
    originals = {name: getattr(database, name) for name in ("rows", "each", "write")}

    def recording(original):
        def run(sql, values=()):
            asked.append((sql, tuple(values)))
            return original(sql, values)

        return run

    for name, original in originals.items():
        setattr(database, name, recording(original))
    question(journal)
    for name, original in originals.items():
        setattr(database, name, original)
    return [
        (sql, step[3])
        for sql, values in asked
        if sql.split()[0] in ("SELECT", "UPDATE", "INSERT")
        for step in database.rows(f"EXPLAIN QUERY PLAN {sql}", values)
    ]


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_frequent_question_scans_and_sorts_nothing(journal, name):
    steps = plans(journal, QUESTIONS[name])
    assert steps
    for sql, step in steps:
        assert not step.startswith("SCAN") or step in SMALL, (sql, step)
        assert "TEMP B-TREE" not in step, sql


@pytest.mark.parametrize("name", SORTED)
def test_a_listing_of_one_place_or_time_sorts_numbers_only(journal, name):
    for sql, step in plans(journal, SORTED[name]):
        assert not step.startswith("SCAN") or step in SMALL, (sql, step)
        assert "TEMP B-TREE" not in step or sql.startswith("SELECT id FROM items WHERE"), sql
