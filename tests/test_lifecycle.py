"""The transition table and what each event makes of a row: pure, so every case can be tried."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestd.lifecycle import ENDED, TRANSITIONS, UNSENT, Policy, decide, diagram, events, legal
from ingestd.lifecycle.indexing import STATUS_FAILED, STATUS_READY
from ingestd.lifecycle.policy import grown
from ingestd.model import Item, Reason, State

S = State
NOW = 1_780_000_000.0
POLICY = Policy()
DAY = 86_400.0
ROW = Item(7, "/drop/a.mp4", "drop", S.QUEUED, fingerprint="ab" * 16, first_seen_at=NOW)

# --- the table ----------------------------------------------------------------------------------


def test_every_state_has_its_line_and_every_target_is_a_state():
    assert set(TRANSITIONS) == {None, *State}


@pytest.mark.parametrize(
    ("state", "targets"),
    [
        (S.HELD, "queued skipped indexing gone"),
        (S.QUEUED, "uploading held rejected skipped duplicate gone"),
        (S.UPLOADING, "indexing parsed queued confirming rejected failed gone"),
        (S.CONFIRMING, "indexing queued held"),
        (S.INDEXING, "parsed failed"),
        (S.PARSED, ""),
        (S.REJECTED, "settling skipped gone"),
        (S.DUPLICATE, "settling gone"),
        (S.SKIPPED, "queued gone"),
        (S.GONE, "settling"),
        (S.FAILED, "queued indexing parsed skipped"),
        (S.SETTLING, "queued held rejected duplicate gone"),
    ],
)
def test_the_table_is_what_users_were_told(state: State, targets: str):
    assert TRANSITIONS[state] == {State(word) for word in targets.split()}


@given(st.sampled_from([None, *State]), st.sampled_from(list(State)))
def test_a_recorded_move_is_a_direct_one_or_two_through_settling(before, after):
    direct = TRANSITIONS[before]
    twice = S.SETTLING in direct and after in TRANSITIONS[S.SETTLING]
    assert legal(before, after) is (after is not S.SETTLING and (after in direct or twice))


def test_nothing_is_ever_recorded_as_settling():
    assert not any(legal(before, S.SETTLING) for before in TRANSITIONS)


def test_what_was_accepted_never_goes_back_to_what_would_be_sent_again():
    for state in (S.INDEXING, S.PARSED):
        assert not any(legal(state, target) for target in (S.QUEUED, S.UPLOADING, S.CONFIRMING))


def test_what_is_unsent_and_what_has_ended_are_told_apart_from_what_is_under_way():
    under_way = {S.UPLOADING, S.CONFIRMING, S.INDEXING}
    assert not under_way & (UNSENT | ENDED)
    assert ENDED | UNSENT | under_way | {S.SETTLING} == set(State)


def test_the_drawn_diagram_is_current():
    drawn = Path(__file__).parent.parent / "docs/states.md"
    assert drawn.read_text() == diagram(), "run: make docs"


# --- every event in every state where it makes sense --------------------------------------------

texts = st.text(max_size=20)
delays = st.floats(0, 1e6)
reasons = st.sampled_from([None, *Reason])
TAKEN_IN = st.builds(
    events.TakenIn,
    st.just("VI1"),
    st.none() | st.just("c" * 64),
    st.sampled_from(["accepted", "found"]),
)
GONE = st.just(events.Replaced()) | st.just(events.Vanished())
STATUS = st.builds(
    events.StatusRead,
    st.sampled_from([*STATUS_READY, *STATUS_FAILED, "UNPARSE", ""]),
    st.floats(0, 900),
    st.none() | texts,
    st.none() | st.floats(0, 1e5),
)
FAILED_LOOK = st.builds(events.LookFailed, texts)


def judged(*states: State) -> st.SearchStrategy:
    return st.builds(events.Judged, st.sampled_from(states), reasons, st.none() | texts)


SENSIBLE = {
    S.QUEUED: st.builds(events.Claimed, texts, texts)
    | GONE
    | judged(S.REJECTED, S.HELD, S.QUEUED)
    | st.builds(events.SameContent, st.integers(1, 99), st.just("c" * 64)),
    S.UPLOADING: TAKEN_IN
    | GONE
    | st.builds(events.GateRefused, texts)
    | st.builds(events.FileRefused, texts)
    | st.builds(events.AttemptFailed, texts)
    | st.builds(events.Postponed, texts, st.none() | delays)
    | st.builds(events.OutcomeUnknown, texts, st.booleans()),
    S.CONFIRMING: TAKEN_IN
    | FAILED_LOOK
    | st.builds(events.NotFound, st.floats(0, 900), st.booleans(), st.booleans()),
    S.INDEXING: STATUS | FAILED_LOOK,
    S.FAILED: STATUS | st.builds(events.Wanted, st.booleans()),
    S.HELD: GONE | TAKEN_IN | st.builds(events.Wanted, st.booleans()),
    S.SKIPPED: GONE | st.builds(events.Wanted, st.booleans()),
    S.REJECTED: GONE | judged(S.QUEUED, S.HELD, S.REJECTED),
    S.DUPLICATE: GONE | judged(S.QUEUED),
    S.GONE: judged(S.QUEUED, S.HELD, S.REJECTED),
}
PAID = {S.INDEXING}  # states whose rows always have a video number

policies = st.builds(
    Policy,
    max_attempts=st.integers(1, 5),
    retry_min=st.floats(0.1, 10),
    retry_max=st.floats(10, 1000),
    poll_min=st.floats(0.1, 10),
    poll_max=st.floats(10, 1000),
    confirm_for=st.floats(0, 3600),
    resend=st.booleans(),
)


@st.composite
def rows(draw):
    state = draw(st.sampled_from(sorted(SENSIBLE)))
    paid = state in PAID or (state is S.FAILED and draw(st.booleans()))
    return replace(
        ROW,
        state=state,
        reason=draw(reasons),
        video_no="VI1" if paid else None,
        attempts=draw(st.integers(0, 6)),
        delay=draw(delays),
        asks=draw(st.integers(0, 10)),
        asked_s=draw(st.floats(0, 1e7)),
        suspect_of=draw(st.none() | st.just(3)),
    )


@given(rows(), st.data(), policies, st.floats(0, 1))
def test_no_decision_is_an_illegal_move_and_none_loses_what_was_paid(row, data, policy, jitter):
    event = data.draw(SENSIBLE[row.state])
    if isinstance(event, events.StatusRead) and row.video_no is None:
        return  # nobody asks for a video without a number
    decision = decide(row, event, NOW, policy, jitter)
    after = decision.item
    assert (after.id, after.path, after.folder) == (row.id, row.path, row.folder)
    if after.state is row.state:
        assert decision.name is None
    else:
        assert legal(row.state, after.state)
        assert decision.name
    if row.video_no is not None:
        assert after.video_no == row.video_no
        assert after.state not in (S.QUEUED, S.UPLOADING, S.CONFIRMING, S.GONE)
    if after.state in (S.QUEUED, S.CONFIRMING, S.INDEXING):
        assert after.next_attempt_at is not None
    elif not (after.state is S.FAILED and after.video_no):
        assert after.next_attempt_at == (row.next_attempt_at if after is row else None)


@given(rows(), st.data(), st.floats(0, 1))
def test_growing_delays_stay_within_their_bounds(row, data, jitter):
    event = data.draw(SENSIBLE[row.state])
    if isinstance(event, events.StatusRead) and row.video_no is None:
        return
    after = decide(row, event, NOW, POLICY, jitter).item
    explicit = isinstance(event, events.Postponed) and event.after is not None
    if after.next_attempt_at is not None and after is not row and not explicit:
        assert 0 <= after.next_attempt_at - NOW <= max(1.2 * POLICY.retry_max, DAY)


# --- single rules -------------------------------------------------------------------------------


def test_a_growing_delay_doubles_between_its_bounds():
    delays, delay = [], 0.0
    for _ in range(6):
        delay = grown(delay, 5, 60)
        delays.append(delay)
    assert delays == [5, 10, 20, 40, 60, 60]


def test_jitter_spreads_a_delay_by_a_fifth_at_most():
    row = replace(ROW, state=S.UPLOADING)
    waits = [
        decide(row, events.AttemptFailed("x"), NOW, POLICY, jitter).item.next_attempt_at - NOW
        for jitter in (0.0, 0.5, 1.0)
    ]
    assert waits == pytest.approx([5.0, 5.5, 6.0])


def test_a_gate_gives_the_attempt_back():
    row = replace(ROW, state=S.UPLOADING, attempts=3)
    assert decide(row, events.GateRefused("no"), NOW, POLICY).item.attempts == 3


@pytest.mark.parametrize("readable", [True, False])
@pytest.mark.parametrize("trusted", [True, False])
def test_looking_ends_only_with_looks_and_time(readable: bool, trusted: bool):
    looks, span = (3, 30.0) if readable else (5, POLICY.confirm_for)
    row = replace(ROW, state=S.CONFIRMING, attempts=1)
    not_yet = [(looks - 2, span * 2), (looks * 10, span - 2)]
    for asks, asked in not_yet:
        event = events.NotFound(1.0, readable, trusted)
        before = replace(row, asks=asks, asked_s=asked)
        assert decide(before, event, NOW, POLICY).item.state is S.CONFIRMING
    before = replace(row, asks=looks - 1, asked_s=span - 1)
    after = decide(before, events.NotFound(1.0, readable, trusted), NOW, POLICY).item
    assert after.state is (S.QUEUED if trusted else S.HELD)
    assert after.reason is (None if trusted else Reason.UNCONFIRMED)


def test_a_look_that_failed_spends_nothing():
    row = replace(ROW, state=S.CONFIRMING, asks=2, asked_s=100.0)
    after = decide(row, events.LookFailed("down"), NOW, POLICY).item
    assert (after.asks, after.asked_s) == (2, 100.0)


def test_what_may_be_paid_is_neither_gone_nor_replaced():
    row = replace(ROW, state=S.HELD, reason=Reason.UNCONFIRMED)
    for event in (events.Vanished(), events.Replaced()):
        assert decide(row, event, NOW, POLICY).item is row
    other = replace(row, reason=Reason.SURGE)
    assert decide(other, events.Vanished(), NOW, POLICY).item.state is S.GONE


def test_retry_of_what_was_paid_only_follows_it():
    paid = replace(ROW, state=S.FAILED, video_no="VI1", asked_s=9e9)
    after = decide(paid, events.Wanted(pay_again=True), NOW, POLICY).item
    assert (after.state, after.asked_s, after.pay_again) == (S.INDEXING, 0.0, False)
    unpaid = replace(ROW, state=S.FAILED, attempts=10)
    after = decide(unpaid, events.Wanted(), NOW, POLICY).item
    assert (after.state, after.attempts) == (S.QUEUED, 0)


def test_a_late_row_is_asked_for_daily_until_its_time_is_over():
    row = replace(ROW, state=S.FAILED, video_no="VI1", reason=Reason.INDEXING_DEADLINE)
    asked = 0
    while row.next_attempt_at is not None or not asked:
        row = decide(row, events.StatusRead("UNPARSE", 0.0), NOW, POLICY).item
        asked += 1
    assert 30 <= asked <= 33
    parsed = decide(row, events.StatusRead("PARSE", 0.0), NOW, POLICY).item
    assert (parsed.state, parsed.parsed_at, parsed.reason) == (S.PARSED, NOW, None)
