"""Checksum lists: every hash, both formats, hostile XML, and what a list says of a file."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

import mhl
from ingestd.checksums import lists
from ingestd.checksums.around import look_around
from ingestd.checksums.checking import check
from ingestd.checksums.lists import ListReader
from ingestd.checksums.mhl import ListError, comparable, parse
from ingestd.checksums.root import Root
from ingestd.checksums.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"a clip's bytes" * 1000


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A card with one clip, below a watched folder."""
    clip = tmp_path / "A001/CLIP/C001.mov"
    clip.parent.mkdir(parents=True)
    clip.write_bytes(CONTENT)
    return tmp_path / "A001"


def checked(card: Path, name: str = "CLIP/C001.mov"):
    path = str(card / name)
    opened = lambda: os.open(path, os.O_RDONLY)  # noqa: E731 - a function to hand over
    return check(ListReader(), path, Root(str(card.parent)), opened)


def clip(card: Path) -> Path:
    return card / "CLIP/C001.mov"


@pytest.mark.parametrize("kind", mhl.CLASSIC)
def test_a_classic_list_verifies_and_gives_the_hash_that_we_know_files_by(card: Path, kind: str):
    mhl.classic(card, [clip(card)], kind=kind)
    found = checked(card)
    assert found.verdict is Verdict.AGREES
    assert found.content_hash == blake3(CONTENT).hexdigest()


@pytest.mark.parametrize("kind", mhl.ASC)
def test_an_asc_list_verifies(card: Path, kind: str):
    mhl.asc(card, [clip(card)], kind=kind)
    assert checked(card).verdict is Verdict.AGREES


@pytest.mark.parametrize("make", [mhl.classic, mhl.asc])
def test_another_content_differs_and_both_values_are_said(card: Path, make):
    make(card, [clip(card)])
    clip(card).write_bytes(CONTENT[:-1] + b"!")
    found = checked(card)
    assert found.verdict is Verdict.DIFFERS
    assert mhl.VALUES["xxh64"](CONTENT) in found.detail
    assert mhl.VALUES["xxh64"](clip(card).read_bytes()) in found.detail


def test_another_size_needs_no_reading_and_a_shorter_file_may_still_grow(card: Path):
    mhl.classic(card, [clip(card)])
    clip(card).write_bytes(CONTENT[:-1])
    assert checked(card).verdict is Verdict.SHORT
    clip(card).write_bytes(CONTENT + b"!")
    assert checked(card).verdict is Verdict.DIFFERS


def test_a_list_in_the_watched_folder_names_what_is_on_the_card(card: Path):
    mhl.classic(card.parent, [clip(card)])
    assert checked(card).verdict is Verdict.AGREES


def test_a_list_above_the_watched_folder_does_not_count(card: Path):
    mhl.classic(card.parent, [clip(card)])
    path = str(clip(card))
    with pytest.raises(ListError):
        ListReader().find(path, Root(str(card)))


def test_a_file_that_no_list_names_is_unlisted(card: Path):
    mhl.classic(card, [])
    assert checked(card).verdict is Verdict.UNLISTED


def test_a_later_generation_may_add_files_and_never_replaces_a_hash(card: Path):
    late = card / "CLIP/C002.mov"
    mhl.asc(card, [clip(card)])
    late.write_bytes(b"late")
    wrong = {"C001": "0123456789abcdef"}
    mhl.asc(card, [clip(card), late], generation=2, action="verified", values=wrong)
    assert checked(card).verdict is Verdict.AGREES
    assert checked(card, "CLIP/C002.mov").verdict is Verdict.AGREES


def test_a_hash_that_failed_when_the_list_was_made_is_not_the_cards(card: Path):
    mhl.asc(card, [clip(card)], action="failed")
    assert checked(card).verdict is Verdict.UNLISTED


def test_a_generation_that_is_not_what_the_chain_says_is_not_believed(card: Path):
    path = mhl.asc(card, [clip(card)])
    path.write_text(path.read_text().replace("xxh64 action", "xxh64  action"))
    found = checked(card)
    assert found.verdict is Verdict.UNLISTED
    assert "ascmhl_chain.xml" in found.detail


def test_a_list_that_is_replaced_is_read_anew(card: Path):
    reader = ListReader()
    mhl.classic(card, [])
    with pytest.raises(ListError):
        reader.find(str(clip(card)), Root(str(card.parent)))
    mhl.classic(card, [clip(card)])
    assert reader.find(str(clip(card)), Root(str(card.parent))).entry.kind == "xxhash64be"


def test_a_half_written_list_is_not_there_yet(card: Path):
    path = mhl.classic(card, [clip(card)])
    path.write_text(path.read_text()[:200])
    found = checked(card)
    assert found.verdict is Verdict.UNLISTED
    assert "not whole" in found.detail


def test_a_list_that_is_a_link_is_not_followed(card: Path, tmp_path: Path):
    real = mhl.classic(card, [clip(card)], name="real.txt")
    (card / "card.mhl").symlink_to(real)
    found = checked(card)
    assert found.verdict is Verdict.UNLISTED
    assert "cannot be read" in found.detail


def test_a_folder_of_lists_that_is_a_link_is_not_followed(card: Path, tmp_path: Path):
    mhl.asc(card, [clip(card)])
    (card / "ascmhl").rename(tmp_path / "elsewhere")
    (card / "ascmhl").symlink_to(tmp_path / "elsewhere")
    found = checked(card)
    assert found.verdict is Verdict.UNLISTED
    assert "cannot be read" in found.detail


def swapped(card: Path, elsewhere: Path) -> None:
    """Somebody puts a link in the place of the card; what it leads to looks the same."""
    card.rename(elsewhere)
    card.symlink_to(elsewhere)


def test_a_list_in_a_directory_that_became_a_link_is_not_read(card: Path, tmp_path: Path):
    mhl.classic(card, [clip(card)])
    mhl.asc(card, [clip(card)])
    swapped(card, tmp_path.parent / f"{tmp_path.name}-elsewhere")
    found = checked(card)
    assert found.verdict is Verdict.UNLISTED
    assert "cannot be read" in found.detail


def test_where_links_are_followed_its_list_is_read(card: Path, tmp_path: Path):
    mhl.classic(card, [clip(card)])
    swapped(card, tmp_path.parent / f"{tmp_path.name}-elsewhere")
    root = Root(str(card.parent), follow_symlinks=True)
    assert ListReader().find(str(clip(card)), root).entry.kind == "xxhash64be"


def test_a_directory_that_becomes_a_link_once_its_lists_are_named_leads_nowhere(
    card: Path, tmp_path: Path, monkeypatch
):
    """Between the look at the names and the opening: the directory is held by its descriptor."""
    mhl.classic(card, [clip(card)])
    forged = tmp_path / "forged"
    forged.mkdir()
    mhl.classic(forged, [clip(card)], C001="0123456789abcdef").rename(forged / "card.mhl")
    real = lists.lists_in

    def then_swapped(below, directory: str) -> list[str]:
        found = real(below, directory)
        if directory == str(card):
            card.rename(tmp_path / "A000")
            card.symlink_to(forged)
        return found

    monkeypatch.setattr(lists, "lists_in", then_swapped)
    named = ListReader().find(str(clip(card)), Root(str(tmp_path)))
    assert named.entry.value == mhl.VALUES["xxhash64be"](CONTENT)


def test_lists_are_not_looked_for_on_another_disk_than_the_folders(card: Path):
    mhl.classic(card, [clip(card)])
    other = Root(str(card.parent), device=card.stat().st_dev + 1)
    with pytest.raises(OSError, match="another file system"):
        ListReader().find(str(clip(card)), other)
    assert look_around(other, [str(clip(card))], None, lists=True).listed == frozenset()


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">
<!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>
<hashlist version="1.1"><hash><file>&lol2;</file><md5>x</md5></hash></hashlist>"""
OUTSIDE = b"""<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><hashlist>&e;</hashlist>"""


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"no xml",
        BOMB,
        OUTSIDE,
        b"<html></html>",
        b"<hashlist>" * 100,
        b"<hashlist><hash><file>" + b"x" * 100_000 + b"</file></hash></hashlist>",
        b"<hashlist>\xff\xfe</hashlist>",
    ],
)
def test_hostile_lists_are_refused_in_a_sentence(text: bytes):
    with pytest.raises(ListError, match="it "):
        parse(io.BytesIO(text).read)


def test_a_list_that_never_ends_is_refused(monkeypatch):
    monkeypatch.setattr("ingestd.checksums.mhl.MOST_BYTES", 10_000)
    pieces = iter([b"<hashlist>", *[b"<hash></hash>" * 100] * 100])
    with pytest.raises(ListError, match="larger"):
        parse(lambda _: next(pieces))


def test_a_list_of_very_many_files_is_refused(monkeypatch):
    monkeypatch.setattr("ingestd.checksums.mhl.MOST_ENTRIES", 10)
    rows = b"".join(b"<hash><file>%d</file><md5>x</md5></hash>" % number for number in range(11))
    with pytest.raises(ListError, match="more than"):
        parse(io.BytesIO(b"<hashlist>" + rows + b"</hashlist>").read)


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../up.mov", "a/../../b", "..\\up.mov", "."])
def test_paths_that_lead_elsewhere_are_left_out(path: str):
    assert comparable(path) is None


@pytest.mark.parametrize("path", ["a/b.mov", "./a/b.mov", "a//b.mov", "a\\b.mov"])
def test_one_path_may_be_written_in_several_ways(path: str):
    assert comparable(path) == "a/b.mov"
    assert comparable("Mu\u0308ll.mov") == comparable("M\u00fcll.mov")


def test_a_list_made_on_macos_names_files_with_accents(card: Path):
    decomposed = card / "Mu\u0308ll.mov"
    decomposed.write_bytes(CONTENT)
    mhl.classic(card, [decomposed])
    decomposed.rename(card / "M\u00fcll.mov")
    assert checked(card, "M\u00fcll.mov").verdict is Verdict.AGREES


# --- markers ----------------------------------------------------------------------------------


def released(root: Path, names: list[str], marker: str = "*.done") -> list[str]:
    """Which of these files are released; makes what is not there."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    clips = [name for name in names if name.endswith(".mp4")]
    below = Root(str(root))
    around = look_around(below, [str(root / name) for name in clips], marker, lists=False)
    return [name for name in clips if around.is_released(str(root / name), below)]


@pytest.mark.parametrize(
    ("there", "free"),
    [
        (["A/a.mp4", "A/DCIM/b.mp4", "B/c.mp4", "A/card.done"], ["A/a.mp4", "A/DCIM/b.mp4"]),
        (["A/a.mp4", "A/DCIM/b.mp4", "A/DCIM/x.done"], ["A/DCIM/b.mp4"]),
        (["a.mp4", "A/b.mp4", "all.done"], ["a.mp4"]),
        (["A/b.mp4", "B/c.mp4", "A.done"], ["A/b.mp4"]),
        (["A/a.mp4", "A/b.mp4", "A/a.mp4.done"], ["A/a.mp4"]),
        (["A/a.mp4", "A/b.mp4", "A/a.done"], ["A/a.mp4"]),
        (["A/a.mp4"], []),
    ],
)
def test_a_marker_releases_what_it_speaks_of(tmp_path: Path, there: list[str], free: list[str]):
    assert released(tmp_path, there) == free


def test_a_marker_may_be_a_path_pattern(tmp_path: Path):
    assert released(tmp_path, ["A/a.mp4", "A/.ready", "B/b.mp4"], "**/.ready") == ["A/a.mp4"]


def test_a_marker_in_a_directory_that_became_a_link_releases_nothing(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real/card.done").touch()
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop/A").symlink_to(tmp_path / "real")
    path = str(tmp_path / "drop/A/a.mp4")
    for follow in (False, True):
        root = Root(str(tmp_path / "drop"), follow_symlinks=follow)
        around = look_around(root, [path], "*.done", lists=False)
        assert around.is_released(path, root) is follow
