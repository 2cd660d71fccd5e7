"""Tidying: what becomes of a file once its row needs no more work (interface 4, `after_*`).

A task is written in the transaction that ends the row, so the state is on disk before anything is
touched; what is done follows from the configuration at the time it is done. Rows that ended while
a folder said `keep` have no task: switching an action on is about the files that end from then on.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from blake3 import blake3

from ingestd.afterwards.order import Left, Order, Result
from ingestd.config import AfterKind
from ingestd.daemon.after.grace import DAY, Grace
from ingestd.daemon.after.places import known_place, learn_place, move_targets
from ingestd.daemon.asking.ours import BY_SIZE
from ingestd.daemon.messages import Tidied
from ingestd.lifecycle.policy import grown
from ingestd.model import AfterTask, Reason, State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestd.config import Folder
    from ingestd.config.actions import After
    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.folders import Watched
    from ingestd.model import Item

#: Grace before a delete where the configuration names none, seconds (interface 4, `grace`).
DELETE_GRACE_S = 7 * DAY
#: A failed move is tried again after this long, doubling to the most, seconds.
AGAIN_S, AGAIN_MOST_S = 60.0, 6 * 3600.0
#: Files that may still be arriving: left alone until they did not change for a day (rules R5).
MAY_ARRIVE = frozenset({Reason.INCOMPLETE, Reason.EMPTY, Reason.UNREADABLE})
#: Outcomes of an attempt that prove that memories.ai was given this row's content by us.
GIVEN = frozenset({"accepted", "found"})
#: Why a file is kept that was to be deleted.
NOT_GIVEN = (
    "memories.ai had it already when its turn came, so that ingestd has not sent this "
    "very content: it is not deleted."
)
SAID_SO = (
    "That its video is this one was said by a person (ingestd link), and nobody has compared them: "
    "it is not deleted."
)
MAY_BE_ANYBODYS = (
    "Its answer was lost, and its video was found by its size alone, which may be anybody's: it is "
    "not deleted."
)
NOT_RETAINED = (
    "It was not sent with retain_original_video: true, as far as is known, so that memories.ai may "
    "have kept no copy of its file: it is not deleted."
)
#: The event of `link`.
LINKED = "upload.linked"
#: States whose files may have a task.
ENDS = frozenset({State.PARSED, State.DUPLICATE, State.REJECTED})
#: A file that vanished from a disk inside the folder is looked for for so long, seconds.
LOOKED_FOR_S = 30 * DAY
#: Due tasks looked at in one turn.
MOST = 50


class Tidying:
    """The desk of the after-actions."""

    def __init__(
        self,
        ctx: Context,
        watched: Callable[[], Mapping[str, Watched]],
        folder_of: Callable[[str], Watched | None],
    ) -> None:
        """Take the desk; the callables name the watched folders, and that of a path."""
        self._ctx, self._watched, self._folder_of = ctx, watched, folder_of
        self._stop = threading.Event()
        self._busy: dict[str, int] = {}  # folder: the row whose file is under way
        self._more = False  # a turn ended before all that was due was seen
        self._grace = Grace(ctx)
        ctx.listeners.append(self._moved)

    @property
    def busy(self) -> bool:
        """Tell whether something is under way, or would be if its turn came now."""
        return bool(self._busy or self._more)

    def close(self) -> None:
        """End what is under way at the next piece; it begins again at the next start."""
        self._stop.set()
        self._grace.close()

    # --- planning ---------------------------------------------------------------------------

    def _moved(self, before: Item | None, after: Item) -> None:
        """A row moved: what was planned for it is void; what its new state asks for is planned."""
        if before is not None and before.state in ENDS:
            self._ctx.journal.drop_after(after.id)
        self._plan(after)
        if after.state is State.PARSED:
            for copy in self._ctx.journal.duplicates_of(after.id):
                self._plan(copy)

    def _plan(self, item: Item) -> None:
        watched = self._folder_of(item.path)
        if watched is None or item.removed_at is not None:
            return
        action = self._action(watched.folder, item)
        if action is None:
            return
        grace = _grace(watched.folder, action)
        seen = item.stat if item.state is State.REJECTED else None
        due = self._ctx.now.wall + max(grace, self._unchanged_for(watched.folder, item))
        self._ctx.journal.put_after(AfterTask(item.id, watched.name, due, seen=seen))

    def _action(self, folder: Folder, item: Item) -> After | None:
        """What is to be done with a row's file; None: nothing (yet)."""
        match item.state:
            case State.PARSED:
                action = folder.after_parsed
            case State.DUPLICATE if self._original_is_searchable(item):
                action = folder.after_duplicate
            case State.REJECTED:
                action = folder.after_rejected
            case _:
                return None
        return None if action.kind is AfterKind.KEEP else action

    def _original_is_searchable(self, item: Item) -> bool:
        original = self._ctx.journal.item(item.duplicate_of) if item.duplicate_of else None
        return original is not None and original.state is State.PARSED

    @staticmethod
    def _unchanged_for(folder: Folder, item: Item) -> float:
        """How long a rejected file must lie there unchanged; a refused name is seen on arrival."""
        if item.state is not State.REJECTED:
            return 0.0
        return DAY if item.reason in MAY_ARRIVE else folder.settle

    # --- doing ------------------------------------------------------------------------------

    def keep_time(self) -> None:
        """Follow a step of the wall clock; before anything is planned by the new time."""
        self._grace.tick()

    def tick(self) -> float | None:
        """Start what is due, one file a folder at a time; say when to come again (monotonic)."""
        if self._ctx.stopping:
            return None
        self._more = False
        wall, journal = self._ctx.now.wall, self._ctx.journal
        resting = {name for name, one in self._watched().items() if not _may_touch(one)}
        for task in journal.after_due(wall, MOST, without=resting | set(self._busy)):
            if task.folder not in self._busy:
                self._more = True
                self._begin(task)
        due = journal.after_next(wall)
        if self._more and not self._busy:
            return self._ctx.now.mono
        return None if due is None else self._ctx.mono(due)

    def _begin(self, task: AfterTask) -> None:
        journal = self._ctx.journal
        item = journal.item(task.item_id)
        watched = self._folder_of(item.path) if item else None
        action = self._action(watched.folder, item) if watched and item else None
        if item is not None and (watched is None or not _may_touch(watched)):
            # not configured (any more), or a disk that is mounted inside the folder is away
            wait = AGAIN_MOST_S if watched is None else AGAIN_S
            journal.put_after(replace(task, due_at=self._ctx.now.wall + wait))
            return
        if item is None or watched is None or action is None or item.stat is None:
            journal.drop_after(task.item_id)  # the configuration says otherwise by now
            return
        if watched.name != task.folder:  # the folder was renamed, or the file went to another one
            task = replace(task, folder=watched.name)
            journal.put_after(task)
            if watched.name in self._busy:
                return
        due = self._ended_at(item) + _grace(watched.folder, action)
        if action.kind is AfterKind.DELETE and self._ctx.now.wall < due:
            journal.put_after(replace(task, due_at=due))  # it was planned with a shorter grace
            return
        if action.kind is AfterKind.DELETE and (why := self._not_safe(item)):
            self._keep(item, why)
            return
        order = self._order(task, item, watched, action)
        if order.move_to is not None and order.move_to != task.place:
            journal.put_after(replace(task, place=order.move_to))
        self._busy[watched.name] = item.id
        item_id, name = item.id, watched.name
        broke = Result(Left.TROUBLED, "It broke off; it is tried again, nothing is lost.")

        def tidy() -> Tidied:
            from ingestd.afterwards.work import carry_out  # noqa: PLC0415 - see `late`

            return Tidied(item_id, name, carry_out(order))

        self._ctx.workers.submit(f"after {name}", tidy, Tidied(item_id, name, broke))

    def _ended_at(self, item: Item) -> float:
        """When a row's grace began; long ago where a clock that was set since hides it."""
        original = self._ctx.journal.item(item.duplicate_of) if item.duplicate_of else item
        ended = original.parsed_at if original is not None else None
        if item.state is State.DUPLICATE and ended is not None:
            ended = max(ended, item.first_seen_at)
        return ended if ended is not None and ended <= self._ctx.now.wall else 0.0

    def _not_safe(self, item: Item) -> str:
        """Say why the far side may not hold this row's file, or its original's; "": it does."""
        row_id = item.duplicate_of if item.state is State.DUPLICATE else item.id
        sent = self._ctx.journal.item(row_id) if row_id is not None else None
        sends = self._ctx.journal.sends(sent.id) if sent is not None else ()
        if sent is None or not any(send.outcome in GIVEN for send in sends):
            return NOT_GIVEN
        steps = self._ctx.journal.history(sent.id)
        if any(step.event == LINKED for step in steps):
            return SAID_SO
        if any(BY_SIZE in (step.detail or "") for step in steps):
            return MAY_BE_ANYBODYS
        return "" if sent.fields.get("retain_original_video") is True else NOT_RETAINED

    def _order(self, task: AfterTask, item: Item, watched: Watched, action: After) -> Order:
        settings = self._ctx.settings
        stat = task.seen or item.stat
        assert stat is not None  # noqa: S101 - `_begin` saw it
        original = self._ctx.journal.item(item.duplicate_of) if item.duplicate_of else None
        move_to = str(action.move_to) if action.move_to is not None else None
        targets = move_targets(settings)
        name = f"{self._ctx.host}\0{item.path}\0{item.id}"
        return Order(
            root=watched.root,
            prefix=watched.root[len(str(watched.folder.path).rstrip("/")) :],
            relative=item.path[len(watched.root.rstrip("/")) + 1 :],
            stat=stat,
            content_hash=item.content_hash,
            exact=task.seen is not None,
            move_to=move_to,
            before=task.place,
            mark=blake3(name.encode("utf-8", "surrogateescape")).hexdigest()[:16],
            stop=self._stop,
            prune=watched.folder.prune_empty,
            keep=targets | {str(folder.path) for folder in settings.folders},
            originals=_places_of(original),
            watched=tuple(str(folder.path) for folder in settings.folders),
            device=watched.device,
            folder=watched.name,
            volume=known_place(self._ctx.journal, move_to) if move_to else None,
        )

    # --- what came of it --------------------------------------------------------------------

    def tidied(self, message: Tidied) -> None:
        """Record what became of a file."""
        self._busy.pop(message.folder, None)
        result = message.result
        item = self._ctx.journal.item(message.item_id)
        task = self._ctx.journal.after_task(message.item_id)
        if item is None:
            return
        self._learn_place(message, result)
        match result.left:
            case Left.MOVED | Left.DELETED:
                self._departed(item, result)
            case Left.TROUBLED if task is not None:
                self._again(item, task, result.detail)
            case Left.CHANGED if task is not None and task.seen is not None:
                self._wait_anew(item, task, result)
            case Left.STOPPED | Left.TROUBLED:
                pass
            case Left.ABSENT if task is not None and self._may_be_away(item):
                self._again(item, task, "Nothing lies at its path now: is its disk there?")
            case Left.ABSENT:
                self._keep(item, "Nothing lies at its path any more: nothing was done with it.")
            case Left.CHANGED:
                self._keep(item, "Another file lies at its path now: it is left where it is.")
            case Left.KEPT:
                self._keep(item, result.detail)

    def _may_be_away(self, item: Item) -> bool:
        """Tell whether a file lay on another disk than its folder: then absence is no fact."""
        watched = self._folder_of(item.path)
        recent = self._ctx.now.wall - item.updated_at < LOOKED_FOR_S
        return watched is None or (
            recent and item.stat is not None and item.stat.dev != watched.device
        )

    def _departed(self, item: Item, result: Result) -> None:
        journal, wall = self._ctx.journal, self._ctx.now.wall
        event = "file.moved" if result.moved_to is not None else "file.deleted"
        gone = replace(item, moved_to=result.moved_to, removed_at=wall)
        with journal.transaction():
            journal.drop_after(item.id)
            after = journal.depart(item, gone, event, wall, result.moved_to)
        self._ctx.tell(event, item, after, result.moved_to)

    def _keep(self, item: Item, why: str) -> None:
        """Nothing is done with this file, for good; `show` says why."""
        journal, wall = self._ctx.journal, self._ctx.now.wall
        with journal.transaction():
            if journal.drop_after(item.id):
                journal.note(item, "file.kept", wall, why)
        self._ctx.tell("file.kept", item, item, why)

    def _again(self, item: Item, task: AfterTask, why: str) -> None:
        delay = grown(task.delay, AGAIN_S, AGAIN_MOST_S)
        later = replace(task, delay=delay, due_at=self._ctx.now.wall + delay, trouble=why)
        self._ctx.journal.put_after(later)
        if task.trouble != why:
            self._ctx.log.warning("file.after_failed", id=item.id, path=item.path, detail=why)

    def _wait_anew(self, item: Item, task: AfterTask, result: Result) -> None:
        """A rejected file changed: its time begins anew (rules R5)."""
        watched = self._folder_of(item.path)
        wait = DAY
        if watched is not None:
            action = self._action(watched.folder, item)
            grace = _grace(watched.folder, action) if action is not None else 0.0
            wait = max(grace, self._unchanged_for(watched.folder, item))
        due = self._ctx.now.wall + max(wait, AGAIN_S)
        self._ctx.journal.put_after(replace(task, seen=result.seen or task.seen, due_at=due))

    def _learn_place(self, message: Tidied, result: Result) -> None:
        """Remember the file system of a directory at its first use; another is not written to."""
        task = self._ctx.journal.after_task(message.item_id)
        if task is None or task.place is None or result.volume is None:
            return
        if known_place(self._ctx.journal, task.place) is None:
            learn_place(self._ctx.journal, task.place, result.volume)


def _grace(folder: Folder, action: After) -> float:
    """How long a file is left alone once its row needs no more work, seconds."""
    if folder.grace is not None:
        return folder.grace
    return DELETE_GRACE_S if action.kind is AfterKind.DELETE else 0.0


def _places_of(original: Item | None) -> tuple[str, ...]:
    """Where a row's file may lie now."""
    if original is None:
        return ()
    if original.removed_at is not None:  # what lies at its old path by now came later
        return () if original.moved_to is None else (original.moved_to,)
    return (original.path,)


def _may_touch(watched: Watched) -> bool:
    """Tell whether a root was seen to be in order by a whole pass of this run."""
    return watched.in_order and watched.passes > 0 and watched.device is not None
