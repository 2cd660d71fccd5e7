"""Names and kinds of files that a folder may hold, through the whole daemon to what users see."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingestd import clips
from ingestd.cli import jsonout
from ingestd.model import Reason, State
from ingestd.sim import Sim, SimSettings
from test_pipeline import Site
from world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

ODD_NAMES = {
    "bytes that are no UTF-8": b"clip \xff\xfe\xe9.mp4",
    "255 bytes": b"n" * 251 + b".mp4",
    "255 bytes of UTF-8": "\N{HIRAGANA LETTER A}".encode() * 83 + b"xx.mp4",
    "a newline": b"first\nsecond.mp4",
    "control characters": b"\x01\x1b[31mred\x7f\r\t.mp4",
    "emoji": "\N{CLAPPER BOARD}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}.mp4".encode(),
    "right to left": "\N{RIGHT-TO-LEFT OVERRIDE}4pm.gpj.mp4".encode(),
    "quotes": b"\"'; filename=x.exe\\.mp4",
    "spaces around": b" clip .mp4",
    "a dash": b"--help.mp4",
    "many dots": b"a.b..c.mp4.mp4",
    "patterns": b"[!a]*?{b}.mp4",
    "upper case": b"CLIP.MP4",
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as made:
        yield made


@pytest.fixture
def following(tmp_path: Path) -> Iterator[World]:
    """A world whose folder follows links."""
    with World(tmp_path) as made:
        made.reload(folders=(replace(made.folder(made.drop), follow_symlinks=True),))
        yield made


def put(directory: Path, name: bytes | str, salt: str = "") -> Path:
    path = directory / os.fsdecode(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(World.content(salt or path.name))
    return path


def sent(world: World) -> list[str]:
    """The names under which something went out."""
    return [attempt.upload.upload_name for attempt in world.far.attempts]


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ODD_NAMES.values(), ids=ODD_NAMES)
def test_any_name_is_sent_once_under_a_name_that_harms_nobody(world: World, name: bytes):
    path = put(world.drop, name)
    world.advance(900)
    assert world.state(path) is State.PARSED
    (upload_name,) = sent(world)
    assert len(upload_name.encode()) <= 255  # so it is UTF-8, too
    assert upload_name.lower().endswith(".mp4")
    assert upload_name.count(".") == 1
    assert not set(upload_name) & set('"\\/;\r\n\0\x1b')
    row = world.row(path)
    assert row.upload_name == upload_name
    shown = json.loads(jsonout.dump(jsonout.path_keys(row.path)).encode())
    assert os.fsencode(shown["path"]) == bytes(path)


def test_twins_in_case_and_in_unicode_are_files_of_their_own(world: World):
    accent = "caf\N{LATIN SMALL LETTER E WITH ACUTE}.mp4"
    names = ["a.mp4", "A.mp4", "a.MP4", accent, unicodedata.normalize("NFD", accent)]
    paths = [put(world.drop, name, salt=f"{number}") for number, name in enumerate(names)]
    if len(list(world.drop.iterdir())) < len(names):
        pytest.skip("this file system takes some of them for one name")
    world.advance(900)
    assert [world.state(path) for path in paths] == [State.PARSED] * len(names)
    assert len(set(sent(world))) == len(names)


def test_two_names_of_one_file_are_paid_for_once(world: World):
    first = put(world.drop, "a.mp4")
    os.link(first, world.drop / "b.mp4")
    world.advance(900)
    states = sorted((world.state(first), world.state(world.drop / "b.mp4")))
    assert states == [State.DUPLICATE, State.PARSED]
    assert len(sent(world)) == 1


def test_a_sparse_file_is_as_large_as_it_says(world: World):
    path = put(world.drop, "sparse.mp4")
    hole = 6_000_000  # a box that is free, most of it never written
    with path.open("ab") as file:
        file.write(hole.to_bytes(4, "big") + b"free")
        file.truncate(file.tell() - 8 + hole)
    assert path.stat().st_blocks * 512 < path.stat().st_size
    world.advance(900)
    row = world.row(path)
    assert (row.state, row.stat.size) == (State.PARSED, path.stat().st_size)


# --- kinds ---------------------------------------------------------------------------------------


def test_what_is_no_file_is_never_opened_and_says_what_it_is(world: World, monkeypatch):
    os.mkfifo(world.drop / "pipe.mp4")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(world.drop / "socket.mp4"))
    kinds = ["pipe.mp4", "socket.mp4"]
    with contextlib.suppress(PermissionError):
        os.mknod(world.drop / "null.mp4", 0o600 | 0o020000, os.makedev(1, 3))
        kinds.append("null.mp4")
    opened, real = [], os.open
    monkeypatch.setattr(
        os, "open", lambda path, *a, **k: opened.append(path) or real(path, *a, **k)
    )
    world.advance(60)
    listening.close()
    for name in kinds:
        row = world.row(world.drop / name)
        assert (row.state, row.reason) == (State.REJECTED, Reason.NOT_REGULAR), name
        assert row.detail
    assert not {os.fsdecode(path).rpartition("/")[2] for path in opened} & set(kinds)
    assert sent(world) == []


def test_a_directory_with_a_videos_name_is_descended_and_no_row(world: World):
    inside = put(world.drop / "take.mp4", "inner.mov.mp4")
    world.advance(900)
    assert world.state(inside) is State.PARSED
    assert world.row(world.drop / "take.mp4") is None


# --- links ---------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A directory that nobody configured, with a clip in it."""
    put(tmp_path / "elsewhere", "private.mp4")
    return tmp_path / "elsewhere"


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """Where every file that is opened really lies."""
    places, real = [], os.open

    def opening(*args, **more):
        fd = real(*args, **more)
        places.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
        return fd

    monkeypatch.setattr(os, "open", opening)
    return places


def link_everywhere(drop: Path, elsewhere: Path) -> None:
    """Links in, out, to themselves, to nothing, and to a directory above."""
    (drop / "file.mp4").symlink_to(elsewhere / "private.mp4")
    (drop / "directory").symlink_to(elsewhere)
    (drop / "within.mp4").symlink_to("real/clip.mp4")
    (drop / "self.mp4").symlink_to("self.mp4")
    (drop / "nothing.mp4").symlink_to("no such file")
    (drop / "up").symlink_to("..")
    (drop / "real" / "back").symlink_to("../real")


def test_nothing_is_read_through_a_link_unless_links_are_followed(
    world: World, elsewhere: Path, opened: list[str]
):
    clip = put(world.drop / "real", "clip.mp4")
    link_everywhere(world.drop, elsewhere)
    world.advance(900)
    assert len(sent(world)) == 1
    assert world.state(clip) is State.PARSED
    for name in ("file.mp4", "within.mp4", "self.mp4", "nothing.mp4"):
        row = world.row(world.drop / name)
        assert (row.state, row.reason) == (State.REJECTED, Reason.NOT_REGULAR), name
        assert "follow_symlinks" in row.detail
    assert len(world.rows()) == 5  # nothing by way of a linked directory
    assert str(clip) in opened  # so that the next line can fail
    assert not [place for place in opened if place.startswith(str(elsewhere))]


def test_hints_at_links_open_nothing_outside_either(
    world: World, elsewhere: Path, opened: list[str]
):
    world.advance(30)
    link = world.drop / "directory"
    link.symlink_to(elsewhere)
    world.hint(link / "private.mp4")
    world.hint(link)
    world.advance(60)
    assert world.rows() == []
    assert not [place for place in opened if place.startswith(str(elsewhere))]


def test_a_directory_that_becomes_a_link_while_its_file_settles_is_not_read(
    world: World, elsewhere: Path, opened: list[str]
):
    card = world.drop / "card"
    path = put(card, "private.mp4", salt="ours")
    world.advance(5)  # seen, and not looked into yet
    card.rename(world.place / "aside")
    card.symlink_to(elsewhere)
    world.advance(900)
    assert world.state(path) is not State.PARSED
    assert sent(world) == []
    assert not [place for place in opened if place.startswith(str(elsewhere))]


def test_a_directory_that_becomes_a_link_while_its_file_is_queued_sends_nothing(
    world: World, elsewhere: Path, opened: list[str]
):
    world.wish("pause")
    card = world.drop / "card"
    put(card, "private.mp4", salt="ours")
    world.advance(30)
    card.rename(world.place / "aside")
    card.symlink_to(elsewhere)
    world.wish("resume")
    world.advance(900)
    assert not [place for place in opened if place.startswith(str(elsewhere))]
    assert world.bodies() == []


def test_followed_links_count_as_what_they_point_to_and_each_file_is_paid_for_once(
    following: World, elsewhere: Path
):
    world = following
    put(world.drop / "real", "clip.mp4")
    link_everywhere(world.drop, elsewhere)
    (world.drop / "up").unlink()  # it would lead to the journal's directory as well
    world.advance(900)
    assert len(sent(world)) == 2
    states = {row.path.removeprefix(f"{world.drop}/"): row.state for row in world.rows()}
    assert states["real/clip.mp4"] in {State.PARSED, State.DUPLICATE}
    assert {states["file.mp4"], states["directory/private.mp4"]} == {State.PARSED, State.DUPLICATE}
    assert states["self.mp4"] is states["nothing.mp4"] is State.REJECTED
    assert "real/back/clip.mp4" not in states


# --- the installed command -----------------------------------------------------------------------


def test_the_installed_command_takes_them_all_and_its_json_names_every_byte(tmp_path: Path):
    with Sim(SimSettings(profile="recorded2025", parse_seconds=0.2)) as sim:
        site = Site(tmp_path, sim)
        site.configure()
        for number, name in enumerate(ODD_NAMES.values()):
            (site.drop / os.fsdecode(name)).write_bytes(
                clips.unique("pattern-h264.mp4", b"%d" % number)
            )
        assert site.once() == 0
        rows = site.rows()
        assert {row["state"] for row in rows} == {"parsed"}
        assert site.accepted() == len(ODD_NAMES)
        told = {
            base64.b64decode(row["path_b64"]) if "path_b64" in row else os.fsencode(row["path"])
            for row in rows
        }
        assert {path.rpartition(b"/")[2] for path in told} == set(ODD_NAMES.values())
        stored = {video["file_name"] for video in sim.report()["videos"]}
        assert stored == {row["upload_name"] for row in rows}
        shown = site.command("list").stdout
        assert "\x1b" not in shown
        assert len(shown.splitlines()) <= len(ODD_NAMES) + 3  # no name breaks a line
        assert site.once() == 0
        assert site.accepted() == len(ODD_NAMES)
