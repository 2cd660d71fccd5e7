"""A dead share holds up no command: what does not answer is said, the rest is done."""

from __future__ import annotations

import os
import threading
from functools import partial

import pytest

from ingestd.cli import patience
from ingestd.cli.patience import Unanswered, patiently, stream
from ingestd.daemon.intake.guarding import META
from ingestd.journal import Journal
from test_cli_kit import Home


@pytest.fixture
def home(tmp_path, capsys):
    return Home(tmp_path, capsys)


@pytest.fixture
def dead(monkeypatch, tmp_path):
    """A share on which each call hangs until the test ends."""
    over, share = threading.Event(), tmp_path / "share"
    share.mkdir()
    monkeypatch.setattr(patience, "PATIENCE", 0.3)
    monkeypatch.setattr(patience.stream, "__defaults__", (0.3,))
    monkeypatch.setattr(patience.patiently, "__defaults__", (0.3,))

    def hang(call, path, *args, **more):
        if isinstance(path, str | os.PathLike) and os.fspath(path).startswith(str(share)):
            over.wait(30)
        return call(path, *args, **more)

    for name in ("open", "stat", "lstat", "scandir"):
        monkeypatch.setattr(os, name, partial(hang, getattr(os, name)))
    yield share
    over.set()


def test_an_answer_and_an_error_come_through():
    assert patiently(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        patiently(lambda: 1 // 0)


def test_what_never_answers_is_left_behind():
    over = threading.Event()
    with pytest.raises(Unanswered):
        patiently(lambda: over.wait(30), 0.05)
    over.set()


def test_signs_of_life_are_waited_for_and_are_no_items():
    def make(beat):
        for number in range(20):
            threading.Event().wait(0.01)
            beat()
            if number == 19:
                yield number

    assert list(stream(make, 0.15)) == [19]


def test_plan_names_the_dead_share_and_goes_on(home, dead):
    home.write(f"folders: [{{path: {home.drop}}}, {{path: {dead}, name: nas}}]")
    (home.drop / "a.xyz").touch()
    said = home.run("plan", "--json")
    assert said.code == 0
    assert "does not answer" in str(said.json["sums"])


def test_show_says_that_the_disk_does_not_answer(home, dead):
    home.journal()
    said = home.run("show", dead / "a.mp4")
    assert "does not answer" in said.out


def test_plan_does_not_take_the_empty_place_of_a_share_for_the_share(home):
    home.journal()
    nas = {"fstype": "cifs", "source": "//nas/video", "point": str(home.drop)}
    with Journal.create_or_open(home.state_dir, fstype=None) as journal:
        journal.set_meta(META, {str(home.drop): {"volume": nas, "used": True}})
    said = home.run("plan", "--json")
    assert "//nas/video is not mounted" in str(said.json["sums"])
