"""Beside the loop: lanes of threads, the inbox, the pace of reads, the mark (rules R1)."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from fake_farside import Fate
from ingestd.daemon.asking.reads import ReadPace
from ingestd.daemon.inbox import Inbox
from ingestd.daemon.messages import Hint, HintsLost, JobBroke
from ingestd.daemon.sending import marks
from ingestd.daemon.workers import ThreadWorkers
from ingestd.model import State
from world import worlds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from world import World

PATIENCE = 10.0


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def workers(inbox: Inbox) -> Iterator[ThreadWorkers]:
    lanes = ThreadWorkers(inbox, {"wide": 2})
    yield lanes
    lanes.close()


def said(inbox: Inbox, count: int) -> list[object]:
    """Wait for so many messages."""
    messages: list[object] = []
    end = time.monotonic() + PATIENCE
    while len(messages) < count and time.monotonic() < end:
        inbox.wait(PATIENCE)
        messages += inbox.take(100)
    return messages


# --- lanes --------------------------------------------------------------------------------------


def test_jobs_of_one_lane_run_in_order_and_one_at_a_time(inbox: Inbox, workers: ThreadWorkers):
    for number in range(20):
        workers.submit("narrow", lambda number=number: Hint("/", str(number)))
    assert [message.path for message in said(inbox, 20)] == [str(number) for number in range(20)]


def test_a_lane_that_hangs_holds_up_no_other(inbox: Inbox, workers: ThreadWorkers):
    hung = threading.Event()
    workers.submit("hung share", lambda: hung.wait(PATIENCE) and None)
    workers.submit("other", lambda: Hint("/", "done"))
    assert said(inbox, 1) == [Hint("/", "done")]
    hung.set()


def test_a_wide_lane_runs_so_many_at_once(inbox: Inbox, workers: ThreadWorkers):
    together = threading.Barrier(2)

    def job() -> Hint:
        together.wait(PATIENCE)
        return Hint("/", "both")

    workers.submit("wide", job)
    workers.submit("wide", job)
    assert len(said(inbox, 2)) == 2


def test_a_job_that_breaks_is_told_with_what_to_tell_instead(inbox: Inbox, workers: ThreadWorkers):
    def broken() -> None:
        raise RuntimeError("a bug")

    instead = HintsLost(None)
    workers.submit("lane", broken, instead)
    workers.submit("lane", lambda: Hint("/", "the next one"))
    first, second = said(inbox, 2)
    assert isinstance(first, JobBroke)
    assert (first.lane, first.instead) == ("lane", instead)
    assert "a bug" in first.error
    assert second == Hint("/", "the next one")


def test_a_closed_lane_starts_nothing_more(inbox: Inbox):
    workers = ThreadWorkers(inbox, {})
    started, go_on = threading.Event(), threading.Event()

    def first() -> Hint:
        started.set()
        go_on.wait(PATIENCE)
        return Hint("/", "under way")

    workers.submit("lane", first)
    workers.submit("lane", lambda: Hint("/", "never"))
    assert started.wait(PATIENCE)
    workers.close()
    go_on.set()
    assert said(inbox, 1) == [Hint("/", "under way")]
    inbox.wait(0.05)
    assert inbox.take(10) == []


# --- the inbox ----------------------------------------------------------------------------------


def test_messages_come_out_in_order_and_no_more_than_asked_for(inbox: Inbox):
    for number in range(5):
        inbox.post(Hint("/", str(number)))
    assert inbox
    assert [message.path for message in inbox.take(3)] == ["0", "1", "2"]
    assert [message.path for message in inbox.take(3)] == ["3", "4"]
    assert not inbox


def test_a_message_that_ended_the_waiting_is_not_lost(inbox: Inbox):
    inbox.post(Hint("/", "first"))
    inbox.wait(PATIENCE)
    inbox.wait(PATIENCE)
    inbox.post(Hint("/", "second"))
    assert [message.path for message in inbox.take(10)] == ["first", "second"]


def test_waking_ends_the_waiting_and_is_no_message(inbox: Inbox):
    threading.Timer(0.01, inbox.wake).start()
    began = time.monotonic()
    inbox.wait(PATIENCE)
    assert time.monotonic() - began < PATIENCE / 2
    assert inbox.take(10) == []


# --- the pace of reads --------------------------------------------------------------------------


def test_reads_are_spaced_evenly_whoever_asks():
    pace, turns = ReadPace(100.0), []

    def read() -> None:
        for _ in range(5):
            pace.wait()
            turns.append(time.monotonic())

    readers = [threading.Thread(target=read) for _ in range(2)]
    began = time.monotonic()
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(PATIENCE)
    assert len(turns) == 10
    assert time.monotonic() - began >= 0.089


def test_an_unlimited_pace_holds_nobody_up():
    pace = ReadPace(None)
    began = time.monotonic()
    for _ in range(10_000):
        pace.wait()
    assert time.monotonic() - began < 1.0


def test_a_closed_pace_lets_everybody_go():
    pace = ReadPace(0.001)
    pace.wait()
    waiting = threading.Thread(target=pace.wait)
    waiting.start()
    pace.close()
    waiting.join(PATIENCE)
    assert not waiting.is_alive()


# --- the mark, asked for from another thread ----------------------------------------------------


def send_in_a_thread(world: World) -> threading.Thread:
    """Let the next upload run in a thread of its own, as it does in earnest."""
    world.until(lambda: any(row.state is State.UPLOADING for row in world.rows()))
    sender = threading.Thread(target=world.lanes.run)
    sender.start()
    return sender


def step_until_sent(world: World, sender: threading.Thread) -> None:
    end = time.monotonic() + PATIENCE
    while sender.is_alive() and time.monotonic() < end:
        world.inbox.wait(0.01)
        world.step()
    sender.join(PATIENCE)
    world.step()


def test_the_loop_grants_the_mark_to_a_worker(world: World):
    path = world.put("a.mp4")
    sender = send_in_a_thread(world)
    step_until_sent(world, sender)
    assert world.state(path) is State.INDEXING
    (send,) = world.sends(path)
    assert send.marked_at is not None


def test_a_worker_that_was_told_to_stop_gets_no_mark(world: World):
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.UPLOADING)
    (flight,) = world.daemon.flights.under_way
    asked: list[bool] = []
    flight.stop.set()
    thread = threading.Thread(
        target=lambda: asked.append(world.daemon.flights.marks.ask(flight.send.id, "0" * 64))
    )
    thread.start()
    step_until_sent(world, thread)
    assert asked == [False]
    assert world.sends(path)[0].marked_at is None


def test_a_mark_that_is_not_granted_in_time_sends_nothing(world: World, monkeypatch):
    monkeypatch.setattr(marks, "MARK_PATIENCE_S", 0.02)
    path = world.put("a.mp4")
    sender = send_in_a_thread(world)
    sender.join(PATIENCE)  # the loop is busy with something else all the time
    assert not sender.is_alive()
    assert world.far.library == []
    world.run_until_idle()
    assert world.row(path).attempts == 0
    world.advance(7200)
    assert world.state(path) is State.PARSED
    assert len(world.far.library) == 1


def test_after_the_end_of_the_loop_no_mark_is_granted(world: World, monkeypatch):
    monkeypatch.setattr(marks, "MARK_PATIENCE_S", 0.02)
    path = world.put("a.mp4")
    entered, go_on = threading.Event(), threading.Event()

    def during(_upload: object) -> None:
        entered.set()
        go_on.wait(PATIENCE)

    world.far.plan(Fate(during=during))
    sender = send_in_a_thread(world)
    assert entered.wait(PATIENCE)
    world.daemon.begin_stop()
    world.daemon.abandon(world.now())
    assert world.state(path) is State.QUEUED
    go_on.set()
    sender.join(PATIENCE)
    assert world.far.library == []
