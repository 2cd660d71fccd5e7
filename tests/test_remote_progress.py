"""What an upload shows of itself, and when a slow connection counts as a stuck one."""

from __future__ import annotations

import pytest

from ingestd.remote import Progress
from ingestd.remote.stall import FLOOR, Stall


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def send(progress: Progress, clock: Clock, seconds: int, pace: int) -> None:
    for _ in range(seconds):
        clock.now += 1
        progress.sent += pace


# --- progress -----------------------------------------------------------------------------------


def test_the_pace_is_that_of_late(clock: Clock):
    progress = Progress(clock)
    send(progress, clock, 5, 1000)
    assert progress.bytes_per_second == 1000
    send(progress, clock, 60, 100)
    assert progress.bytes_per_second == pytest.approx(100)


def test_a_stall_shows(clock: Clock):
    progress = Progress(clock)
    send(progress, clock, 60, 1000)
    clock.now += 30
    assert progress.bytes_per_second == 0


def test_many_small_pieces_do_not_shorten_its_memory(clock: Clock):
    progress = Progress(clock)
    for _ in range(1000):
        clock.now += 0.01
        progress.sent += 10
    assert progress.bytes_per_second == pytest.approx(1000)


def test_the_two_phases_have_times_of_their_own(clock: Clock):
    progress = Progress(clock)
    send(progress, clock, 30, 1000)
    assert (progress.phase, progress.phase_s) == ("sending", 30)
    progress.phase = "awaiting_answer"
    clock.now += 12
    assert (progress.phase_s, progress.bytes_per_second) == (12, 0)


# --- stalls -------------------------------------------------------------------------------------


def stalls_after(pace: float, *, every: float = 1.0, timeout: float = 120.0) -> float | None:
    """Seconds of waiting until a connection of this pace counts as stuck; None: not in two days."""
    stall, waited, since = Stall(), 0.0, 0.0
    while waited < 2 * 86_400:
        waited, since = waited + 0.25, since + 0.25
        if stall.waited(0.25, timeout):
            return waited
        if since >= every:
            stall.accepted(int(pace * since))
            since = 0.0
    return None


def test_not_one_byte_for_the_whole_time_is_a_stall():
    assert stalls_after(0) == pytest.approx(120, abs=1)


@pytest.mark.parametrize("pace", [1, 100, 0.9 * FLOOR])
def test_a_trickle_is_a_stall(pace: float):
    seconds = stalls_after(pace)
    assert seconds is not None
    assert seconds <= 241


@pytest.mark.parametrize("every", [0.25, 1.0, 30.0, 100.0])
def test_a_slow_link_is_none_also_when_it_takes_its_bytes_in_gulps(every: float):
    assert stalls_after(4 * FLOOR, every=every) is None


def test_a_quick_start_does_not_hide_what_comes_after_it():
    stall = Stall()
    stall.accepted(10**9)
    assert not any(stall.waited(1.0, 120.0) for _ in range(119))
    stall.accepted(1)
    found = [stall.waited(1.0, 120.0) or stall.accepted(1) for _ in range(130)]
    assert any(found)
