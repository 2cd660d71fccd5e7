"""The cap of the indexing queue, learned from refusals: pure (rules R7)."""

from __future__ import annotations

import pytest

from ingestd.gates import Cap

NOW = 1_780_000_000.0


def refused(cap: Cap, *at: float, unfinished: int = 5) -> Cap:
    for second in at:
        cap = cap.refused(unfinished, NOW + second)
    return cap


def test_refusals_for_two_minutes_while_some_are_unfinished_make_the_cap_known():
    cap = refused(Cap(), 0, 60)
    assert cap.ripe_at == NOW + 120
    assert cap.learned(NOW + 119) is None
    assert cap.learned(NOW + 120) == Cap(5)


def test_one_refusal_alone_teaches_nothing():
    assert refused(Cap(), 0).ripe_at is None
    assert refused(Cap(), 0).learned(NOW + 1e6) is None


def test_a_refusal_while_none_is_unfinished_is_the_rate():
    assert refused(Cap(), 0, 60, unfinished=0).learned(NOW + 1e6) is None
    assert refused(refused(Cap(), 0, 60), 90, unfinished=0).learned(NOW + 1e6) is None


def test_an_acceptance_ends_the_suspicion():
    assert refused(Cap(), 0, 60).accepted(6).learned(NOW + 1e6) is None


def test_the_number_is_that_of_the_last_refusal():
    cap = refused(refused(Cap(), 0, unfinished=5), 60, unfinished=4)
    assert cap.learned(NOW + 120) == Cap(4)


@pytest.mark.parametrize(("unfinished", "known"), [(4, 5), (5, 5), (6, 6), (9, 6)])
def test_an_acceptance_beyond_what_is_known_raises_it_by_one(unfinished, known):
    assert Cap(5).accepted(unfinished) == Cap(known)


def test_what_is_not_known_is_not_raised():
    assert Cap().accepted(10) == Cap()


def test_a_clock_that_was_set_back_makes_no_suspicion_last_for_ever():
    cap = refused(Cap(), 86_400, 0)
    assert cap.ripe_at == NOW + 120


@pytest.mark.parametrize(("unfinished", "reached"), [(4, False), (5, True), (6, True)])
def test_so_many_at_a_time(unfinished, reached):
    assert Cap(5).is_reached(unfinished) is reached
    assert not Cap().is_reached(unfinished)
