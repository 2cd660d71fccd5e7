"""What is written into a row comes back out of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestd.errors import JournalError
from ingestd.journal import DamagedRowError, Journal, JournalReader
from ingestd.model import Container, Item, Reason, Stat, State
from journal_kit import AT, a_file

numbers = st.integers(0, 2**63 - 1)
unsigned = st.integers(0, 2**64 - 1)
times = st.none() | st.floats(0, 1e12)
words = st.none() | st.text(st.characters(exclude_categories=["Cs"]))
paths = st.binary(min_size=1).map(lambda name: b"/srv/" + name.replace(b"\0", b"/"))
stats = st.builds(Stat, numbers, numbers, numbers, unsigned, unsigned)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
items = st.builds(
    Item,
    id=st.just(0),
    path=paths.map(lambda path: path.decode("utf-8", "surrogateescape")),
    folder=st.none() | st.text("abc", min_size=1),
    state=st.sampled_from([State.QUEUED, State.HELD, State.REJECTED, State.GONE]),
    reason=st.none() | st.sampled_from(Reason),
    detail=words,
    stat=st.none() | stats,
    fingerprint=words,
    content_hash=words,
    container=st.none() | st.sampled_from(Container),
    codec=words,
    duration_s=times,
    video_no=words,
    upload_name=words,
    scope=words,
    attempts=numbers,
    next_attempt_at=times,
    delay=st.floats(0, 1e9),
    asked_s=st.floats(0, 1e9),
    asks=numbers,
    first_seen_at=st.floats(0, 1e12),
    queued_at=times,
    uploaded_at=times,
    parsed_at=times,
    fields=st.dictionaries(st.text(), json_values),
    rules=words,
    pay_again=st.booleans(),
    hidden=st.booleans(),
)


@pytest.fixture
def journal(tmp_path):
    with Journal.create_or_open(tmp_path / "state", fstype="ext4") as journal:
        yield journal


@given(first=items, second=items)
@settings(max_examples=60, deadline=None)
def test_a_row_comes_back_as_it_was_added_and_as_it_was_changed(first, second):
    with TemporaryDirectory() as place:
        journal = Journal.create_or_open(Path(place), fstype="ext4")
        row = journal.add(first, "file.seen", AT)
        assert journal.item(row.id) == row == replace(first, id=row.id, updated_at=AT)
        assert journal.current(first.path) == row
        changed = journal.revise(row, replace(second, id=row.id, state=row.state), AT + 5)
        assert journal.item(row.id) == changed
        assert replace(changed, state=second.state) == replace(second, id=row.id, updated_at=AT + 5)
        journal.close()
        with JournalReader.open(Path(place)) as reader:
            assert reader.item(row.id) == changed


def test_a_file_name_that_is_no_utf8_keeps_its_bytes(journal):
    name = b"/srv/\xff\xfe caf\xc3\xa9\n.mp4".decode("utf-8", "surrogateescape")
    row = journal.add(a_file(path=name), "file.seen", AT)
    assert journal.find(name) == (row,)
    assert journal.known_in("/srv") == {name.rpartition("/")[2]: row}


def test_a_sentence_with_odd_bytes_of_a_file_name_is_kept_readable(journal):
    row = journal.add(a_file(), "file.seen", AT, detail="moved to /srv/\udcff.mp4")
    assert journal.history(row.id)[0].detail == r"moved to /srv/\udcff.mp4"


def test_a_path_that_is_not_absolute_is_refused(journal):
    with pytest.raises(ValueError, match="absolute"):
        journal.add(a_file(path="clip.mp4"), "file.seen", AT)


DAMAGES = ["state = 'melted'", "fields = '{'", "container = 'ogg'", "fields = '[]'"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_row_stops_no_other_row(journal, damage):
    broken = journal.add(a_file(path="/srv/0.mp4", next_attempt_at=1.0), "file.seen", AT)
    sound = journal.add(a_file(path="/srv/1.mp4", next_attempt_at=2.0), "file.seen", AT)
    with journal.transaction():
        journal._db.write(f"UPDATE items SET {damage} WHERE id = ?", (broken.id,))
    assert journal.due(State.QUEUED, AT, limit=1) == (sound,)
    assert journal.in_state(State.QUEUED) == (sound,)
    if "state" not in damage:
        assert "cannot be read" in journal.damaged[broken.id]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_row_is_never_taken_for_an_unknown_file(journal, damage):
    broken = journal.add(a_file(), "file.seen", AT)
    with journal.transaction():
        journal._db.write(f"UPDATE items SET {damage} WHERE id = ?", (broken.id,))
    for question in (
        lambda: journal.item(broken.id),
        lambda: journal.current(broken.path),
        lambda: journal.known_in("/srv/cards/A"),
        lambda: journal.same_content(1000, "ab" * 16),
        lambda: journal.by_inode(66305, 42),
    ):
        with pytest.raises(DamagedRowError, match=f"Row {broken.id} "):
            question()


def test_a_text_that_is_no_utf8_any_more_stops_no_other_row(journal):
    first = journal.add(a_file(path="/srv/0.mp4", detail="x"), "file.seen", AT)
    second = journal.add(a_file(path="/srv/1.mp4"), "file.seen", AT)
    with journal.transaction():
        journal._db.write("UPDATE items SET detail = CAST(x'ff' AS TEXT) WHERE id = ?", (first.id,))
    assert [row.id for row in journal.due(State.QUEUED, AT, limit=5)] == [first.id, second.id]


def test_the_database_knows_no_path_twice(journal):
    journal.add(a_file(), "file.seen", AT)
    columns = [row[1] for row in journal._db.rows("PRAGMA table_info(items)")][4:]
    with pytest.raises(JournalError, match="UNIQUE"), journal.transaction():
        journal._db.write(
            f"INSERT INTO items (dir, name, current, {', '.join(columns)})"
            f" SELECT dir, name, current, {', '.join(columns)} FROM items"
        )
