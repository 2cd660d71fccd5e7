"""Slow producers and open writers: a file is complete only when nobody writes to it any more."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from ingestd.model import State
from ingestd.watch import writers
from ingestd.watch.writers import Sight, Writers, sight
from videos import video
from world import worlds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from world import World

HOLD = "import sys; f = open(sys.argv[1], sys.argv[2]); print('open', flush=True); sys.stdin.read()"


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


@pytest.fixture(autouse=True)
def always_fresh(monkeypatch):
    monkeypatch.setattr(writers, "FRESH_S", 0.0)


@pytest.fixture
def opened() -> Iterator:
    """Have another process hold a file open; call it to let go."""
    started: list[subprocess.Popen] = []

    def hold(path: Path, mode: str = "ab"):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, os.fspath(path), mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout.readline() == b"open\n"

        def let_go() -> None:
            process.communicate(timeout=10)

        return let_go

    yield hold
    for process in started:
        process.kill()
        process.communicate(timeout=10)


def quiet(world: World) -> float:
    return world.snapshot()["folders"][0]["quiet_s"]


def test_a_producer_that_pauses_for_longer_teaches_its_folder(world: World):
    assert quiet(world) == 10.0
    path = world.drop / "a.mp4"
    whole = world.content("a")
    for part in range(4):
        path.write_bytes(whole[: 500 * (part + 1)])
        os.utime(path, (part * 30.0, part * 30.0))
        world.advance(30)
    assert quiet(world) == 45.0
    assert world.events.named("folder.slower")
    world.restart()
    assert quiet(world) == 45.0
    late = world.put("late.mp4")
    world.advance(35)
    assert world.row(late) is None
    world.advance(30)
    assert world.state(late) is not None


def test_growth_after_a_first_judgement_starts_over_and_nothing_half_is_sent(world: World):
    """An MKV that its recorder appends to is complete at each moment."""
    world.wish("pause")
    whole = video(".mkv", frames=30, live="1")
    path = world.drop / "a.mkv"
    path.write_bytes(whole)
    os.utime(path, (1000.0, 1000.0))
    world.advance(30)
    assert world.state(path) is State.QUEUED
    with path.open("ab") as file:
        file.write(b"\xec\x80" * 10)  # Void elements
    os.utime(path, (1040.0, 1040.0))
    world.advance(5)
    world.wish("resume")
    world.advance(300)
    assert len(world.far.library) == 1
    assert world.far.library[0].video.size == path.stat().st_size
    assert quiet(world) == 60.0


def test_a_file_that_a_program_writes_to_is_settling_and_says_so(world: World, opened):
    path = world.put("a.mp4")
    let_go = opened(path)
    world.advance(600)
    assert world.row(path) is None
    answers = world.ask("explain", path=str(path))
    world.run_until_idle()
    assert "has it open for writing" in answers[0]["detail"]
    assert "python" in answers[0]["detail"]
    let_go()
    world.advance(400)
    assert world.state(path) is State.PARSED


def test_a_program_that_never_lets_go_is_not_waited_for_for_ever(world: World, opened):
    path = world.put("a.mp4")
    opened(path)
    world.calm()
    world.advance(90_000)
    assert world.state(path) is State.PARSED


def test_a_reader_is_no_writer(world: World, opened):
    path = world.put("a.mp4")
    opened(path, "rb")
    world.advance(200)
    assert world.state(path) is State.PARSED


def test_writers_are_found_through_links_and_by_odd_names(tmp_path: Path, opened):
    real = tmp_path / "real"
    real.mkdir()
    path = real / "a\n\udcff🎬.mp4"
    path.touch()
    (tmp_path / "link").symlink_to(real)
    found = Writers()
    assert found.of(str(path)) == ""
    opened(path, "r+b")
    assert "python" in found.of(str(tmp_path / "link" / path.name))
    assert found.of(str(tmp_path / "none.mp4")) == ""


def test_one_look_at_all_processes_serves_many_files(tmp_path: Path, monkeypatch):
    looks = []
    monkeypatch.setattr(writers, "FRESH_S", 3600.0)
    monkeypatch.setattr(writers, "_look", lambda _: looks.append(time.monotonic()) or {})
    found = Writers()
    for number in range(100):
        path = tmp_path / f"{number}.mp4"
        path.touch()
        assert found.of(str(path)) == ""
    assert len(looks) == 1


def test_what_can_be_seen_is_said_per_folder(world: World, monkeypatch):
    assert sight("nfs4") is Sight.LOCAL
    assert sight("ext4") in (Sight.ALL, Sight.OWN)
    monkeypatch.setattr(writers, "PROC", "/nowhere")
    assert sight("ext4") is Sight.NONE
    assert world.snapshot()["folders"][0]["writers"] == "none"
