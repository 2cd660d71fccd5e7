"""Files whose times a server makes up settle; whatever else moves a time is a change."""

from __future__ import annotations

from dataclasses import replace

from test_settle import CLIP, STAT, probed, tracker

__all__ = ["probed", "tracker"]  # fixtures


def flips(tracker, *times, every=20):
    """Look again and again; each look sees the next one of these times."""
    for number, mtime_ns in enumerate(times):
        tracker.see(number * every, replace(STAT, mtime_ns=mtime_ns))
    return tracker.take((len(times) - 1) * every)


def test_a_file_whose_time_only_flips_settles_once_it_came_back_twice(tracker):
    assert flips(tracker, 1, 2, 1, 2, 1) == []  # the third look began the quiet time the last time
    tracker.see(100, replace(STAT, mtime_ns=2))
    assert tracker.take(100) == [CLIP]


def test_a_time_that_is_set_back_at_the_end_of_a_copy_is_a_change(tracker):
    assert flips(tracker, 1, 2, 3, 1, 1, 1) == []
    tracker.see(120, STAT)
    assert tracker.take(120) == [CLIP]


def test_new_times_are_changes_for_ever(tracker):
    assert flips(tracker, *range(1, 40)) == []


def test_a_file_that_grows_while_its_time_flips_starts_over(tracker):
    flips(tracker, 1, 2, 1, 2, 1)
    tracker.see(90, replace(STAT, size=11, mtime_ns=2))
    tracker.see(140, replace(STAT, size=11, mtime_ns=2))
    assert tracker.take(140) == []


def test_flipping_times_are_no_pauses_of_a_slow_producer(probed):
    stats = [replace(STAT, mtime_ns=1 + number % 2) for number in range(1, 7)]
    told = [
        probed.observe(CLIP, stat, 100 + number, quiet=0.0, folder="drop")
        for number, stat in enumerate(stats)
    ]
    assert told[2:] == [None] * 4
