"""What fits into a budget, as pure values (interface 4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestd.gates import Fits, Limit, Period, playing_time, weigh


def limit(spent: float = 0, under_way: float = 0, allowed: float = 600, ends: float = 1) -> Limit:
    return Limit(Period.DAY, allowed, spent, under_way, ends)


@pytest.mark.parametrize(
    ("limits", "fits"),
    [
        ([], Fits.YES),
        ([limit()], Fits.YES),
        ([limit(spent=500)], Fits.YES),
        ([limit(spent=500.1)], Fits.LATER),
        ([limit(spent=400, under_way=101)], Fits.PERHAPS),
        ([limit(spent=501, under_way=50)], Fits.LATER),
        ([limit(allowed=99)], Fits.NEVER),
        ([limit(allowed=0)], Fits.NEVER),
        ([limit(), limit(spent=550)], Fits.LATER),
        ([limit(spent=550), limit(allowed=50)], Fits.NEVER),
    ],
)
def test_a_clip_of_100_seconds(limits, fits):
    assert weigh(100.0, limits).fits is fits


def test_of_two_limits_the_one_that_lasts_longer_is_named():
    today, month = limit(spent=550, ends=5), limit(spent=599, ends=90)
    assert weigh(100.0, [month, today]).limit is month
    assert weigh(100.0, [today, month]).limit is month


def test_a_limit_may_be_used_to_its_end_in_spite_of_rounding():
    assert weigh(0.1, [limit(spent=0.1 + 0.1, allowed=0.3)]).fits is Fits.YES


def test_an_unknown_length_counts_by_size_and_for_long():
    assert playing_time(61.5, 10**9) == 61.5
    assert playing_time(None, 75_000_000) == 600
    assert playing_time(0.0, 75_000_000) == 600


@given(
    st.lists(st.floats(0, 1000), max_size=50),
    st.lists(st.booleans(), min_size=50, max_size=50),
    st.floats(0, 5000),
)
def test_whatever_fails_the_limit_is_never_overrun(clips, taken, allowed):
    """All that fit are under way at once; then each is accepted or not."""
    under_way: list[float] = []
    for seconds in clips:
        now = limit(under_way=sum(under_way), allowed=allowed)
        if weigh(seconds, [now]).fits is Fits.YES:
            under_way.append(seconds)
    spent = sum(one for one, ok in zip(under_way, taken, strict=False) if ok)
    assert spent <= allowed + 0.01
