"""`wait`: when it returns, and with which exit code."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from ingestd.cli.session import Session
from ingestd.cli.wait import wait_for_paths
from ingestd.cli.waiting import Patience, Until, Watchlist, wait
from ingestd.config import load
from ingestd.errors import StoppedEarlyError
from ingestd.journal import Journal, JournalReader
from ingestd.model import Reason, State
from test_cli_kit import AT, Home, a_daemon, a_row

if TYPE_CHECKING:
    from collections.abc import Callable

INDEXING = {"state": State.INDEXING, "video_no": "VI1"}
PARSED = {"state": State.PARSED, "video_no": "VI1"}


@pytest.fixture
def home(tmp_path, capsys):
    return Home(tmp_path, capsys)


@dataclass
class Time:
    """A clock that only sleeping moves; something happens at each sleep."""

    happens: list[Callable[[], None]] = field(default_factory=list)
    now: float = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.happens:
            self.happens.pop(0)()

    def patience(self, timeout: float | None = None) -> Patience:
        return Patience(timeout, self.clock, self.sleep)


def waited(home: Home, watchlist: Watchlist, time: Time, timeout: float | None = None) -> bool:
    with JournalReader.open(home.state_dir) as reader:
        return wait(watchlist, reader, time.patience(timeout), lambda _: None)


def test_it_waits_through_every_state_until_the_file_is_searchable(home):
    clip = home.clip("a.mp4")
    home.journal()

    def seen() -> None:
        home.journal(a_row(clip))

    def moved(**changes: object) -> Callable[[], None]:
        def move() -> None:
            with Journal.create_or_open(home.state_dir, fstype=None) as journal:
                row = journal.current(str(clip))
                journal.move(row, replace(row, **changes), "test", AT)

        return move

    time = Time([seen, moved(state=State.UPLOADING), moved(**INDEXING), moved(state=State.PARSED)])
    watchlist = Watchlist(Until.PARSED, {str(clip): None})
    assert waited(home, watchlist, time)
    assert (watchlist.done, watchlist.failed) == (1, {})
    assert time.happens == []


@pytest.mark.parametrize(
    ("row", "until", "code"),
    [
        (PARSED, "parsed", 0),
        (INDEXING, "uploaded", 0),
        (INDEXING, "parsed", 5),
        ({"state": State.QUEUED}, "uploaded", 5),
        ({"state": State.REJECTED, "reason": Reason.CODEC, "detail": "ProRes."}, "parsed", 1),
        ({"state": State.HELD, "reason": Reason.SURGE}, "parsed", 1),
        ({"state": State.FAILED, "reason": Reason.INDEXING_FAILED}, "parsed", 1),
    ],
)
def test_the_exit_code_says_how_it_ended(home, row, until, code):
    clip = home.clip("a.mp4")
    home.journal(a_row(clip, **row))
    said = home.run("wait", clip, "--until", until, "--timeout", "0s")
    assert said.code == code
    if code == 1:
        assert str(clip) in said.err


def test_a_duplicate_is_searchable_when_its_original_is(home):
    original, copy = home.clip("a.mp4"), home.clip("b.mp4", b"a.mp4")
    home.journal(a_row(original, **PARSED), a_row(copy, State.DUPLICATE, duplicate_of=1))
    assert home.run("wait", copy, "--timeout", "0s").code == 0


def test_another_file_at_the_path_is_not_taken_for_the_one_that_was_sent(home):
    clip = home.clip("a.mp4")
    home.journal(a_row(clip, **PARSED))
    os.utime(clip, (AT, AT))
    assert home.run("wait", clip, "--timeout", "0s").code == 5


def test_a_directory_is_all_that_lies_in_it_seen_or_not(home):
    seen, unseen = home.clip("card/a.mp4"), home.clip("card/b.mp4")
    (home.drop / "card" / "notes.xml").write_text("x")
    home.journal(a_row(seen, **PARSED))
    said = home.run("wait", home.drop / "card", "--timeout", "0s")
    assert said.code == 5
    assert "1 file not parsed yet" in said.err
    unseen.unlink()
    assert home.run("wait", home.drop / "card", "--timeout", "0s").code == 0


def test_a_parsed_file_that_was_moved_away_is_done(home):
    home.journal(a_row(home.drop / "a.mp4", **PARSED))
    assert home.run("wait", home.drop / "a.mp4", "--timeout", "0s").code == 0


def test_what_nobody_will_ever_take_is_not_waited_for(home, tmp_path):
    home.journal()
    (home.drop / "notes.xml").write_text("x")
    outside = tmp_path / "outside.mp4"
    outside.write_bytes(b"x")
    for path, why in [
        (home.drop / "notes.xml", "no extension of a video"),
        (outside, "no watched folder"),
        (home.drop / "none.mp4", "There is no such file"),
    ]:
        said = home.run("wait", path)
        assert said.code == 1
        assert why in said.err


def test_what_the_daemon_was_told_to_take_needs_no_watched_folder(home, tmp_path):
    outside = tmp_path / "outside.mp4"
    outside.write_bytes(b"x")
    home.journal()
    session = Session(load(home.config, {}), home.config)
    with pytest.raises(StoppedEarlyError, match="1 file not parsed yet"):
        wait_for_paths(session, (str(outside),), Until.PARSED, Patience(0.0), added=True)


def test_an_empty_directory_is_nothing_to_wait_for(home):
    home.journal()
    said = home.run("wait", home.drop)
    assert said.code == 0
    assert "nothing to wait for" in said.err


def test_it_says_when_no_daemon_runs(home):
    clip = home.clip("a.mp4")
    home.journal(a_row(clip))
    assert "not running" in home.run("wait", clip, "--timeout", "0s").err
    with a_daemon(home.state_dir):
        assert "not running" not in home.run("wait", clip, "--timeout", "0s").err


def test_a_pipe_gets_a_line_whenever_the_number_moves(home):
    home.journal(a_row(home.clip("a.mp4"), **PARSED), a_row(home.clip("b.mp4")))
    said = home.run("wait", home.drop, "--timeout", "0s")
    assert said.out == "1 of 2 through\n"


def test_many_open_files_are_not_all_asked_for_at_every_look(home):
    home.journal(*(a_row(f"/srv/{n:04}.mp4") for n in range(1200)))
    watchlist = Watchlist(Until.PARSED, {f"/srv/{n:04}.mp4": None for n in range(1200)})
    assert not waited(home, watchlist, Time(), timeout=2.0)
    assert len(watchlist.pending) == 1200


@pytest.mark.parametrize("by", ["path", "moved_to"])
def test_a_file_that_an_after_action_took_away_is_done(home, by):
    clip, moved = home.clip("a.mp4"), home.clip("elsewhere.mp4")
    row = a_row(clip, **PARSED)
    with Journal.create_or_open(home.state_dir, fstype=None) as journal:
        added = journal.restore(row, "test", AT)
        gone = replace(added, moved_to=str(moved), removed_at=AT)
        journal.depart(added, gone, "file.moved", AT)
    clip.unlink()
    path = str(clip if by == "path" else moved)
    watchlist = Watchlist(Until.PARSED, {path: None})
    assert waited(home, watchlist, Time())
    assert (watchlist.done, watchlist.failed) == (1, {})


def test_a_new_file_where_another_one_was_moved_away_is_waited_for(home):
    clip = home.clip("a.mp4")
    row = a_row(clip, **PARSED)
    with Journal.create_or_open(home.state_dir, fstype=None) as journal:
        added = journal.restore(row, "test", AT)
        journal.depart(added, replace(added, removed_at=AT), "file.deleted", AT)
    watchlist = Watchlist(Until.PARSED, {str(clip): None})
    assert not waited(home, watchlist, Time(), timeout=5.0)
