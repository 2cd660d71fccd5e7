"""The daemon in the hands of a soak: `World` with crashes, late answers and interleaved work."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from blake3 import blake3

from ingestd import clips, fingerprint
from ingestd.config import (
    Api,
    BandwidthStep,
    Budget,
    ConfirmThen,
    Fields,
    Guard,
    Indexing,
    ScopeKind,
    Upload,
    WatchMode,
)
from ingestd.daemon.inbox import Inbox
from ingestd.daemon.messages import MirrorChecked, UploadEnded
from ingestd.daemon.sending import preflight
from ingestd.daemon.sending.preflight import LANE as UPLOAD
from ingestd.daemon.workers import run_job
from ingestd.journal import Journal
from ingestd.watch import names, walk
from ingestd.watch.mounts import read_mounts
from soak.disk import SoakDisk
from soak.farside import SoakFarSide
from soak.fates import POISON
from soak.people import Allowed
from world import CLIP, START, WAKES, Events, Lanes, PowerCut, World

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from ingestd.config import Folder
    from ingestd.daemon.messages import Message
    from ingestd.daemon.workers import Job
    from soak.variant import Variant

    Tell = Callable[[float, str, dict[str, object]], None]

SCAN_S = 1800.0  # between two scans; what happens in between is hinted, or seen late
SAMPLE = 256  # bytes of head, middle and tail that a sample covers here: clips are tiny
VARIED = 400  # bytes that differ between twins, outside of what is sampled
DEADLINE_S = 4 * 3600.0  # of the indexing
#: Minutes of the day between which nothing may be sent, and the timetable that says so.
SHUT_FROM, SHUT_UNTIL = 21 * 60, 22 * 60
SHUT = (BandwidthStep(SHUT_FROM, 0), BandwidthStep(SHUT_UNTIL, None))
CLIP_S = 1.5  # a clip plays so long
CUTS = 0.4  # of all sudden ends: those of the power


@cache
def content(kind: int, twin: int = 0) -> bytes:
    """A real clip; equal numbers are equal bytes, twins share size, head, middle and tail."""
    free = bytes([twin]) * VARIED + f"{kind:0{SAMPLE + 50}}".encode()
    return clips.unique(CLIP, free)


class SoakEvents(Events):
    """Tells each event as it comes."""

    def __init__(self, tell: Callable[..., None]) -> None:
        super().__init__()
        self._told = tell

    def __getattr__(self, level: str) -> Callable[..., None]:
        def log(name: str, **known: Any) -> None:
            self.all.append((level, name, known))
            self._told(f"  log {name}", **known)

        return log

    def exception(self, name: str, **known: Any) -> None:
        super().exception(name, **known)
        self._told(f"  log {name}", **known, error=traceback.format_exc()[-700:])


class SoakLanes(Lanes):
    """Jobs run in an order of chance, and what an upload says may come late."""

    def __init__(self, inbox: Inbox, chance: random.Random, width: int) -> None:
        super().__init__(inbox)
        self._chance, self._width = chance, width
        self.late: list[tuple[float, Message]] = []  # and when the loop hears of it
        self.elapsed: Callable[[], float] = lambda: 0.0
        self.late_by: Callable[[], float] = lambda: 0.0

    def run(self, most: int | None = None) -> int:
        """Run what may run, in any order that the lanes allow."""
        count = 0
        while count != most and self.waiting:
            lane, job, instead = self._any()
            said = Inbox()
            run_job(lane, said, job, instead)
            wait = self.late_by() if lane == UPLOAD else 0.0
            for message in said.take(10**6):
                if wait and isinstance(message, UploadEnded):
                    self.late.append((self.elapsed() + wait, message))
                else:
                    self._inbox.post(message)
            count += 1
        return count

    def deliver(self, elapsed: float) -> None:
        """Let the loop hear what comes late."""
        due = [one for one in self.late if one[0] <= elapsed]
        for one in due:
            self.late.remove(one)
            self._inbox.post(one[1])

    def next_late(self) -> float | None:
        """When something is heard next."""
        return min((at for at, _ in self.late), default=None)

    def _any(self) -> tuple[str, Job, Message | None]:
        if len(self.waiting) == 1:
            return self.waiting.popleft()
        before: Counter[str] = Counter()
        ready = []
        for task in self.waiting:
            if before[task[0]] < (self._width if task[0] == UPLOAD else 1):
                ready.append(task)
            before[task[0]] += 1
        task = self._chance.choice(ready)
        self.waiting.remove(task)
        return task


class Rig(World):
    """See the module. `written` knows what each file on disk holds, whatever its name."""

    def __init__(
        self, place: Path, variant: Variant, chance: random.Random, tell: Tell | None = None
    ) -> None:
        _CURRENT[:] = [self]
        self.variant, self.chance = variant, chance
        self._tell = tell
        self.countdown: int | None = None  # points until everything ends
        self.end_at = ""  # only points of this kind count
        self.crashes: Counter[str] = Counter()
        self.written: dict[tuple[int, int, int], str] = {}
        self.allowed = Allowed()
        self.poisoned: frozenset[str] = frozenset()  # contents that the far side never takes
        self._nested = False
        self._writes = 0
        self.meddle: Callable[[], object] = lambda: None  # with a file that is being sent
        self.poll = SCAN_S
        self.disk = SoakDisk(place / "state", self.point)
        roots = [place / ("drop", "second")[number] for number in range(variant.scopes)]
        super().__init__(
            place,
            poll=SCAN_S,
            folders=tuple(self.folder(root) for root in roots),
            upload=Upload(
                per_minute=variant.per_minute,
                concurrency=variant.concurrency,
                max_attempts=variant.max_attempts,
                bandwidth=SHUT if variant.window else (),
            ),
            indexing=Indexing(
                confirm_for=variant.confirm_for,
                deadline=DEADLINE_S,
                confirm_then=ConfirmThen.RESEND if variant.resend else ConfirmThen.HOLD,
            ),
            api=Api(scope=ScopeKind.FOLDER_ID if variant.folders else ScopeKind.UNIQUE_ID),
            guard=Guard()
            if variant.guard is None
            else Guard(max_files=variant.guard, first_look_files=variant.guard),
            budget=Budget(
                minutes_per_day=None if variant.budget is None else variant.budget * CLIP_S / 60
            ),
        )
        if variant.poison:
            self.poisoned = frozenset(blake3(content(0, twin)).hexdigest() for twin in range(3))
            self.far.poisoned = dict.fromkeys(self.poisoned, POISON[variant.poison])
        self.paid_again = True  # the verdict knows better

    def tell(self, what: str, **known: object) -> None:
        """Tell whoever looks into one schedule."""
        if self._tell is not None:
            self._tell(self.elapsed, what, known)

    def folder(self, path: Path, **changes: Any) -> Folder:
        """A folder whose scope is named like it, unless it is the first."""
        scope = "default" if path.name == "drop" else path.name
        mode = WatchMode.EVENTS if self.variant.events else WatchMode.POLL
        return super().folder(path, mode=mode, fields=Fields(unique_id=scope), **changes)

    def far_side(self) -> SoakFarSide:
        """The account."""
        return SoakFarSide(
            lambda: START + self.elapsed,
            self.variant,
            self.point,
            during=self._during,
            tell=self.tell,
        )

    @property
    def first_scope(self) -> str:
        """The scope of a folder that names none."""
        return "folder_id=-1" if self.variant.folders else "unique_id=default"

    def new_lanes(self) -> SoakLanes:
        """The workers."""
        lanes = SoakLanes(self.inbox, self.chance, self.variant.concurrency)
        lanes.elapsed, lanes.late_by = (lambda: self.elapsed), self.far.take_late
        return lanes

    # --- ends -------------------------------------------------------------------------------------

    def point(self, kind: str) -> None:
        """Here everything may end."""
        if self.countdown is None or self.end_at not in ("", kind):
            return
        self.countdown -= 1
        if self.countdown < 0:
            self.countdown = None
            self.crashes[kind] += 1
            self.tell("crash", at=kind)
            raise PowerCut(kind)

    def survive(self, act: Callable[[], object]) -> None:
        """Do something; if everything ends meanwhile, start again."""
        try:
            act()
        except PowerCut:
            self.die()

    def die(self) -> None:
        """The process or the power goes at this very moment; then a new start."""
        self._close()
        if self.chance.random() < CUTS:
            self.crashes["power"] += 1
            self.tell("the power is cut")
            self.disk.cut(self.chance)
        else:
            self.disk.kill()
        self._start()

    def _close(self) -> None:
        self.daemon.assurance.mirroring.close()  # who is dead holds no lock
        self.countdown, self._nested = None, False
        self.daemon.close()  # writes nothing
        for message in self.inbox.take(10**6):  # the system closes a dead process's files
            if isinstance(message, MirrorChecked) and message.checked is not None:
                message.checked.mirror.close()

    def end(self) -> None:
        """The process ends here, and nothing starts it again for now."""
        self._close()
        self.disk.kill()

    def start(self) -> None:
        """A new start after `end`."""
        self._start()

    def stop_and_start(self) -> None:
        """A person restarts the service; what is in flight has no time to finish."""
        self.daemon.begin_stop()
        for _ in range(self.chance.randint(0, 2)):
            self.step()
            self.lanes.run(most=self.chance.randint(0, 2))
        self.daemon.abandon(self.now())
        self.daemon.close()
        self.journal.close()
        self._start()

    def let_go(self) -> None:
        """Close what is open, and say nothing."""
        self._stop()

    def _start(self) -> None:
        self.on_journal, self.on_sync = self.disk.hook, self.disk.sync
        self.events = SoakEvents(self.tell) if self._tell else self.events
        self.new_journal()
        while True:
            try:
                super()._start()
            except PowerCut:
                self.disk.kill()
            else:
                return

    def new_journal(self) -> None:
        """Make an empty journal where there is none."""
        if not (self.state_dir / "journal.db").exists():
            self.state_dir.mkdir(exist_ok=True)
            shutil.copyfile(_template(), self.state_dir / "journal.db")

    # --- time -------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Let time pass, from deadline to deadline; what comes late comes in between."""
        end, wakes, second = self.elapsed + seconds, 0, self.elapsed
        while True:
            deadline = self.run_until_idle()
            wakes, second = (wakes + 1, second) if self.elapsed < second + 1 else (0, self.elapsed)
            assert wakes < WAKES, "the loop hardly sleeps"
            due = None if deadline is None else self.elapsed + deadline - self.now().mono
            late = self.lanes.next_late()
            then = min((at for at in (due, late) if at is not None), default=end)
            if then >= end:
                break
            self.elapsed = max(then, self.elapsed + 0.001)
            self.lanes.deliver(self.elapsed)
        self.elapsed = max(end, self.elapsed)
        self.lanes.deliver(self.elapsed)
        self.run_until_idle()

    def _during(self) -> None:
        """While a body goes out the loop goes on, other uploads too, and files change."""
        if self._nested or self.chance.random() > self.variant.nested:
            return
        self._nested = True
        self.elapsed += self.chance.choice((0.0, 1.0, 40.0))
        self.meddle()
        for _ in range(self.chance.randint(1, 3)):
            self.step()
            self.lanes.run(most=self.chance.randint(0, 2))
        self._nested = False

    # --- what is true -----------------------------------------------------------------------------

    def wrote(self, path: Path) -> None:
        """A file was written: it gets the time of the soak's clock, each write another one."""
        self._writes += 1
        at = int((START + self.elapsed) * 1e9) + self._writes
        os.utime(path, ns=(at, at))
        self.note(path)

    def wish(self, verb: str, **args: Any) -> dict[str, Any]:
        """Leave a wish through the daemon's own connection: a tenth of the time of another one."""
        values = (self.now().wall, verb, json.dumps(args))
        with self.journal.transaction():
            self.journal._db.write("INSERT INTO wishes (at, verb, args) VALUES (?, ?, ?)", values)
        self.ask("wake")
        self.run_until_idle()
        return {}

    def note(self, path: Path) -> None:
        """Remember what a file holds now."""
        status = path.stat()
        key = (status.st_ino, status.st_mtime_ns, status.st_size)
        self.written[key] = blake3(path.read_bytes()).hexdigest()


_CURRENT: list[Rig] = []


def current() -> Rig:
    """The one that lives; planted faults ask it for what they must not know."""
    return _CURRENT[0]


@cache
def _template() -> Path:
    """An empty journal, made once."""
    place = Path(tempfile.mkdtemp(prefix="soak-", dir=fast_disk()))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    Journal.create_or_open(place, fstype=None).close()
    return place / "journal.db"


def fast_disk() -> str | None:
    """A directory in memory, where there is one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@contextmanager
def small_world(variant: Variant) -> Iterator[None]:
    """Make what is big in the real world small: samples, pages, the youth of a journal.

    The tables of mounts and of junk are made once, and no directory is trusted for its mtime,
    because hours of a soak pass within one tick of the file system's clock. Nothing else of the
    daemon is changed.
    """
    with ExitStack() as stack:
        patch = stack.enter_context
        patch(mock.patch.object(fingerprint, "PIECE", SAMPLE))
        patch(mock.patch.object(preflight, "YOUNG_JOURNAL", 100 if variant.young else 0))
        patch(mock.patch.object(walk, "FRESH", float("inf")))
        patch(mock.patch.object(names, "JunkTable", cache(names.JunkTable)))
        for module in _users_of("read_mounts"):
            patch(mock.patch.object(module, "read_mounts", _mounts))
        yield


_mounts = cache(read_mounts)


def _users_of(name: str) -> list[ModuleType]:
    ours = [one for key, one in [*sys.modules.items()] if key.startswith("ingestd.")]
    return [one for one in ours if hasattr(one, name)]
