"""`demo`: the whole thing as a person sees it, and nothing left behind."""

from __future__ import annotations

import signal

import pytest

from test_cli_kit import finish, start

CLIPS = ("pattern-h264.mp4", "pattern-hevc.mov", "pattern-vp9.mkv", "pattern-h264.avi")


@pytest.fixture
def place(tmp_path):
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


def test_every_clip_is_seen_on_its_way_and_three_lines_say_what_happened(place):
    # what is meant for a daemon of one's own must not reach the demo's
    foreign = {"INGESTD_CONFIG": "/nowhere.yaml", "STATE_DIRECTORY": "/nowhere"}
    said = finish(start("demo", TMPDIR=str(place), **foreign), 60)
    assert said.code == 0, said.err + said.out
    lines = said.out.splitlines()
    for clip in CLIPS:
        moves = [line.split(clip)[1].split()[:3] for line in lines if f"  {clip} " in line]
        assert [move[-2:] for move in moves[:1]] == [["settling", "copied"]]
        assert [move for move in moves[1:] if move[1] == "->"] == [
            ["settling", "->", "queued"],
            ["queued", "->", "uploading"],
            ["uploading", "->", "indexing"],
            ["indexing", "->", "parsed"],
        ]
    assert lines[-3].startswith("Searchable: 4 of 6, each uploaded and paid once: ")
    assert "pattern-prores.mov (codec)" in lines[-2]
    assert "copy of pattern-h264.mp4 (duplicate)" in lines[-2]
    assert lines[-1].startswith("At memories.ai these 4 uploads would have cost ")
    assert list(place.iterdir()) == []


def test_ctrl_c_cleans_up_too(place):
    demo = start("demo", TMPDIR=str(place))
    assert demo.stdout.readline().startswith("A stand-in of memories.ai listens at ")
    demo.send_signal(signal.SIGINT)
    said = finish(demo)
    assert said.code == 130
    assert "Traceback" not in said.err
    assert list(place.iterdir()) == []


def test_it_can_be_kept_to_look_around(place):
    demo = start("demo", "--keep", TMPDIR=str(place))
    demo.stdout.readline()
    demo.send_signal(signal.SIGTERM)
    said = finish(demo)
    (kept,) = place.iterdir()
    assert f"Kept: {kept}." in said.out
    assert (kept / "config.yaml").exists()
