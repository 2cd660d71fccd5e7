"""What proves that a video is one of ours, and what only looks like it (rules R2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestd.evidence import Shown, Sought, shows, tells_apart, weigh
from ingestd.model import Video

OURS = Sought("holiday~0a1b2c3d", 1000, "0a1b2c3d", since=40.0)
HASH = "1be6a69f3c6e49bf986235d68807ab1f"
NAMES, HASHES, UNSEEN = Shown(names=True), Shown(names=False), Shown()
NOTHING_TOLD = Shown(names=False, sizes=False)
NOTHING: frozenset[str] = frozenset()


def video(number: str = "VI1", **of: object) -> Video:
    known = {"name": OURS.stem, "size": OURS.size, "create_time": 50.0, **of}
    return Video(number, "UNPARSE", **known)


def test_our_name_and_the_exact_size_are_proof():
    assert weigh(OURS, [video()], NOTHING, UNSEEN).video == video()


@pytest.mark.parametrize(
    ("of", "doubtful"),
    [
        ({"size": 1001}, True),
        ({"size": None, "name": "another stem~0a1b2c3d"}, True),
        ({"size": 0}, True),
        ({"name": "holiday"}, False),
        ({"name": "holiday~0a1b2c3e"}, False),
        ({"name": "0a1b2c3d"}, False),
        ({"name": ""}, False),
        ({"name": HASH}, True),
        ({"name": f"mavi_api_video_{HASH}"}, True),
        ({"name": None}, True),
        ({"name": HASH, "size": 999}, False),
    ],
)
def test_anything_less_is_no_proof_of_either(of: dict[str, object], doubtful: bool):
    """The names of uploads were shown so far; that may have changed, so a hash is doubtful."""
    weighed = weigh(OURS, [video(**of)], NOTHING, NAMES)
    assert weighed.video is None
    assert weighed.candidates == (("VI1",) if doubtful else ())
    assert weighed.absent is not doubtful


def test_where_a_row_tells_no_size_our_very_name_is_proof():
    assert weigh(OURS, [video(size=None)], NOTHING, NAMES).video == video(size=None)
    two = weigh(OURS, [video(size=None), video("VI2", size=None)], NOTHING, NAMES)
    assert (two.video, two.candidates) == (None, ("VI1", "VI2"))


@pytest.mark.parametrize(
    "name", ["holiday~0a1b2c3d", "holiday~0a1b2c3d.mp4", "h%20oliday~0a1b2c3d", "x~0a1b2c3d_1"]
)
def test_the_token_survives_what_a_far_side_does_to_names(name: str):
    assert shows(name, OURS)


def test_without_a_token_nothing_is_proof():
    bare = Sought("A001", 1000, None)
    assert shows("A001", bare)
    assert not shows("A001.mp4", bare)
    weighed = weigh(bare, [video(name="A001")], NOTHING, NAMES)
    assert (weighed.video, weighed.candidates) == (None, ("VI1",))


def test_a_video_of_another_row_is_not_seen_at_all():
    weighed = weigh(OURS, [video(), video("VI2", size=1)], frozenset({"VI1", "VI2"}), NAMES)
    assert (weighed.video, weighed.others, weighed.candidates) == (None, (), ())
    assert weighed.absent


def test_of_several_the_oldest_is_ours_and_the_others_were_paid_too():
    seen = [video("VI3", create_time=30.0), video("VI1", create_time=10.0), video("VI2")]
    weighed = weigh(OURS, seen, NOTHING, NAMES)
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


shown = st.builds(Shown, st.sampled_from([None, True, False]), st.sampled_from([None, True, False]))


@given(videos, st.frozensets(numbers), shown)
def test_whatever_is_seen_only_an_unlinked_row_that_fits_is_ever_proof(seen, linked, shown):
    weighed = weigh(OURS, seen, linked, shown)
    by_number = {one.video_no: one for one in seen}
    found = [weighed.video.video_no, *weighed.others] if weighed.video else []
    for number in found:
        one = by_number[number]
        assert number not in linked
        assert one.size in (1000, None)
        assert OURS.stem in (one.name or "") or (shown.names is False and one.create_time > 40.0)
    assert bool(weighed.video) + bool(weighed.candidates) + weighed.absent == 1
    assert weigh(OURS, reversed(seen), linked, shown).video == weighed.video


# --- where names are hashes ---------------------------------------------------------------------


def test_the_only_newcomer_of_our_size_is_ours():
    old, ours = video("VI1", name=HASH, create_time=39.0), video("VI2", name=HASH)
    foreign = video("VI3", name=HASH, size=999)
    assert weigh(OURS, [old, ours, foreign], NOTHING, HASHES).video == ours


@pytest.mark.parametrize(
    ("of", "rivals"),
    [
        ({"create_time": 40.0}, ()),  # the very moment of the newest row before it
        ({"create_time": None}, ()),
        ({"size": None}, ()),  # sizes are told, or nobody knows: this one's may come
        ({}, (1000,)),  # another lost upload of ours has this size
    ],
)
def test_a_newcomer_that_is_not_beyond_doubt_is_for_a_person(of: dict[str, object], rivals):
    weighed = weigh(OURS, [video(**{"name": HASH, **of})], NOTHING, HASHES, rivals)
    assert (weighed.video, weighed.candidates, weighed.absent) == (None, ("VI1",), False)


def test_of_two_newcomers_neither_is_ours():
    seen = [video("VI1", name=HASH), video("VI2", name=HASH)]
    assert weigh(OURS, seen, NOTHING, HASHES).candidates == ("VI1", "VI2")
    assert weigh(OURS, seen, frozenset({"VI2"}), HASHES).video == seen[0]


def test_where_no_sizes_are_told_either_the_only_newcomer_at_all_is_ours():
    ours = video(name=HASH, size=None)
    assert weigh(OURS, [ours], NOTHING, NOTHING_TOLD).video == ours
    assert weigh(OURS, [ours], NOTHING, NOTHING_TOLD, rivals=[5]).video is None
    assert weigh(OURS, [ours], NOTHING, Shown(names=False)).video is None


def test_a_size_is_no_proof_while_nobody_knows_that_names_are_hashes():
    for shown in (UNSEEN, NAMES):
        weighed = weigh(OURS, [video(name=HASH)], NOTHING, shown)
        assert (weighed.video, weighed.candidates) == (None, ("VI1",))


@pytest.mark.parametrize(
    ("of", "could"),
    [
        ({}, True),
        ({"size": None}, True),
        ({"create_time": None}, True),
        ({"size": 999}, False),
        ({"create_time": 39.0}, False),
        ({"create_time": 40.0}, True),
        ({"name": "other~99999999"}, False),  # the token of another content
    ],
)
def test_absence_is_proven_only_if_no_newcomer_could_be_it(of: dict[str, object], could: bool):
    seen = [video(**{"name": "any name", **of})]
    assert weigh(OURS, seen, NOTHING, UNSEEN).absent is not could
    assert weigh(OURS, seen, frozenset({"VI1"}), UNSEEN).absent


def test_without_a_watermark_any_row_of_our_size_could_be_ours():
    unmarked = Sought(OURS.stem, OURS.size, OURS.token)
    assert not weigh(unmarked, [video(name=HASH, create_time=0.001)], NOTHING, HASHES).absent


@pytest.mark.parametrize(
    ("shown", "sizes", "may"),
    [
        (NAMES, [1000, 1000], True),
        (UNSEEN, [1000], True),
        (HASHES, [1000], False),
        (HASHES, [999], True),
        (NOTHING_TOLD, [999], False),
        (NOTHING_TOLD, [], True),
    ],
)
def test_what_could_not_be_told_apart_does_not_go_out_together(shown, sizes, may: bool):
    assert tells_apart(1000, sizes, shown) is may
