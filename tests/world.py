"""A whole daemon in a test's hands: real loop, journal, files and scanner; no threads, no sleep.

The clocks, the workers and the far side are the test's own. `advance` goes from deadline to
deadline, so that hours pass in milliseconds, and fails when the loop would spin.
"""

from __future__ import annotations

import os
import traceback
from collections import deque
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from fake_farside import FakeFarSide
from ingestd import clips
from ingestd.config import ApiKey, Folder, Settings, Upload, WatchMode
from ingestd.daemon.context import Context
from ingestd.daemon.core import Daemon
from ingestd.daemon.inbox import Inbox
from ingestd.daemon.messages import Asked, Hint
from ingestd.daemon.workers import run_job
from ingestd.journal import Journal, Selection, add_wish
from ingestd.lifecycle import legal
from ingestd.model import GateName, Item, Now, Stat, State
from ingestd.remote import Progress
from ingestd.watch.hints import OFF, WATCHING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ingestd.daemon.messages import Message
    from ingestd.daemon.workers import Job
    from ingestd.model import Send
    from ingestd.watch.hints import HintState

START = 1_780_000_000.0  # wall clock of a test's beginning
CLIP = "pattern-h264.mp4"
POLL = 10.0  # seconds between two scans
SELDOM = 900.0
SPINS = 30  # steps in a row at one moment without work: a busy loop


ROUNDS = 1000  # steps with work at one moment
WAKES = 100  # within a second: as good as a busy loop


class PowerCut(BaseException):
    """Ends everything at a point; not to be caught by anybody but the test."""


class Lanes:
    """The `Workers` of a test: a job runs when the test says so, in the order of submission."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self.waiting: deque[tuple[str, Job, Message | None]] = deque()
        self.held: set[str] = set()  # lanes, or kinds of lanes, that hang
        self.told: Callable[[str], object] = lambda _lane: None  # a job runs there now

    def submit(self, lane: str, job: Job, instead: Message | None = None) -> None:
        self.waiting.append((lane, job, instead))

    def close(self) -> None:
        self.waiting.clear()

    def run(self, most: int | None = None) -> int:
        """Run what may run; how many jobs that were."""
        count = 0
        while count != most and (task := self._next()) is not None:
            lane, job, instead = task
            self.told(lane)
            run_job(lane, self._inbox, job, instead)
            count += 1
        return count

    def _next(self) -> tuple[str, Job, Message | None] | None:
        for task in self.waiting:
            if self.held.isdisjoint((task[0], task[0].partition(" ")[0])):
                self.waiting.remove(task)
                return task
        return None


class FakeHints:
    """`watch.hints.Hints` that a test makes hint."""

    def __init__(self) -> None:
        self.roots: set[str] = set()
        self.blind = False  # a cookie is never announced
        self.watches = 0

    def watch(self, root: str, *, recursive: bool, skip: frozenset[str] = frozenset()) -> HintState:
        self.roots.add(root)
        self.watches += 1
        return WATCHING

    def prove(self, root: str) -> HintState:
        if self.blind:
            self.roots.discard(root)
        return self.state(root)

    def unwatch(self, root: str) -> None:
        self.roots.discard(root)

    def state(self, root: str) -> HintState:
        return WATCHING if root in self.roots else OFF

    def close(self) -> None:
        self.roots.clear()


class Events:
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str, dict[str, Any]]] = []

    def __getattr__(self, level: str) -> Callable[..., None]:
        return lambda name, **known: self.all.append((level, name, known))

    def exception(self, name: str, **known: Any) -> None:
        self.all.append(("error", name, {**known, "error": traceback.format_exc()}))

    def named(self, *names: str) -> list[dict[str, Any]]:
        """What was said under these names."""
        return [known for _, name, known in self.all if name in names]


class World:
    """See the module. Times are seconds; `drop` is the first watched folder."""

    def __init__(self, place: Path, *, poll: float = POLL, **settings: Any) -> None:
        self.poll = poll  # long: files are hinted, and hours pass quickly
        self.place, self.drop, self.state_dir = place, place / "drop", place / "state"
        self.drop.mkdir(exist_ok=True)
        self.elapsed = 0.0  # true time, which the far side's clock shows
        self.wall_error = 0.0  # how wrong our wall clock is
        self.events = Events()
        self.far = self.far_side()
        self.settings = Settings(
            state_dir=self.state_dir,
            folders=(self.folder(self.drop),),
            upload=Upload(per_minute=None),
        )
        self.settings = replace(self.settings, **settings)
        self.errors_expected = self.paid_again = False
        self.bandwidths: list[float | None] = []  # limits that were set, in order
        self.on_sync: Callable[[int], None] = lambda _fd: None  # the mirror's; power never fails
        self.on_journal: Callable[[Journal], Any] = lambda journal: journal
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.check()
        self._stop()

    def far_side(self) -> Any:
        """What is asked and uploaded to."""
        return FakeFarSide(lambda: START + self.elapsed)

    def new_lanes(self) -> Any:
        """Where jobs run."""
        return Lanes(self.inbox)

    # --- what a test sets up ------------------------------------------------------------------

    def folder(self, path: Path, **changes: Any) -> Folder:
        """A folder with 10 s of quiet time, polled every 10 s unless the world says otherwise."""
        path.mkdir(exist_ok=True)
        plain = Folder(
            path=path,
            mode=WatchMode.POLL,
            poll_interval=self.poll,
            rescan_interval=max(600.0, self.poll),
            settle=10.0,
        )
        return replace(plain, **changes)

    def put(self, name: str, *, salt: str | None = None, clip: str = CLIP) -> Path:
        """Put a clip into the folder at once; equal salts are equal contents."""
        path = self.drop / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content(name if salt is None else salt, clip))
        if self.poll > POLL:
            self.hint(path)
        return path

    def fill(self) -> None:
        """Make the journal an old one, with 100 paid videos."""
        row = Item(0, "", "old", State.PARSED, stat=Stat(1, 1, 1, 1, 1))
        with self.journal.transaction():
            for number in range(100):
                old = replace(row, path=f"/old/{number}", video_no=f"old {number}")
                self.journal.restore(old, "file.restored", 1.0)

    @staticmethod
    def content(salt: str, clip: str = CLIP) -> bytes:
        return clips.unique(clip, os.fsencode(salt))

    def restart(self, **settings: Any) -> None:
        """Everything but the disk and the far side is lost here; then a new start."""
        self._stop()
        self.settings = replace(self.settings, **settings)
        self._start()

    def reload(self, **settings: Any) -> None:
        """Change the configuration of the running daemon."""
        self.settings = replace(self.settings, **settings)
        self.daemon.reconfigure(self.settings, ApiKey("sk-mavi-0123456789", "a test"))

    def calm(self) -> None:
        """Scan seldom from now on, so that hours pass quickly."""
        folders = (
            replace(one, poll_interval=SELDOM, rescan_interval=SELDOM)
            for one in self.settings.folders
        )
        self.reload(folders=tuple(folders))

    def section(self, name: str, **changes: Any) -> dict[str, Any]:
        """One section of the settings changed, for `restart` and `reload`."""
        return {name: replace(getattr(self.settings, name), **changes)}

    # --- time ---------------------------------------------------------------------------------

    def now(self) -> Now:
        return Now(START + self.elapsed + self.wall_error, 1000.0 + self.elapsed)

    def step(self) -> float | None:
        return self.daemon.step(self.now())

    def run_until_idle(self) -> float | None:
        """Step and work until nothing moves; the loop's next deadline, monotonic."""
        spins = rounds = 0
        while True:
            deadline = self.step()
            rounds += 1
            assert rounds < ROUNDS, "the loop and its workers keep each other busy"
            if self.lanes.run() or self.inbox:
                spins = 0
            elif deadline is None or deadline > self.now().mono:
                return deadline
            else:
                spins += 1
                assert spins < SPINS, "the loop spins"

    def advance(self, seconds: float) -> None:
        """Let time pass, from deadline to deadline."""
        end, wakes, second = self.elapsed + seconds, 0, self.elapsed
        while True:
            deadline = self.run_until_idle()
            wakes, second = (wakes + 1, second) if self.elapsed < second + 1 else (0, self.elapsed)
            assert wakes < WAKES, "the loop hardly sleeps"
            then = None if deadline is None else self.elapsed + deadline - self.now().mono
            if then is None or then >= end:
                break
            self.elapsed = max(then, self.elapsed + 0.001)
        self.elapsed = max(end, self.elapsed)
        self.run_until_idle()

    def until(self, true: Callable[[], object], *, limit: float = 7200.0) -> None:
        """Let things happen one by one, and time pass between them, until something is so."""
        end, spins = self.elapsed + limit, 0
        while not true():
            deadline = self.step()
            spins = 0 if self.inbox or self.lanes.waiting else spins + 1
            if true() or self.lanes.run(most=1) or self.inbox:
                continue
            assert self.elapsed < end, "it never came to that"
            if deadline is not None and deadline > self.now().mono:
                self.elapsed += max(deadline - self.now().mono, 0.001)
            elif deadline is None or spins > SPINS:
                raise AssertionError("nothing moves any more, or the loop spins")

    # --- what a person does -------------------------------------------------------------------

    def wish(self, verb: str, **args: Any) -> dict[str, Any]:
        """Leave a wish and wake the daemon; its answer."""
        wish = add_wish(self.state_dir, verb, args, self.now().wall)
        self.ask("wake")
        self.run_until_idle()
        found = self.journal.wish(wish)
        assert found is not None
        assert isinstance(found.result, dict), "the wish was not answered"
        return found.result

    def ask(self, question: str, **more: Any) -> list[dict[str, Any]]:
        """Ask the loop as a command does; the answer comes into the list."""
        answers: list[dict[str, Any]] = []
        self.inbox.post(Asked({"ask": question, **more}, answers.append))
        return answers

    def snapshot(self) -> dict[str, Any]:
        answers = self.ask("snapshot")
        self.run_until_idle()
        return answers[0]

    def hint(self, path: Path) -> None:
        self.inbox.post(Hint(str(self.drop), str(path)))

    # --- what a test looks at -----------------------------------------------------------------

    def row(self, path: Path | str) -> Item | None:
        return self.journal.current(os.fspath(path))

    def state(self, path: Path | str) -> State | None:
        row = self.row(path)
        return None if row is None else row.state

    def rows(self, path: Path | str | None = None) -> list[Item]:
        """Every row, forgotten and superseded ones too, oldest first."""
        rows = self.journal.items(Selection(hidden=True))
        return [row for row in rows if path is None or row.path == os.fspath(path)]

    def way(self, path: Path | str) -> list[str]:
        """The states of a path's row, as its history tells."""
        row = self.row(path)
        assert row is not None
        return [step.to_state.value for step in self.journal.history(row.id)]

    def sends(self, path: Path | str) -> tuple[Send, ...]:
        row = self.row(path)
        assert row is not None
        return self.journal.sends(row.id)

    def outcomes(self, path: Path | str) -> list[str | None]:
        return [send.outcome for send in self.sends(path)]

    def gate(self, name: GateName) -> Any:
        return next((gate for gate in self.daemon.keeper.closed if gate.name is name), None)

    def bodies(self) -> list[str]:
        """The files whose last byte went out, in that order."""
        return [attempt.upload.path for attempt in self.far.attempts if attempt.marked]

    # --- what is always true ------------------------------------------------------------------

    def check(self) -> None:
        """What must hold whatever happened."""
        troubles = self.events.named("loop.error", "worker.error")
        assert self.errors_expected or not troubles, troubles
        assert self.paid_again or self.far.paid_twice == []
        self._check_histories()
        counts = self.journal.counts()
        shown = [row.state for row in self.journal.items(Selection())]
        assert {state: n for state, n in counts.items() if n} == {s: shown.count(s) for s in shown}
        if not self.lanes.waiting and not self.inbox:
            assert len(self.daemon.flights) == 0, "a slot is lost"
            assert self.daemon.keeper.probing == frozenset(), "a probe is lost"

    def _check_histories(self) -> None:
        for row in self.rows():
            if row.folder == "old":  # made by `fill`, without a life before
                continue
            before = None
            for line in self.journal.history(row.id):
                assert line.from_state is before, row.path
                if before is None and line.event == "journal.restored":
                    before = line.to_state  # its history begins in the middle
                    continue
                noted = line.from_state is line.to_state  # something that left the state as it is
                assert noted or legal(line.from_state, line.to_state), row.path
                before = line.to_state
            assert before is row.state, row.path

    # --- inside -------------------------------------------------------------------------------

    def _start(self) -> None:
        self.journal = self.on_journal(Journal.create_or_open(self.state_dir, fstype=None))
        self.journal._db.rows("PRAGMA synchronous = OFF")  # the tests' power never really fails
        self.inbox, self.hints = Inbox(), FakeHints()
        self.lanes = self.new_lanes()
        self.ctx = Context(
            settings=self.settings,
            journal=self.journal,
            far=self.far,
            workers=self.lanes,
            inbox=self.inbox,
            log=self.events,
            host="host",
            jitter=lambda: 0.0,
            set_bandwidth=self.bandwidths.append,
            progress=lambda: Progress(lambda: self.now().mono),
            sync=self._synced,
            read_journal=lambda: nullcontext(self.journal),  # the lanes run in this thread
            reserve=4096,
        )
        self.daemon = Daemon(self.ctx, self.hints, self.now())

    def _synced(self, fd: int) -> None:
        self.on_sync(fd)

    def _stop(self) -> None:
        """End without ceremony: nothing that was in memory is written."""
        self.daemon.close()
        self.journal._db.close()


def worlds(place: Path, **how: Any) -> Iterator[World]:
    """For fixtures: a world, checked and closed at the end."""
    with World(place, **how) as world:
        yield world


def slow_worlds(place: Path) -> Iterator[World]:
    """For fixtures: a world in which hours pass quickly, because it is seldom scanned."""
    yield from worlds(place, poll=SELDOM)
