"""The way of a file from the folder to `parsed`, and what a restart makes of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from fake_farside import LOST, LOST_BUT_STORED, Fate
from ingestd import clips
from ingestd.config import Fields
from ingestd.model import Container, Reason, State
from ingestd.naming import stem_of, token_of
from world import START, PowerCut, worlds

if TYPE_CHECKING:
    from pathlib import Path

    from ingestd.remote.contract import Upload
    from world import World


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def test_a_clip_becomes_searchable_with_one_line_of_history_for_each_move(world: World):
    path = world.put("card/A001.MP4")
    world.advance(200)
    row = world.row(path)
    history = world.journal.history(row.id)
    assert world.way(path) == ["queued", "uploading", "indexing", "parsed"]
    assert [line.event for line in history] == [
        "file.queued",
        "upload.started",
        "upload.accepted",
        "index.parsed",
    ]
    assert [line.at for line in history] == sorted(line.at for line in history)


def test_each_move_is_logged_once_with_its_row_and_both_states(world: World):
    path = world.put("A001.MP4")
    world.advance(200)
    row = world.row(path)
    logged = [(name, known) for _, name, known in world.events.all if known.get("id") == row.id]
    assert [(name, known["from"], known["to"]) for name, known in logged] == [
        (line.event, line.from_state, line.to_state) for line in world.journal.history(row.id)
    ]
    assert {known["path"] for _, known in logged} == {str(path)}
    assert logged[-1][1]["video_no"] == row.video_no


def test_a_parsed_row_says_all_that_scripts_rely_on(world: World):
    path = world.put("A001.MP4")
    world.advance(200)
    row, content = world.row(path), path.read_bytes()
    (stored,) = world.far.library
    assert (row.state, row.reason, row.folder) == (State.PARSED, None, "drop")
    assert row.content_hash == blake3(content).hexdigest() == stored.content_hash
    assert token_of(row.upload_name) == row.fingerprint[:8]
    assert stored.video.name == stem_of(row.upload_name)
    assert (row.video_no, row.scope) == (stored.video.video_no, "unique_id=default")
    assert (row.stat.size, row.container) == (len(content), Container.MP4)
    assert (row.codec, row.attempts, row.next_attempt_at) == ("h264", 0, None)
    assert START < row.first_seen_at == row.queued_at < row.parsed_at < START + 200
    assert row.queued_at <= row.uploaded_at <= row.parsed_at
    assert row.duration_s is not None
    (send,) = world.sends(path)
    assert (send.outcome, send.sent, send.size) == ("accepted", len(content), len(content))
    assert send.at <= send.marked_at <= send.ended_at


@pytest.mark.parametrize("clip", clips.names())
def test_every_kind_that_is_taken_goes_the_whole_way(world: World, clip: str):
    path = world.put(clip, clip=clip)
    world.advance(200)
    assert world.state(path) is State.PARSED


def test_what_is_not_taken_is_refused_for_nothing(world: World):
    name, content = clips.bad(b"x")
    (world.drop / name).write_bytes(content)
    (world.drop / "tape.mxf").write_bytes(b"x" * 100)
    (world.drop / "notes.txt").write_bytes(b"not a video")
    os.symlink(world.drop / name, world.drop / "link.mp4")  # noqa: PTH211 - as users do
    world.advance(200)
    reasons = {path.name: world.row(path) for path in world.drop.iterdir()}
    assert reasons[name].reason is Reason.CODEC
    assert reasons["tape.mxf"].reason is Reason.EXTENSION
    assert reasons["link.mp4"].reason is Reason.NOT_REGULAR
    assert reasons["notes.txt"] is None
    assert world.far.attempts == []
    assert world.snapshot()["folders"][0]["ignored_by"] == {".txt": 1}


def test_a_file_is_looked_at_twice_before_it_is_touched(world: World):
    path = world.put("a.mp4")
    world.advance(9.9)
    assert world.row(path) is None
    assert world.snapshot()["settling"] == 1
    world.advance(0.2)
    assert world.row(path) is not None


def test_the_folders_fields_travel_with_the_clip(world: World):
    fields = Fields(unique_id="{folder}", tags=("{top}", "x"), camera_model="A7 {date}")
    world.restart(folders=(world.folder(world.drop, name="cams", fields=fields),))
    path = world.put("card 7/DCIM/a.mp4")
    world.advance(200)
    (attempt,) = world.far.attempts
    assert world.row(path).scope == str(attempt.upload.scope) == "unique_id=cams"
    assert [value for name, value in attempt.upload.form if name == "tags"] == ["card 7", "x"]
    assert ("retain_original_video", "true") in attempt.upload.form
    assert world.row(path).fields["tags"] == ["card 7", "x"]
    assert world.state(path) is State.PARSED


@pytest.mark.parametrize(
    "name",
    [
        b"caf\xe9 \xff.mp4",
        b"two\nlines.mp4",
        "\N{PARTY POPPER}\N{ZERO WIDTH JOINER}.mp4".encode(),
        b'quote" back\\slash;.mp4',
        b"{stem}{host}.mp4",
        b"." + b"x" * 250 + b".mp4",
        b"%s%n .mp4",
    ],
)
def test_odd_names_go_the_whole_way(world: World, name: bytes):
    path = world.put(os.fsdecode(b"dir \xfe/" + name), salt="x")
    world.advance(200)
    world.restart()
    world.advance(100)
    row = world.row(path)
    assert row.state is State.PARSED
    assert os.fsencode(row.path) == os.fsencode(path)
    row.upload_name.encode("utf-8")
    assert len(world.far.library) == 1


# --- restarts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", range(0, 90, 6))
def test_a_restart_at_any_moment_uploads_nothing_twice_and_loses_nothing(
    world: World, seconds: int
):
    path = world.put("a.mp4")
    world.advance(seconds)
    world.restart()
    world.advance(200)
    assert world.state(path) is State.PARSED
    assert len(world.far.library) == len(world.bodies()) == 1


def test_a_power_cut_before_the_mark_sends_the_file_once_more_in_full(world: World):
    path = world.put("a.mp4")

    def cut(_upload: object) -> None:
        raise PowerCut

    world.far.plan(Fate(during=cut))
    with pytest.raises(PowerCut):
        world.advance(60)
    world.restart()
    assert world.state(path) is State.QUEUED
    assert world.row(path).attempts == 0
    world.advance(200)
    assert world.state(path) is State.PARSED
    assert world.outcomes(path) == ["not_sent", "accepted"]
    assert len(world.far.library) == 1


def test_a_power_cut_after_the_mark_adopts_what_arrived_without_a_second_body(world: World):
    path = world.put("a.mp4")
    world.far.plan(LOST_BUT_STORED)
    world.until(lambda: world.state(path) is State.QUEUED)
    _run_without_recording(world)
    world.restart()
    assert world.state(path) is State.CONFIRMING
    world.advance(200)
    assert world.way(path) == ["queued", "uploading", "confirming", "indexing", "parsed"]
    assert world.outcomes(path) == ["found"]
    assert len(world.bodies()) == len(world.far.library) == 1


def _run_without_recording(world: World) -> None:
    """Let the upload run to its end; the loop never hears of it."""
    before = len(world.far.attempts)
    while len(world.far.attempts) == before:
        world.step()
        world.lanes.run()


def test_a_power_cut_after_the_mark_asks_long_before_it_sends_again(world: World):
    """The names were seen to be shown, so that not finding one proves something."""
    first, path = world.put("first.mp4"), world.drop / "a.mp4"
    world.advance(100)
    assert world.state(first) is State.PARSED
    world.put("a.mp4")
    world.until(lambda: world.state(path) is State.QUEUED)
    world.far.plan(LOST)
    _run_without_recording(world)
    world.restart()
    world.advance(3500)
    assert world.state(path) is State.CONFIRMING
    world.advance(400)
    assert world.state(path) is State.PARSED
    assert world.outcomes(path) == ["not_found", "accepted"]


def test_an_outcome_that_came_in_while_the_daemon_ended_is_recorded(world: World):
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.QUEUED)
    _run_without_recording(world)
    world.daemon.begin_stop()
    world.daemon.abandon(world.now())
    assert world.state(path) is State.INDEXING


def test_a_stop_lets_a_body_that_can_finish_in_time_end(world: World):
    """Half of it went out within a second: the rest fits into a minute."""
    path = world.put("a.mp4")

    def stop(upload: Upload) -> None:
        world.elapsed += 1.0
        upload.progress.sent = upload.stat.size // 2
        world.daemon.begin_stop()

    world.far.plan(Fate(during=stop))
    world.advance(60)
    assert world.state(path) is State.INDEXING
    assert world.daemon.stopped


def test_a_stop_ends_a_body_that_cannot_finish_before_its_last_byte(world: World):
    path = world.put("a.mp4")
    world.far.plan(Fate(during=lambda _: world.daemon.begin_stop()))
    world.advance(60)
    assert world.state(path) is State.QUEUED
    assert world.far.library == []
    world.restart()
    world.advance(200)
    assert world.state(path) is State.PARSED
    assert world.row(path).attempts == 0


def test_nothing_new_starts_once_the_daemon_stops(world: World):
    path = world.put("a.mp4")
    world.advance(5)
    world.daemon.begin_stop()
    world.advance(100)
    assert world.row(path) is None
    assert world.far.attempts == []


def test_a_lost_answer_and_a_restart_in_the_middle_of_the_looking_ends_in_one_video(world: World):
    path = world.put("a.mp4")
    world.far.plan(Fate(LOST_BUT_STORED.reply, stored=True, visible_after=120.0))
    world.advance(60)
    assert world.state(path) is State.CONFIRMING
    world.restart()
    world.advance(400)
    assert world.state(path) is State.PARSED
    assert len(world.bodies()) == 1
