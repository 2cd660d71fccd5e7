"""What proves that a video is one of ours, and what only looks like it (rules R2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestd.evidence import Sought, possible, shows, weigh
from ingestd.model import Video

OURS = Sought("holiday~0a1b2c3d", 1000, "0a1b2c3d")
NOTHING: frozenset[str] = frozenset()


def video(number: str = "VI1", **of: object) -> Video:
    known = {"name": OURS.stem, "size": OURS.size, "create_time": 50.0, **of}
    return Video(number, "UNPARSE", **known)


def test_our_name_and_the_exact_size_are_proof():
    assert weigh(OURS, [video()], NOTHING).video == video()


@pytest.mark.parametrize(
    ("of", "doubtful"),
    [
        ({"size": 1001}, True),
        ({"size": None}, True),
        ({"size": 0}, True),
        ({"name": "holiday"}, False),
        ({"name": "holiday~0a1b2c3e"}, False),
        ({"name": "0a1b2c3d"}, False),
        ({"name": "1be6a69f3c6e49bf986235d68807ab1f"}, False),
        ({"name": None}, False),
        ({"name": ""}, False),
    ],
)
def test_anything_less_is_no_proof(of: dict[str, object], doubtful: bool):
    weighed = weigh(OURS, [video(**of)], NOTHING)
    assert weighed.video is None
    assert weighed.doubtful == (("VI1",) if doubtful else ())


@pytest.mark.parametrize(
    "name", ["holiday~0a1b2c3d", "holiday~0a1b2c3d.mp4", "h%20oliday~0a1b2c3d", "x~0a1b2c3d_1"]
)
def test_the_token_survives_what_a_far_side_does_to_names(name: str):
    assert shows(name, OURS)


def test_without_a_token_nothing_is_proof():
    bare = Sought("A001", 1000, None)
    assert shows("A001", bare)
    assert not shows("A001.mp4", bare)
    weighed = weigh(bare, [video(name="A001")], NOTHING)
    assert (weighed.video, weighed.doubtful) == (None, ("VI1",))


def test_a_video_of_another_row_is_not_seen_at_all():
    weighed = weigh(OURS, [video(), video("VI2", size=1)], frozenset({"VI1", "VI2"}))
    assert (weighed.video, weighed.others, weighed.doubtful) == (None, (), ())


def test_of_several_the_oldest_is_ours_and_the_others_were_paid_too():
    seen = [video("VI3", create_time=30.0), video("VI1", create_time=10.0), video("VI2")]
    weighed = weigh(OURS, seen, NOTHING)
    assert weighed.video is not None
    assert (weighed.video.video_no, weighed.others) == ("VI1", ("VI3", "VI2"))


numbers = st.sampled_from([f"VI{number}" for number in range(6)])
videos = st.lists(
    st.builds(
        Video,
        numbers,
        st.just("PARSE"),
        st.sampled_from([OURS.stem, f"{OURS.stem}.mp4", "other", None]),
        st.sampled_from([1000, 999, None]),
        st.none() | st.floats(0, 100),
    ),
    unique_by=lambda one: one.video_no,
)


@given(videos, st.frozensets(numbers))
def test_only_what_is_unlinked_named_and_sized_like_ours_is_ever_proof(seen, linked):
    weighed = weigh(OURS, seen, linked)
    by_number = {one.video_no: one for one in seen}
    found = [weighed.video.video_no, *weighed.others] if weighed.video else []
    for number in found:
        assert number not in linked
        assert by_number[number].size == 1000
        assert OURS.stem in (by_number[number].name or "")
    assert not set(found) & set(weighed.doubtful)
    assert weigh(OURS, reversed(seen), linked).video == weighed.video


# --- could it be there under another name? ------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "could"),
    [
        ({}, True),
        ({"size": None}, True),
        ({"create_time": None}, True),
        ({"size": 999}, False),
        ({"create_time": 39.0}, False),
        ({"create_time": 40.0}, True),
    ],
)
def test_a_newcomer_of_our_size_could_be_ours_under_a_hash(of: dict[str, object], could: bool):
    seen = [video(**{"name": "1be6a69f3c6e49bf986235d68807ab1f", **of})]
    assert possible(OURS, seen, NOTHING, since=40.0) is could
    assert not possible(OURS, seen, frozenset({"VI1"}), since=40.0)


def test_without_a_watermark_any_row_of_our_size_could_be_ours():
    assert possible(OURS, [video(name="x", create_time=0.001)], NOTHING, since=None)
