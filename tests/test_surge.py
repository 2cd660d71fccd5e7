"""The surge brake and the first look, as decisions (interface 4, `guard`)."""

from __future__ import annotations

import pytest

from ingestd.surge import FirstLook, Limits, Stage, Window, admitted

LIMITS = Limits(max_files=3, max_bytes=1000, window=3600.0, first_look_files=100)
T = 1_780_000_000.0


def after(*files: tuple[float, int], limits: Limits = LIMITS) -> tuple[Window, list[bool]]:
    """Let files of a time and size come; the window after them, and which of them went."""
    window, went = Window(), []
    for at, size in files:
        new = admitted(window, size, T + at, limits)
        went.append(new is not None)
        window = new or window
    return window, went


def test_what_exceeds_the_number_within_the_window_is_held_and_counts_nothing():
    window, went = after((0, 1), (1, 1), (2, 1), (3, 1), (4, 1))
    assert went == [True, True, True, False, False]
    assert (window.files, window.bytes) == (3, 3)


def test_what_exceeds_the_bytes_is_held_and_a_smaller_one_still_goes():
    assert after((0, 900), (1, 200), (2, 100))[1] == [True, False, True]


def test_one_file_over_the_bytes_is_held_and_unlimited_bytes_hold_nothing():
    assert after((0, 1001))[1] == [False]
    assert after((0, 10**15), limits=Limits(3, None, 3600.0, 100))[1] == [True]


def test_a_file_counts_for_the_whole_window_and_little_longer():
    files = [(at, 1) for at in (0, 1, 2)]
    assert after(*files, (3599, 1))[1][-1] is False
    assert after(*files, (3601 + 60, 1))[1][-1] is True


def test_the_window_stays_small_however_many_files_go():
    window, _ = after(*((at, 1) for at in range(7200)), limits=Limits(10**6, None, 3600.0, 100))
    assert len(window.parts) <= 63
    assert 3600 <= window.files <= 3661


def test_a_clock_that_was_set_back_lets_nothing_more_go():
    files = [(10_000_000, 1), (10_000_001, 1), (10_000_002, 1)]
    window, _ = after(*files)
    assert admitted(window, 1, T, LIMITS) is None
    later = window.within(T, LIMITS.window)
    assert admitted(later, 1, T + 3700, LIMITS) is not None


def test_no_files_at_all_means_off():
    assert (
        after(*((at, 10**12) for at in range(50)), limits=Limits(0, 1, 60.0, 0))[1] == [True] * 50
    )


@pytest.mark.parametrize(
    ("files", "pending", "passed", "stage"),
    [
        (0, 0, False, Stage.COUNTING),
        (0, 0, True, Stage.RELEASING),
        (100, 0, True, Stage.RELEASING),
        (60, 40, True, Stage.RELEASING),  # even if all of them are valid
        (60, 41, True, Stage.COUNTING),
        (60, 40, False, Stage.COUNTING),  # more may lie there
        (101, 5, False, Stage.HELD),
        (101, 5, True, Stage.HELD),
        (101, 0, True, Stage.OVER),
    ],
)
def test_a_first_look_is_decided_as_soon_as_it_can_be(files, pending, passed, stage):
    assert FirstLook(files=files).decided(pending, LIMITS, passed=passed).stage is stage


def test_a_first_look_that_held_says_so_when_it_is_over():
    over = FirstLook(files=101).decided(0, LIMITS, passed=True)
    assert over.held
    assert over.decided(0, LIMITS, passed=True) == over


@pytest.mark.parametrize("limits", [Limits(0, None, 60.0, 100), Limits(3, None, 60.0, None)])
def test_what_is_switched_off_while_it_counts_releases(limits):
    assert FirstLook(files=50).decided(9, limits, passed=False).stage is Stage.RELEASING


def test_what_waits_for_a_person_waits_on_when_it_is_switched_off():
    held = FirstLook(Stage.HELD, files=500, held=True)
    assert held.decided(9, Limits(0, None, 60.0, None), passed=False) == held
