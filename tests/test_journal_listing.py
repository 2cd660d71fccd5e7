"""Listings show what was asked for, counts equal what listings show."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestd.journal import Journal, JournalReader, Selection, Totals
from ingestd.lifecycle import legal
from ingestd.model import Reason, State
from journal_kit import AT, STAT, a_file, added, numbered

STORED = [state for state in State if state is not State.SETTLING]


@pytest.fixture
def journal(tmp_path):
    with Journal.create_or_open(tmp_path / "state", fstype="ext4") as journal:
        yield journal


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """One row of everything that a selection can tell apart."""
    with Journal.create_or_open(tmp_path_factory.mktemp("library"), fstype="ext4") as journal:
        kinds = product(
            [(State.QUEUED, None), (State.HELD, Reason.SURGE), (State.FAILED, Reason.REFUSED)],
            ["cards", "nas", None],
            [False, True],
            ["/srv/a/x.mp4", "/srv/a/b/y.mp4", "/srv/a-b/z.mp4"],
        )
        with journal.transaction():
            for number, ((state, reason), folder, hidden, path) in enumerate(kinds):
                journal.restore(
                    a_file(
                        state=state,
                        reason=reason,
                        folder=folder,
                        hidden=hidden,
                        path=path.replace("mp4", f"{number % 7}.mp4"),
                        stat=replace(STAT, size=number),
                    ),
                    "recover.found",
                    AT + number * 17 % 23,
                )
        yield journal


def is_selected(row, wanted):
    """What a selection means, said a second time."""
    under = (wanted.under or "").rstrip("/")
    return (
        (not wanted.states or row.state in wanted.states)
        and (not wanted.reasons or row.reason in wanted.reasons)
        and (wanted.folder is None or row.folder == wanted.folder)
        and (wanted.under is None or row.path == under or row.path.startswith(f"{under}/"))
        and (wanted.since is None or row.updated_at >= wanted.since)
        and (not wanted.ids or row.id in wanted.ids)
        and (wanted.hidden or not row.hidden)
    )


selections = st.builds(
    Selection,
    states=st.frozensets(st.sampled_from([State.QUEUED, State.HELD, State.FAILED, State.GONE])),
    reasons=st.frozensets(st.sampled_from([Reason.SURGE, Reason.REFUSED, Reason.CODEC])),
    folder=st.none() | st.sampled_from(["cards", "nas", "other"]),
    under=st.none() | st.sampled_from(["/", "/srv/a", "/srv/a/", "/srv/a/x.0.mp4", "/x"]),
    since=st.none() | st.integers(-1, 24).map(lambda late: AT + late),
    ids=st.just(()) | st.lists(st.integers(0, 60), max_size=9).map(tuple),
    limit=st.none() | st.integers(0, 60),
    newest=st.booleans(),
    hidden=st.booleans(),
)


@given(wanted=selections)
@settings(max_examples=300, deadline=None)
def test_a_listing_shows_exactly_what_was_selected(library, wanted):
    rows = [library.item(number) for number in range(1, 55)]
    matching = [row for row in rows if is_selected(row, wanted)]
    shown = matching
    if wanted.limit is not None:
        start = len(matching) - wanted.limit if wanted.newest else 0
        shown = matching[max(start, 0) :][: wanted.limit]
    assert list(library.items(wanted)) == shown
    assert library.count(wanted) == Totals(
        files=len(matching),
        bytes=sum(row.stat.size for row in matching),
        seconds=12.5 * len(matching),
    )


def test_a_long_listing_comes_whole_and_in_order(journal):
    with journal.transaction():
        rows = numbered(journal, 1300)
    assert list(journal.items(Selection())) == rows
    assert list(journal.items(Selection(states=frozenset({State.QUEUED})))) == rows
    assert list(journal.items(Selection(limit=700, newest=True))) == rows[600:]
    assert list(journal.items(Selection(ids=tuple(row.id for row in rows)))) == rows
    assert journal.count(Selection(ids=tuple(row.id for row in rows))).files == 1300


def test_a_listing_under_way_misses_no_row_and_shows_none_twice(journal, tmp_path):
    with journal.transaction():
        numbered(journal, 1200)
    wanted = Selection(states=frozenset({State.QUEUED, State.HELD}))
    with JournalReader.open(tmp_path / "state") as reader:
        listing = reader.items(wanted)
        seen = [next(listing).id for _ in range(10)]
        with journal.transaction():
            for row in journal.in_state(State.QUEUED)[:1100:2]:
                journal.move(row, replace(row, state=State.HELD), "file.held", AT + 1)
        seen += [row.id for row in listing]
    assert seen == sorted(set(seen))
    assert len(seen) == 1200


def test_every_state_is_counted_zero_included(journal):
    assert journal.counts() == dict.fromkeys(State, 0)
    added(journal)
    assert journal.counts() == {**dict.fromkeys(State, 0), State.QUEUED: 1}


def test_a_duration_that_no_video_has_breaks_no_count(journal):
    for number, claim in enumerate([1e300, float("inf"), float("nan"), -5.0]):
        added(journal, path=f"/srv/{number}.mp4", duration_s=claim)
    assert journal.count(Selection()).files == 4
    assert 0 <= journal.count(Selection()).seconds <= 2e9


steps = st.tuples(
    st.sampled_from(["add", "move", "revise", "delete"]),
    st.integers(0, 7),
    st.sampled_from(STORED),
    st.fixed_dictionaries(
        {
            "reason": st.none() | st.sampled_from([Reason.SURGE, Reason.REPLACED]),
            "folder": st.sampled_from([None, "cards", "nas"]),
            "hidden": st.booleans(),
            "duration_s": st.none() | st.floats(0, 1e5),
            "stat": st.none() | st.integers(0, 2**40).map(lambda size: replace(STAT, size=size)),
        }
    ),
)


def perform(journal, step):
    """One random change, as far as the table of moves allows it."""
    action, place, state, changes = step
    row = journal.current(f"/srv/{place}.mp4")
    if action == "delete" and row is not None:
        with journal.transaction():
            journal._db.write("DELETE FROM history WHERE item_id = ?", (row.id,))
            journal._db.write("DELETE FROM items WHERE id = ?", (row.id,))
    elif action == "move" and row is not None and legal(row.state, state):
        journal.move(row, replace(row, state=state, **changes), "file.moved", AT)
    elif action == "revise" and row is not None:
        journal.revise(row, replace(row, **changes), AT)
    elif action == "add":
        added(journal, path=f"/srv/{place}.mp4", state=State.QUEUED, **changes)


@given(run=st.lists(steps, max_size=40))
@settings(max_examples=40, deadline=None)
def test_the_kept_counts_equal_a_count_after_any_run_of_changes(run):
    with TemporaryDirectory() as place, Journal.create_or_open(Path(place), fstype=None) as journal:
        for step in run:
            perform(journal, step)
        counted = journal._db.rows(
            "SELECT folder, state, reason, count(*), total(size), sum(duration_ms)"
            " FROM items WHERE hidden = 0 GROUP BY folder, state, reason"
        )
        kept = journal.tallies()
        assert {
            (tally.folder, tally.state, tally.reason, tally.files, tally.bytes, tally.seconds)
            for tally in kept
        } == {(*group, files, size, ms / 1000) for *group, files, size, ms in counted}
        shown = Counter(row.state for row in journal.items(Selection()))
        assert journal.counts() == {state: shown[state] for state in State}
        assert journal.count(Selection()).files == len(list(journal.items(Selection())))


def test_the_meaning_of_a_selection_is_checked_field_by_field():
    assert {field.name for field in fields(Selection)} == {
        *("states", "reasons", "folder", "under", "since", "ids", "limit", "newest", "hidden"),
    }
