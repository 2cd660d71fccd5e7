"""What a person at a real (pseudo) terminal gets that a pipe does not: colour, bars, questions."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ingestd.journal import JournalReader
from ingestd.model import Reason, State
from test_cli_kit import Home, a_row, clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

ESCAPE = "\x1b["


@pytest.fixture
def home(tmp_path, capsys):
    home = Home(tmp_path, capsys)
    home.journal(
        a_row(home.clip("a.mp4"), State.PARSED, video_no="VI1"),
        a_row("/srv/b.mov", State.REJECTED, reason=Reason.CODEC),
    )
    return home


class Terminal:
    """A command that runs at a pseudo terminal."""

    def __init__(self, home: Home, *argv: object, **environ: str) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ingestd", "-c", str(home.config), *map(str, argv)],
            env=clean_environment() | {"TERM": "xterm-256color", "COLUMNS": "200"} | environ,
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def shown(self) -> Iterator[str]:
        """What has been printed so far, again after each piece, until the end."""
        seen = b""
        try:
            while piece := os.read(self._master, 4096):
                seen += piece
                yield seen.decode("utf-8", "replace")
        except OSError:  # the other end has closed
            return

    def until(self, text: str) -> str:
        return next(seen for seen in self.shown() if text in seen)

    def end(self) -> tuple[int, str]:
        whole = max(self.shown(), key=len, default="")
        os.close(self._master)
        return self.process.wait(20), whole


def test_the_screen_has_colour_and_the_same_words(home):
    code, shown = Terminal(home, "status").end()
    assert code == 0
    assert ESCAPE in shown
    assert "1 codec" in shown


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_who_wants_no_colour_gets_none(home, environ):
    code, shown = Terminal(home, "status", **environ).end()
    assert code == 0
    assert ESCAPE not in shown


def test_waiting_shows_a_bar(home):
    code, shown = Terminal(home, "wait", home.drop).end()
    assert code == 0
    assert "━" in shown
    assert "1/1" in shown


@pytest.mark.parametrize(("answer", "code", "wishes"), [("n\n", 1, 0), ("y\n", 0, 1)])
def test_a_question_about_money_is_answered_by_hand(home, answer, code, wishes):
    terminal = Terminal(home, "retry", "--all")
    assert "1 clip, 1.0 kB" in terminal.until("Go on? [y/N]")
    terminal.type(answer)
    assert terminal.end()[0] == code
    with JournalReader.open(home.state_dir) as reader:
        assert len(reader.pending_wishes()) == wishes


def test_following_the_status_ends_with_ctrl_c_and_leaves_the_cursor_visible(home):
    terminal = Terminal(home, "status", "--follow")
    terminal.until("TODAY")
    terminal.process.send_signal(signal.SIGINT)
    code, rest = terminal.end()
    assert code == 0
    assert rest.rstrip().endswith("\x1b[?25h")
