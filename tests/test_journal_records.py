"""Attempts, gates, usage, wishes and small facts survive, and tell only what happened."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingestd.errors import JournalError, StaleMoveError
from ingestd.journal import ConflictError, Journal, JournalReader, Usage, Wish, add_wish
from ingestd.model import Gate, GateName, Send
from journal_kit import AT, added, numbered


@pytest.fixture
def journal(tmp_path):
    with Journal.create_or_open(tmp_path / "state", fstype="ext4") as journal:
        yield journal


def a_send(item, **changes):
    begun = Send(0, item.id, AT, "clip~ab.mp4", "unique_id=default", 1000, watermark=AT - 60)
    return replace(begun, **changes)


def test_an_attempt_is_begun_marked_and_ended(journal):
    send = journal.begin_send(a_send(added(journal)))
    assert journal.open_sends() == (send,)
    marked = journal.mark_send(send.id, AT + 1)
    assert marked == replace(send, marked_at=AT + 1)
    ended = journal.end_send(send.id, AT + 2, "accepted", 1234)
    assert ended == replace(marked, ended_at=AT + 2, outcome="accepted", sent=1234)
    assert journal.open_sends() == ()
    assert journal.last_send(send.item_id) == ended


def test_an_unknown_end_may_be_cleared_up_once(journal):
    send = journal.begin_send(a_send(added(journal)))
    unknown = journal.end_send(send.id, AT + 2, "unknown", 1234)
    found = journal.end_send(send.id, AT + 99, "found")
    assert found == replace(unknown, outcome="found")
    with pytest.raises(StaleMoveError):
        journal.end_send(send.id, AT + 100, "not_found")
    assert journal.sends(send.item_id) == (found,)


def test_the_mark_is_set_once_and_never_after_the_end(journal):
    first = journal.begin_send(a_send(added(journal)))
    journal.mark_send(first.id, AT + 1)
    with pytest.raises(StaleMoveError):
        journal.mark_send(first.id, AT + 2)
    second = journal.begin_send(a_send(journal.item(first.item_id)))
    journal.end_send(second.id, AT + 3, "not_sent", 5)
    with pytest.raises(StaleMoveError):
        journal.mark_send(second.id, AT + 4)
    with pytest.raises(StaleMoveError):
        journal.mark_send(999, AT)


def test_an_attempt_needs_its_row(journal):
    with pytest.raises(ConflictError):
        journal.begin_send(Send(0, 99, AT, "x.mp4", "unique_id=a", 1))


def test_the_attempts_of_many_rows_come_together(journal):
    rows = numbered(journal, 1100)
    with journal.transaction():
        first, second = (journal.begin_send(a_send(rows[7], at=AT + n)) for n in range(2))
        third = journal.begin_send(a_send(rows[1050]))
    found = journal.sends_of(row.id for row in rows)
    assert len(found) == 1100
    assert found[rows[7].id] == (first, second)
    assert found[rows[1050].id] == (third,)
    assert found[rows[0].id] == ()
    assert journal.last_send(rows[7].id) == second
    assert journal.last_send(rows[0].id) is None


def test_a_gate_stays_as_it_was_saved_last(journal):
    gate = Gate(GateName.CREDITS, AT, AT + 900, "Buy credits", 900.0, 3, {"seen": [1, 2]})
    paused = Gate(GateName.PAUSED, AT - 5, None, "by hand")
    journal.save_gate(gate)
    journal.save_gate(paused)
    journal.save_gate(replace(gate, delay=1800.0))
    assert journal.gates() == (paused, replace(gate, delay=1800.0))
    journal.remove_gate(GateName.CREDITS)
    journal.remove_gate(GateName.AUTH)
    assert journal.gates() == (paused,)


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "é\udcff", [1, "a"], {"a": {"b": None}}])
def test_a_small_fact_comes_back_as_it_was(journal, value):
    journal.set_meta("fact", "before")
    journal.set_meta("fact", value)
    assert journal.meta("fact", default="none") == value
    assert journal.meta("other", default="none") == "none"


def test_usage_adds_up_by_day(journal):
    journal.add_usage("2026-11-21", 1, 60.0, 10)
    journal.add_usage("2026-11-22", 1, 30.0, 5)
    journal.add_usage("2026-11-22", 2, 0.5, 7)
    assert journal.usage("2026-11-22") == (Usage("2026-11-22", 3, 30.5, 12),)
    assert len(journal.usage("2026-11-01")) == 2


def test_a_wish_of_another_process_reaches_the_daemon_and_its_result_comes_back(journal, tmp_path):
    state_dir = tmp_path / "state"
    wish_id = add_wish(state_dir, "retry", {"refs": ["/srv/\udcff.mp4"]}, AT)
    wish = Wish(wish_id, AT, "retry", {"refs": ["/srv/\udcff.mp4"]})
    assert journal.pending_wishes() == (wish,)
    journal.finish_wish(wish_id, AT + 1, {"taken": 1})
    assert journal.pending_wishes() == ()
    with JournalReader.open(state_dir) as reader:
        assert reader.wish(wish_id) == replace(wish, done_at=AT + 1, result={"taken": 1})


def test_a_wish_waits_for_a_daemon_that_does_not_run(tmp_path):
    Journal.create_or_open(tmp_path, fstype=None).close()
    wish_id = add_wish(tmp_path, "pause", {}, AT)
    with Journal.create_or_open(tmp_path, fstype=None) as journal:
        assert [wish.id for wish in journal.pending_wishes()] == [wish_id]


def test_done_wishes_are_purged_and_their_numbers_not_used_again(journal, tmp_path):
    first, second = (add_wish(tmp_path / "state", "retry", {}, AT + n) for n in range(2))
    journal.finish_wish(first, AT + 5, None)
    assert journal.purge_wishes(AT + 5) == 0
    assert journal.purge_wishes(AT + 6) == 1
    journal.finish_wish(second, AT + 5, None)
    journal.purge_wishes(AT + 6)
    assert journal.wish(second) is None
    assert add_wish(tmp_path / "state", "retry", {}, AT) > second


def test_a_wish_makes_no_journal(tmp_path):
    with pytest.raises(JournalError, match="ingestd run"):
        add_wish(tmp_path, "pause", {}, AT)
    assert list(tmp_path.iterdir()) == []


def test_the_last_change_is_known(journal):
    assert journal.last_change() is None
    row = added(journal)
    journal.revise(row, replace(row, attempts=1), AT + 7)
    assert journal.last_change() == AT + 7
