"""What the tests of the command line share: a home, a journal with rows, a daemon that is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestd import clips
from ingestd.cli.main import run_cli
from ingestd.control import ControlServer, Lock
from ingestd.journal import Journal
from ingestd.model import Container, Item, Stat, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

AT = 1_700_000_000.0
#: Variables that would lead a command to a real installation.
OURS = ("INGESTD_", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "NO_COLOR")


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Home:
    """A directory with a configuration, a watched folder and a state directory."""

    place: Path
    capsys: pytest.CaptureFixture[str]
    more: str = ""

    def __post_init__(self) -> None:
        self.drop.mkdir()
        self.write(f"folders: [{{path: {self.drop}, settle: 1s}}]")

    @property
    def drop(self) -> Path:
        return self.place / "drop"

    @property
    def state_dir(self) -> Path:
        return self.place / "state"

    @property
    def config(self) -> Path:
        return self.place / "config.yaml"

    def write(self, text: str) -> None:
        self.config.write_text(f"state_dir: {self.state_dir}\n{text}\n{self.more}")

    def run(self, *argv: object) -> Said:
        """Run a command in this process, with `-c` before its name."""
        return self.bare("-c", self.config, *argv)

    def bare(self, *argv: object) -> Said:
        """Run a command in this process."""
        code = run_cli([str(one) for one in argv])
        captured = self.capsys.readouterr()
        return Said(code, captured.out, captured.err)

    def journal(self, *items: Item) -> list[Item]:
        """Make the journal, with these rows in it."""
        with Journal.create_or_open(self.state_dir, fstype=None) as journal, journal.transaction():
            return [
                journal.add(item, "file.seen", AT)
                if item.state in (State.QUEUED, State.REJECTED, State.DUPLICATE, State.HELD)
                else journal.restore(item, "file.seen", AT)
                for item in items
            ]

    def clip(self, name: str, salt: bytes = b"", clip: str = "pattern-h264.mp4") -> Path:
        """Put a real clip into the watched folder, or below it."""
        path = self.drop / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(clips.unique(clip, salt or os.fsencode(name)))
        return path


def a_row(path: object = "/srv/a.mp4", state: State = State.QUEUED, **changes: Any) -> Item:
    """A row; with a real file at its path it is about that file."""
    values: dict[str, Any] = {
        "folder": "drop",
        "stat": _stat(Path(str(path))),
        "fingerprint": "ab" * 16,
        "container": Container.MP4,
        "codec": "h264",
        "duration_s": 120.0,
        "first_seen_at": AT,
        "updated_at": AT,
    }
    return Item(id=0, path=str(path), state=state, **{**values, **changes})


def _stat(path: Path) -> Stat:
    if not path.exists():
        return Stat(size=1000, mtime_ns=5 * 10**18, ctime_ns=5, dev=66305, inode=42)
    real = path.stat()
    return Stat(real.st_size, real.st_mtime_ns, real.st_ctime_ns, real.st_dev, real.st_ino)


@dataclass
class FakeDaemon:
    """Holds the lock and answers the socket as the daemon does; acts on wishes as it is told."""

    state_dir: Path
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=lambda: {"done": [], "refused": [], "text": ""})
    wishes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    deaf: bool = False

    def answer(self, request: dict[str, object]) -> dict[str, Any]:
        if self.deaf:
            return {"error": "busy"}
        if request["ask"] == "wake":
            self._act()
            return {"ok": True}
        return self.answers.get(str(request["ask"]), {})

    def _act(self) -> None:
        with Journal.create_or_open(self.state_dir, fstype=None) as journal:
            for wish in journal.pending_wishes():
                self.wishes.append((wish.verb, dict(wish.args)))
                journal.finish_wish(wish.id, AT, self.result)


@contextmanager
def a_daemon(state_dir: Path, **given: Any) -> Iterator[FakeDaemon]:
    """Let a fake daemon run."""
    daemon = FakeDaemon(state_dir, **given)
    lock = Lock(state_dir, AT)
    server = ControlServer(state_dir, daemon.answer)
    try:
        yield daemon
    finally:
        server.close()
        lock.release()


def clean_environment() -> dict[str, str]:
    """The environment of a child process, without a word about a real installation."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


def start(*argv: object, **environ: str) -> subprocess.Popen[str]:
    """Run a command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "ingestd", *map(str, argv)],
        env=clean_environment() | environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], timeout: float = 30.0) -> Said:
    """Wait for the end of a process."""
    out, err = process.communicate(timeout=timeout)
    return Said(process.returncode, out, err)


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: Callable[..., bool] | None) -> None:
    """Let somebody sit there, who answers every question so; None: nobody is there."""
    monkeypatch.setattr("ingestd.cli.terminal.can_ask", lambda: answer is not None)
    monkeypatch.setattr("click.confirm", answer or _unasked)


def _unasked(*_args: object, **_options: object) -> bool:
    raise AssertionError("nobody is there to be asked")
