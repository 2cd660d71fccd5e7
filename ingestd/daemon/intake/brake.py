"""The guard's desk: first looks and surges, counted in the journal (interface 4, `guard`)."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from ingestd import surge
from ingestd.journal import Selection
from ingestd.lifecycle import events
from ingestd.model import Reason, State
from ingestd.surge import FirstLook, Stage, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestd.config import Settings
    from ingestd.daemon.context import Context
    from ingestd.daemon.messages import Probed
    from ingestd.journal import JournalReader
    from ingestd.model import Item, Stat
    from ingestd.settle import SettleTracker

    Sight = tuple[int, int]  # size and mtime

#: Meta keys: the first looks by the folder's path; what went lately.
LOOKS, GONE = "first_looks", "surge_window"
#: Rows released in one step.
PORTION = 200
#: Suspects that a restart finds again.
MOST_SUSPECTS = 100_000
FIRST_LOOK_SAYS = (
    "Found when ingestd first looked at this folder, which held more new files than "
    "guard.first_look_files: nothing of an archive is paid for unasked. "
)
SURGE_SAYS = (
    "More new files came than guard lets go at once (guard.max_files and max_bytes within window): "
    "perhaps something was copied here by mistake. "
)


def limits_of(settings: Settings) -> surge.Limits:
    """The limits in force."""
    section = settings.guard
    return surge.Limits(
        section.max_files, section.max_bytes, section.window, section.first_look_files
    )


def read_looks(journal: JournalReader) -> dict[str, FirstLook]:
    """The first looks that the journal knows, by the path of the folder."""
    kept = journal.meta(LOOKS)
    looks = kept.items() if isinstance(kept, dict) else ()
    return {root: FirstLook(Stage(one[0]), int(one[1]), bool(one[2])) for root, one in looks}


def read_window(journal: JournalReader) -> Window:
    """What went lately."""
    kept = journal.meta(GONE)
    parts = kept if isinstance(kept, list) else []
    return Window(tuple((float(at), int(files), int(size)) for at, files, size in parts))


def says(reason: Reason, folder: str | None) -> str:
    """Say why a file is held and what to do about it."""
    where = f" --folder {folder}" if folder else ""
    why = FIRST_LOOK_SAYS if reason is Reason.FIRST_LOOK else SURGE_SAYS
    return f"{why}Look at it (ingestd plan), then: ingestd approve{where}, or: ingestd skip{where}"


class Brake:
    """The desk that says what has to wait for a person."""

    def __init__(self, ctx: Context, tracker: SettleTracker) -> None:
        self._ctx, self._tracker = ctx, tracker
        self._looks = read_looks(ctx.journal)
        self._gone = read_window(ctx.journal)
        self._pending: dict[str, dict[str, Sight]] = {}  # by root: seen, and not yet judged
        self._passed: set[str] = set()
        self._aside: dict[str, list[Probed]] = {}
        self._braking = False
        ctx.listeners.append(self._moved)
        self.reconfigure()

    @property
    def busy(self) -> bool:
        """Tell whether files are held that may go by themselves in a moment."""
        return any(
            look.stage is Stage.RELEASING
            or (look.stage is Stage.COUNTING and root in self._passed and look.files > 0)
            for root, look in self._looks.items()
        )

    def reconfigure(self) -> None:
        """Follow the settings: a folder that is new in them is looked at for the first time."""
        self._limits = limits_of(self._ctx.settings)
        paths = (str(folder.path) for folder in self._ctx.settings.folders)
        self._roots = sorted(paths, key=len, reverse=True)  # the deepest first
        looks = {root: look for root, look in self._looks.items() if root in self._roots}
        if self._limits.looks:
            looks |= {root: self._begun(root) for root in self._roots if root not in looks}
        if looks != self._looks:
            self._save(looks)
        self._passed.clear()
        self._pending = {root: {} for root, look in looks.items() if look.open}
        for aside in self._aside.values():
            self._hand_back(aside)
        self._aside.clear()
        if self._pending:
            suspects, _more = self._ctx.journal.suspects(MOST_SUSPECTS)
            for item in suspects:
                self.awaits(item.path)
        for root in looks:
            self._decide(root)

    def _begun(self, root: str) -> FirstLook:
        """A first look; where one before was never answered, all of it waits for that answer."""
        reasons = frozenset({Reason.FIRST_LOOK})
        held = Selection(states=frozenset({State.HELD}), reasons=reasons)
        unanswered = self._ctx.journal.count(held).files and next(self._held(root), None)
        return FirstLook(Stage.HELD, held=True) if unanswered else FirstLook()

    def _save(self, looks: dict[str, FirstLook]) -> None:
        kept = {root: [one.stage.value, one.files, one.held] for root, one in looks.items()}
        self._ctx.journal.set_meta(LOOKS, kept)
        self._looks = looks

    def _root_of(self, path: str) -> str | None:
        """The path of the deepest watched folder that a path lies in."""
        below = (root for root in self._roots if path.startswith(root.rstrip("/") + "/"))
        return next(below, None)

    def _held(self, root: str) -> Iterator[Item]:
        """Files of a folder that are held at its first look."""
        chosen = Selection(
            states=frozenset({State.HELD}),
            reasons=frozenset({Reason.FIRST_LOOK}),
            under=root,
            hidden=True,
        )
        return (one for one in self._ctx.journal.items(chosen) if self._root_of(one.path) == root)

    # --- what the other desks see -------------------------------------------------------------

    def sighted(self, path: str, stat: Stat) -> None:
        """A file without a row was seen; one that is still written is no part of a first look."""
        root = self._root_of(path)
        pending = self._pending.get(root) if root is not None else None
        if root is None or pending is None:
            return
        sight = (stat.size, stat.mtime_ns)
        before = pending.get(path)
        if before is None:
            if root not in self._passed:
                pending[path] = sight
                self._decide(root)
        elif before != sight and path in self._tracker:
            del pending[path]
            self._decide(root)

    def pass_over(self, root: str) -> None:
        """The folder was passed over to its end; what is not known any more is not waited for."""
        pending = self._pending.get(root)
        if pending is None:
            return
        self._passed.add(root)
        for path in [path for path in pending if path not in self._tracker]:
            item = self._ctx.journal.current(path)
            if item is None or item.suspect_of is None:
                del pending[path]
        self._decide(root)

    def sets_aside(self, message: Probed) -> bool:
        """Take a valid file that may go as soon as the first pass is over, if it is one."""
        root = self._root_of(message.candidate.path)
        look = self._looks.get(root or "")
        if root is None or look is None or look.stage is not Stage.COUNTING:
            return False
        pending = self._pending[root]
        few = look.may_be_few(len(pending), self._limits)
        if not few or root in self._passed or message.candidate.path not in pending:
            return False
        self._aside.setdefault(root, []).append(message)
        return True

    def answered(self, path: str) -> None:
        """A file was looked into, whatever was found."""
        root = self._root_of(path)
        if root is not None and self._pending.get(root, {}).pop(path, None) is not None:
            self._decide(root)

    def moved(self, old: str, item: Item) -> None:
        """A file has another path: what waits for a person elsewhere is not let go here.

        As at a folder that is back: what was never answered holds all that its first look finds.
        """
        if item.state is not State.HELD or item.reason is not Reason.FIRST_LOOK:
            return
        before, root = self._root_of(old), self._root_of(item.path)
        look, left = self._looks.get(root or ""), self._looks.get(before or "")
        if root is None or root == before or look is None or look.held or look.stage is Stage.OVER:
            return
        if left is None or left.held:
            self._save({**self._looks, root: FirstLook(Stage.HELD, look.files, held=True)})
            self._decide(root)

    def awaits(self, path: str) -> None:
        """A file is suspected to be a copy: whether it is new is not known yet."""
        root = self._root_of(path)
        if root is not None and root in self._pending:
            self._pending[root][path] = (0, 0)

    def _moved(self, before: Item | None, after: Item) -> None:
        del before
        if after.state is not State.QUEUED:
            self.answered(after.path)

    # --- what it says -------------------------------------------------------------------------

    def holds(self, item: Item) -> events.Judged | None:
        """Count a new valid file; what it has to wait for, or None: it may go.

        To be called in the transaction that records the file.
        """
        if self._limits.max_files == 0:
            return None
        root = self._root_of(item.path)
        if root is not None and root in self._pending:
            self._pending[root].pop(item.path, None)
            self._save({**self._looks, root: self._looks[root].plus()})
            self._decide(root)
            counted = self._looks[root]
            if counted.held or counted.open:
                return _held(Reason.FIRST_LOOK, item)
        return self._surge(item)

    def again(self, item: Item) -> events.Judged:
        """A file comes back that was held when it went away: it waits as before."""
        look = self._looks.get(self._root_of(item.path) or "")
        return _held(Reason.FIRST_LOOK if look and look.held else Reason.SURGE, item)

    def _surge(self, item: Item) -> events.Judged | None:
        wall = self._ctx.now.wall
        gone = surge.admitted(self._gone, item.stat.size if item.stat else 0, wall, self._limits)
        if gone is None:
            if not self._braking:
                self._ctx.log.warning("guard.surge", path=item.path, detail=SURGE_SAYS.strip())
            self._braking = True
            return _held(Reason.SURGE, item)
        self._braking, self._gone = False, gone
        self._ctx.journal.set_meta(GONE, gone.parts)
        return None

    # --- going on -----------------------------------------------------------------------------

    def _decide(self, root: str) -> None:
        look = self._looks[root]
        pending = len(self._pending.get(root, {}))
        decided = look.decided(pending, self._limits, passed=root in self._passed)
        if decided != look:
            self._save({**self._looks, root: decided})
        if decided.held and not look.held:
            self._ctx.log.warning("guard.first_look", path=root, detail=FIRST_LOOK_SAYS.strip())
        if not decided.open:
            self._pending.pop(root, None)
        few = root not in self._passed and decided.may_be_few(pending, self._limits)
        if not (decided.stage is Stage.COUNTING and few):
            self._hand_back(self._aside.pop(root, []))

    def _hand_back(self, aside: list[Probed]) -> None:
        for message in aside:
            self._ctx.inbox.post(message)

    def tick(self) -> float | None:
        """Release the next portion; say when to come again (monotonic)."""
        for root, look in self._looks.items():
            if look.stage is Stage.RELEASING:
                self._release(root)
                return self._ctx.now.mono
        return None

    def _release(self, root: str) -> None:
        with self._ctx.journal.transaction():
            held = list(islice(self._held(root), PORTION))
            for item in held:
                self._ctx.apply(item, self._surge(item) or events.Judged(State.QUEUED, None, None))
            if not held:
                over = FirstLook(Stage.OVER, self._looks[root].files)
                self._save({**self._looks, root: over})


def _held(reason: Reason, item: Item) -> events.Judged:
    return events.Judged(State.HELD, reason, says(reason, item.folder))
