"""One bandwidth limit for all uploads in flight."""

from __future__ import annotations

import threading
import time

from ingestd.remote import Pace

MIB = 1 << 20


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_without_a_limit_nobody_waits_and_pieces_are_large():
    pace = Pace()
    assert pace.piece_size() == MIB
    assert pace.reserve(1 << 40) == 0.0


def test_takers_wait_for_what_was_taken_before_them():
    clock = Clock()
    pace = Pace(1000.0, clock=clock)
    assert [pace.reserve(500), pace.reserve(500), pace.reserve(500)] == [0.0, 0.5, 1.0]
    clock.now += 1.25
    assert pace.reserve(500) == 0.25


def test_idle_time_is_not_saved_up_for_a_burst():
    clock = Clock()
    pace = Pace(1000.0, clock=clock)
    clock.now += 3600
    assert [pace.reserve(1000), pace.reserve(1000)] == [0.0, 1.0]


def test_a_slow_link_is_fed_in_small_pieces():
    assert Pace(1_000_000.0).piece_size() == 250_000
    assert Pace(1000.0).piece_size() == 4096
    assert Pace(1e9).piece_size() == MIB


def test_a_changed_limit_holds_from_the_next_piece_on():
    clock = Clock()
    pace = Pace(1.0, clock=clock)
    pace.reserve(1000)
    pace.set_rate(100.0)
    assert pace.rate == 100.0
    assert [pace.reserve(100), pace.reserve(100)] == [0.0, 1.0]
    pace.set_rate(None)
    assert pace.reserve(MIB) == 0.0


def test_a_changed_limit_ends_the_waiting_under_the_old_one():
    pace = Pace(1.0)
    pace.take(3600, threading.Event())
    threading.Timer(0.05, pace.set_rate, [None]).start()
    begin = time.monotonic()
    pace.take(1, threading.Event())
    assert time.monotonic() - begin < 60


def test_a_stop_ends_the_waiting():
    pace, stop = Pace(1.0), threading.Event()
    pace.take(3600, stop)
    stop.set()
    begin = time.monotonic()
    pace.take(1, stop)
    assert time.monotonic() - begin < 60
