"""Account-wide pauses and the limiter, as pure values: time is an argument (rules R7)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestd import gates
from ingestd.gates import Pace, asked, close, fits_beside, hold, probe_now, standing
from ingestd.model import Gate, GateName

NOW = 1_780_000_000.0
NOBODY: frozenset[GateName] = frozenset()
MIB = 1 << 20


def closed_for(name: GateName, times: int, **more: object) -> Gate:
    """A gate that was closed so often in a row."""
    gate = None
    for _ in range(times):
        gate = close(gate, name, NOW, "why", **more)
    assert gate is not None
    return gate


# --- closing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "first", "second", "largest"),
    [
        (GateName.RATE_LIMIT, 5, 10, 1800),
        (GateName.UNREACHABLE, 5, 10, 300),
        (GateName.CREDITS, 900, 1800, 21_600),
        (GateName.DISABLED, 3600, 7200, 21_600),
        (GateName.INDEXING_CAP, 600, 600, 600),
        (GateName.DISK_FULL, 60, 120, 600),
    ],
)
def test_delays_grow_to_their_largest(name: GateName, first: int, second: int, largest: int):
    waits = [closed_for(name, times).until - NOW for times in (1, 2, 30)]
    assert waits == [first, second, largest]


def test_a_stated_delay_is_a_floor_and_not_the_next_ones_base():
    gate = close(None, GateName.RATE_LIMIT, NOW, "why", wait=600.0)
    assert gate.until == NOW + 600
    assert close(gate, GateName.RATE_LIMIT, NOW, "why").until == NOW + 10
    assert close(gate, GateName.RATE_LIMIT, NOW, "why", wait=1.0).until == NOW + 10


def test_the_configured_interval_is_a_floor():
    assert closed_for(GateName.RATE_LIMIT, 1, at_least=120.0).until == NOW + 120
    assert closed_for(GateName.RATE_LIMIT, 2, at_least=120.0).until == NOW + 240


def test_it_is_known_since_when_and_by_whom_a_gate_is_closed():
    gate = close(None, GateName.CREDITS, NOW - 50, "first", closed_by=1)
    again = close(gate, GateName.CREDITS, NOW, "second", closed_by=2)
    assert (again.since, again.detail, again.closed_by) == (NOW - 50, "second", 2)


@pytest.mark.parametrize("name", [GateName.AUTH, GateName.JOURNAL, GateName.BUDGET])
def test_some_gates_open_only_by_what_closed_them_or_a_person(name: GateName):
    assert closed_for(name, 3).until is None


# --- weighing -----------------------------------------------------------------------------------


def test_no_gate_is_free():
    assert standing([], NOW, NOBODY) == gates.Standing(free=True)


def test_a_closed_gate_says_when_to_look_again():
    weighed = standing([closed_for(GateName.CREDITS, 1)], NOW, NOBODY)
    assert (weighed.free, weighed.probes, weighed.until) == (False, (), NOW + 900)


def test_a_gate_whose_time_has_come_lets_one_probe_through():
    gate = closed_for(GateName.CREDITS, 1)
    weighed = standing([gate], NOW + 900, NOBODY)
    assert (weighed.free, weighed.probes) == (False, (GateName.CREDITS,))
    under_way = standing([gate], NOW + 900, frozenset({GateName.CREDITS}))
    assert (under_way.free, under_way.probes, under_way.until) == (False, (), None)


@pytest.mark.parametrize(
    "name", [GateName.PAUSED, GateName.DISK_FULL, GateName.BUDGET, GateName.BANDWIDTH_WINDOW]
)
def test_what_no_upload_can_tell_opens_by_time_alone(name: GateName):
    gate = hold(None, name, NOW, "why", until=NOW + 60)
    assert standing([gate], NOW + 59, NOBODY).until == NOW + 60
    weighed = standing([gate], NOW + 60, NOBODY)
    assert (weighed.free, weighed.probes, weighed.expired) == (True, (), (name,))


def test_a_pause_without_end_waits_for_a_person():
    weighed = standing([hold(None, GateName.PAUSED, NOW, "why")], NOW + 1e9, NOBODY)
    assert (weighed.free, weighed.until) == (False, None)


def test_a_gate_may_ask_for_a_persons_word_and_goes_on_asking_whatever_closes_it_again():
    gate = hold(None, GateName.AUTH, NOW, "another account", asks="new_account")
    assert (asked(gate), gate.until) == ("new_account", None)
    assert asked(close(gate, GateName.AUTH, NOW + 5, "refused")) == "new_account"
    assert asked(closed_for(GateName.AUTH, 1)) is None


@pytest.mark.parametrize("name", [GateName.AUTH, GateName.CREDITS, GateName.UNREACHABLE])
def test_a_person_lets_a_probe_through_at_once(name: GateName):
    gate = probe_now(closed_for(name, 5), NOW)
    assert standing([gate], NOW, NOBODY).probes == (name,)


def test_one_probe_tries_all_that_is_closed_and_only_when_all_may_be_tried():
    rate, credit = closed_for(GateName.RATE_LIMIT, 1), closed_for(GateName.CREDITS, 1)
    assert standing([rate, credit], NOW + 10, NOBODY).probes == ()
    both = standing([rate, credit], NOW + 900, NOBODY)
    assert set(both.probes) == {GateName.RATE_LIMIT, GateName.CREDITS}
    paused = hold(None, GateName.PAUSED, NOW, "why")
    assert standing([rate, paused], NOW + 900, NOBODY).probes == ()


@given(
    st.lists(
        st.builds(
            Gate,
            st.sampled_from(list(GateName)),
            st.just(NOW),
            st.none() | st.floats(NOW - 100, NOW + 100),
            st.just("why"),
        ),
        unique_by=lambda gate: gate.name,
    ),
    st.frozensets(st.sampled_from(list(GateName))),
)
def test_a_standing_is_never_free_and_shut_at_once(closed, probing):
    weighed = standing(closed, NOW, probing)
    assert not (weighed.free and weighed.probes)
    assert weighed.until is None or weighed.until > NOW
    if weighed.free:
        assert {gate.name for gate in closed} == set(weighed.expired)
    for name in weighed.probes:
        assert name not in probing


# --- the limiter --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pace", "per_minute", "wait"),
    [
        (Pace(), 1.0, 0),
        (Pace(last_start=NOW), None, 0),
        (Pace(last_start=NOW), 1.0, 60),
        (Pace(last_start=NOW - 50), 1.0, 10),
        (Pace(last_start=NOW - 50, last_acceptance=NOW - 20), 1.0, 40),
        (Pace(last_start=NOW, last_acceptance=NOW - 100), 1.0, 60),
        (Pace(last_start=NOW), 0.5, 120),
        (Pace(last_start=NOW), 4.0, 15),
    ],
)
def test_the_interval_runs_from_the_later_of_start_and_acceptance(pace, per_minute, wait):
    assert pace.next_start(per_minute, NOW) == NOW + wait


def test_after_a_long_rest_there_is_no_burst_to_catch_up_with():
    pace = Pace(last_start=NOW - 1e6)
    assert pace.next_start(1.0, NOW) <= NOW
    assert replace(pace, last_start=NOW).next_start(1.0, NOW) == NOW + 60


@given(st.floats(0, 1e7), st.none() | st.floats(0, 1e7), st.floats(0.1, 10))
def test_a_clock_that_was_set_back_costs_one_interval_once(ahead, accepted, per_minute):
    later = None if accepted is None else NOW + accepted
    pace = Pace(NOW + ahead, later).mended(NOW)
    start = pace.next_start(per_minute, NOW)
    assert start <= NOW + 60 / per_minute
    assert pace.mended(start).next_start(per_minute, start) <= start


def test_what_lies_behind_is_left_as_it_is():
    pace = Pace(NOW - 10, None)
    assert pace.mended(NOW) == pace


@pytest.mark.parametrize(
    ("size", "others", "per_minute", "fits"),
    [
        (10 * MIB, [], 1.0, True),
        (2000 * MIB, [], 1.0, True),
        (10 * MIB, [200 * MIB], 1.0, True),
        (256 * MIB, [256 * MIB], 1.0, True),
        (257 * MIB, [1], 1.0, False),
        (1, [257 * MIB], 2.0, False),
        (1, [1, 257 * MIB], 1.0, False),
        (2000 * MIB, [2000 * MIB], 2.1, True),
        (2000 * MIB, [2000 * MIB], None, True),
    ],
)
def test_a_large_body_goes_alone_where_the_account_is_slow(size, others, per_minute, fits):
    assert fits_beside(size, others, per_minute) is fits
