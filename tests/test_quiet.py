"""Quiet time that adapts to slow producers: learned, bounded, forgotten."""

from __future__ import annotations

import pytest

from ingestd.quiet import DAY, Learned, learn, most, quiet_for


def test_nothing_learned_is_the_configured_time():
    assert quiet_for(None, 60.0, 0.0) == 60.0


def test_a_pause_makes_all_files_of_a_folder_wait_for_longer():
    learned = learn(None, 60.0, 100.0, 0.0)
    assert learned is not None
    assert quiet_for(learned, 60.0, 0.0) == 150.0


@pytest.mark.parametrize("pause", [0.0, 59.0, 60.0, 601.0, 90_000.0])
def test_pauses_that_are_none_teach_nothing(pause: float):
    assert learn(None, 60.0, pause, 0.0) is None


@pytest.mark.parametrize(("settle", "bound"), [(60.0, 600.0), (600.0, 3600.0), (7200.0, 7200.0)])
def test_what_is_learned_is_bounded(settle: float, bound: float):
    assert most(settle) == bound
    learned = learn(None, settle, bound, 0.0)
    assert quiet_for(learned, settle, 0.0) == (bound if learned else settle)


def test_a_shorter_pause_unlearns_nothing():
    learned = learn(None, 60.0, 200.0, 0.0)
    assert learn(learned, 60.0, 100.0, 10.0) is None


def test_what_nobody_needs_any_more_halves_each_day():
    learned = Learned(360.0, 0.0)
    days = [quiet_for(learned, 60.0, day * DAY) for day in range(4)]
    assert days == [360.0, 210.0, 135.0, 97.5]
    assert quiet_for(learned, 60.0, 1000 * DAY) == 60.0


def test_a_clock_that_is_set_back_forgets_nothing():
    assert quiet_for(Learned(360.0, 10 * DAY), 60.0, 0.0) == 360.0
