"""Which questions follow the rows with the fewest calls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestd.follow import FEW, MOST, plan_polls
from ingestd.model import Item, State


def row(number: int, scope: str | None = "unique_id=default") -> Item:
    return Item(number, f"/{number}", "drop", State.INDEXING, video_no=f"VI{number}", scope=scope)


def test_nothing_due_asks_nothing():
    assert plan_polls([]) == ()


@pytest.mark.parametrize("count", [1, 2])
def test_few_rows_are_asked_for_one_by_one(count: int):
    polls = plan_polls([row(number) for number in range(count)])
    assert [poll.single for poll in polls] == [True] * count


def test_more_share_a_list():
    (poll,) = plan_polls([row(number) for number in range(FEW + 1)])
    assert not poll.single
    assert len(poll.items) == FEW + 1


def test_a_long_list_is_asked_for_in_pages():
    polls = plan_polls([row(number) for number in range(2 * MOST + 1)])
    assert [len(poll.items) for poll in polls] == [MOST, MOST, 1]


def test_each_scope_has_its_own_questions():
    rows = [row(number, f"unique_id={number % 2}") for number in range(8)]
    polls = plan_polls(rows)
    assert [poll.scope for poll in polls] == ["unique_id=0", "unique_id=1"]
    for poll in polls:
        assert {item.scope for item in poll.items} == {poll.scope}


def test_what_a_list_hid_is_asked_for_alone():
    polls = plan_polls([row(number) for number in range(6)], frozenset({2, 4}))
    assert sorted(len(poll.items) for poll in polls) == [1, 1, 4]
    assert {poll.items[0].id for poll in polls if poll.single} == {2, 4}


@given(
    st.lists(st.integers(0, 400), unique=True),
    st.frozensets(st.integers(0, 400)),
    st.integers(1, 4),
)
def test_every_row_is_asked_for_exactly_once(numbers, alone, scopes):
    rows = [row(number, f"unique_id={number % scopes}") for number in numbers]
    polls = plan_polls(rows, alone)
    asked = [item.id for poll in polls for item in poll.items]
    assert sorted(asked) == sorted(numbers)
    assert all(len(poll.items) <= MOST for poll in polls)
    assert len(polls) <= len(alone) + scopes * (FEW + len(numbers) // MOST + 1)
