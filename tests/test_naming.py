"""Names that a header can carry, that people recognise, and that find a lost upload again."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestd.naming import stem_of, token_of, upload_name

PRINT = "1a2b3c4d" + "0" * 24
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


def named(name: str) -> str:
    return upload_name(f"/drop/{name}", PRINT, token=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("A003C011.MP4", "A003C011~1a2b3c4d.MP4"),
        ("My.holiday.2026.mov", "My_holiday_2026~1a2b3c4d.mov"),
        ("a clip, John's (1).mkv", "a clip, John's (1)~1a2b3c4d.mkv"),
        ("足球.avi", "足球~1a2b3c4d.avi"),
        ("cafe\u0301.mp4", "café~1a2b3c4d.mp4"),
        ('a"b\\c;d\r\ne\tf.mp4', "a_b_c_d__e_f~1a2b3c4d.mp4"),
        ("a\u037eb.mp4", "a_b~1a2b3c4d.mp4"),  # becomes a semicolon when composed
        ("a\u202eb\u2066c\ufeffd.mp4", "abcd~1a2b3c4d.mp4"),
        ("a\u2028b.mp4", "a_b~1a2b3c4d.mp4"),
        (os.fsdecode(b"caf\xe9.mp4"), "caf\ufffd~1a2b3c4d.mp4"),
        (FAMILY + ".mp4", FAMILY + "~1a2b3c4d.mp4"),
        (".mp4", "video~1a2b3c4d.mp4"),
        ("   .mp4", "video~1a2b3c4d.mp4"),
        ("\u202e.mp4", "video~1a2b3c4d.mp4"),
        ("noext", "noext~1a2b3c4d"),
        ("dot.", "dot~1a2b3c4d"),
        ("x~deadbeef.mp4", "x~deadbeef~1a2b3c4d.mp4"),
        ("clip.mp4\n", "clip~1a2b3c4d.mp4"),
        ("clip.averylongextension", "clip~1a2b3c4d.averylonge"),
    ],
)
def test_names_are_safe_and_keep_their_meaning(name: str, expected: str):
    assert named(name) == expected


def test_without_a_token_only_the_safe_name_is_left():
    assert upload_name("/drop/My.clip.MP4", PRINT, token=False) == "My_clip.MP4"


def test_a_long_stem_is_cut_to_80_characters():
    assert named("a" * 200 + ".mp4") == "a" * 80 + "~1a2b3c4d.mp4"


@pytest.mark.parametrize(
    ("unit", "count"),
    [
        ("x\u0323\u0331", 80 // 3),  # no composed form: a letter and its two marks stay together
        (FAMILY, 80 // 5),
        ("\U0001f44d\U0001f3fd", 80 // 2),  # a hand and its colour
        ("\u2764\ufe0f", 80 // 2),  # a heart and its variation selector
    ],
)
def test_a_cut_never_splits_what_people_see_as_one_character(unit: str, count: int):
    stem = stem_of(named(unit * 60 + ".mp4")).rpartition("~")[0]
    assert stem == unit * len(stem[:: len(unit)])
    assert len(stem) <= 80
    assert len(stem) // len(unit) <= count


def test_a_stem_that_is_one_endless_character_is_cut_all_the_same():
    assert len(stem_of(named("a" + "\u0331" * 500 + ".mp4"))) == 80 + 9


@given(st.text(), st.sampled_from([".mp4", ".MOV", ""]))
def test_any_name_gives_one_that_fits(name: str, extension: str):
    sent = named(name + extension)
    assert len(sent.encode()) <= 255
    assert not set(sent) & set('"\\/;\r\n')
    assert not any(unicodedata.category(char) in {"Cc", "Cs"} for char in sent)
    assert "." not in stem_of(sent)
    assert token_of(sent) == token_of(stem_of(sent)) == "1a2b3c4d"
    assert unicodedata.is_normalized("NFC", sent)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_name_that_fits(name: bytes):
    assert len(named(os.fsdecode(name) + ".mp4").encode()) <= 255


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("clip~1a2b3c4d.mp4", "1a2b3c4d"),
        ("clip~1a2b3c4d", "1a2b3c4d"),
        ("clip~1A2B3C4D", "1a2b3c4d"),
        ("clip~1a2b3c4d_1747479033469", "1a2b3c4d"),
        ("a~00000000~1a2b3c4d", "1a2b3c4d"),
        ("clip~1a2b3c4d5", None),
        ("clip~1a2b3c4", None),
        ("clip~1a2b3c4g", None),
        ("1a2b3c4d", None),
        ("clip", None),
        ("", None),
    ],
)
def test_the_token_is_what_follows_the_last_tilde(name: str, token: str | None):
    assert token_of(name) == token


def test_the_stored_name_is_the_name_without_its_extension():
    assert stem_of("clip~1a2b3c4d.MP4") == "clip~1a2b3c4d"
    assert stem_of("clip~1a2b3c4d") == "clip~1a2b3c4d"
