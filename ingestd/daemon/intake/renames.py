"""Files that were renamed or moved: the same row under another path (rules R3, R4, R6).

The same file system, inode, size and mtime at a path that nobody knows is a rename, if the old path
no longer shows that file; if it does, the new one is a hard link, which goes the way of a copy. The
old path is looked at in a lane of its folder, for it may lie on a share that hangs.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd.daemon.context import NOT_NOW
from ingestd.daemon.messages import OldPathSeen
from ingestd.filestat import stat_of
from ingestd.lifecycle import UNSENT, events
from ingestd.model import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.recording import Recording
    from ingestd.model import Item, Stat
    from ingestd.settle import SettleTracker
    from ingestd.watch.entries import Entry

LANE = "renames"
#: Rows of these are judged anew under a new name, which may make them acceptable.
JUDGED_ANEW = frozenset({State.REJECTED, State.GONE})
#: Hard links that are remembered as such; beyond that their old paths are looked at once more.
REMEMBERED = 10_000
#: How the kernel says that nothing is at a path.
NOTHING_THERE = frozenset({errno.ENOENT, errno.ENOTDIR})


@dataclass(frozen=True, slots=True)
class _Pending:
    """A path that may be another row's new one."""

    item_id: int
    old: str
    stat: Stat


class Renames:
    """The desk that recognises files under their new paths."""

    def __init__(
        self,
        ctx: Context,
        tracker: SettleTracker,
        recording: Recording,
        look_later: Callable[[str], None],
    ) -> None:
        """Take the desk; `look_later` has a path looked at again soon."""
        self._ctx, self._tracker, self._recording = ctx, tracker, recording
        self._look_later = look_later
        self._pending: dict[str, _Pending] = {}
        self._refuted: dict[str, Stat] = {}  # looked into, and no rename
        self.listeners: list[Callable[[Item], None]] = []  # told of each renamed row
        self.moved: Callable[[str, Item], None] = lambda _old, _after: None  # and where it was

    @property
    def busy(self) -> bool:
        """Tell whether an old path is being looked at."""
        return bool(self._pending)

    def may_be(self, entry: Entry) -> bool:
        """Tell whether an unknown file may be a known one under a new path; then it waits."""
        path, stat = entry.path, entry.stat
        if stat is None:
            return False
        if path in self._pending:
            return True
        if self._refuted.get(path) == stat:
            return False
        item = self._known(path, stat)
        if item is None:
            return False
        self._pending[path] = _Pending(item.id, item.path, stat)
        old = item.path
        self._ctx.workers.submit(
            f"{LANE} {item.folder or ''}",
            lambda: look(path, old),
            OldPathSeen(path, None, "The look broke."),
        )
        return True

    def _known(self, path: str, stat: Stat) -> Item | None:
        """The row whose file this may be."""
        for item in self._ctx.journal.by_inode(stat.dev, stat.inode):
            same = item.stat is not None and stat.same_content_as(item.stat)
            if same and item.path != path and self._may_move(item, path):
                return item
        return None

    def _may_move(self, item: Item, path: str) -> bool:
        """Tell whether a row may simply take another path.

        Another scope is another upload; an unsent file under another extension is judged anew.
        """
        scope = self._recording.describing.scope_at(path, item)
        if item.state in JUDGED_ANEW or scope != item.scope:
            return False
        return item.video_no is not None or _extension(item.path) == _extension(path)

    def seen(self, message: OldPathSeen) -> None:
        """Take in what lies at the old path; nothing of it there means that it was renamed."""
        pending = self._pending.get(message.path)
        if pending is None:
            return
        try:
            self._take_in(message, pending)
        except NOT_NOW:
            raise  # handed in again: until then the path is not looked at anew
        except Exception:
            del self._pending[message.path]
            raise
        del self._pending[message.path]

    def _take_in(self, message: OldPathSeen, pending: _Pending) -> None:
        item = self._ctx.journal.item(pending.item_id)
        stands = item is not None and item.path == pending.old and item.state not in JUDGED_ANEW
        there = message.stat is not None and message.stat.same_content_as(pending.stat)
        if item is None or not stands or there or message.error:
            self._refute(message.path, pending.stat)
            self._look_later(message.path)
            return
        self._rename(item, message.path, pending.stat)
        if message.stat is not None:  # another file took the old path: it was forgotten with it
            self._look_later(pending.old)

    def _refute(self, path: str, stat: Stat) -> None:
        if len(self._refuted) >= REMEMBERED:
            self._refuted.clear()
        self._refuted[path] = stat

    def _moves(self, item: Item) -> bool:
        """Tell whether a row's own file was seen at another path too: files that change names."""
        return any((one.item_id, one.old) == (item.id, item.path) for one in self._pending.values())

    def _rename(self, item: Item, path: str, stat: Stat) -> None:
        ctx, old = self._ctx, item.path
        with ctx.journal.transaction():
            taken = ctx.journal.current(path)
            if taken is not None and not self._moves(taken) and self._recording.gives_way(taken):
                # it was moved over that file; this row may be that one's heir, or a duplicate of it
                ctx.apply(taken, events.Replaced(ctx.unconfirmed_at(taken)))
                item = ctx.journal.item(item.id) or item
            renamed = self._recording.renamed(item, path, stat)
            after = ctx.journal.rename(item, renamed, ctx.now.wall)
            ctx.journal.note(after, "file.renamed", ctx.now.wall, f"It was {old}")
        ctx.log.info("file.renamed", id=item.id, path=path, detail=f"It was {old}")
        self._tracker.gone(path)
        self._tracker.gone(old)
        self.moved(old, after)
        for told in self.listeners:
            told(after)
        if item.state in UNSENT:
            self._look_later(path)  # a row that is to be sent is looked at where it is now


def look(path: str, old: str) -> OldPathSeen:
    """Look at the old path of what may have been renamed; runs in a worker."""
    try:
        return OldPathSeen(path, stat_of(os.lstat(old)))
    except OSError as error:
        gone = error.errno in NOTHING_THERE
        return OldPathSeen(path, None, "" if gone else error.strerror or "It cannot be read.")


def _extension(path: str) -> str:
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 - bytes-safe
