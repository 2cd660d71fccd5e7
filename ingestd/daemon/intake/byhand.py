"""Files that a person asked to take now (`ingestd add`)."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from ingestd.daemon.intake.asked import Meant
from ingestd.daemon.intake.folders import name_rules
from ingestd.daemon.messages import FoundByHand
from ingestd.watch.entries import VANISHED, EntryKind
from ingestd.watch.mounts import read_mounts
from ingestd.watch.names import Ignored
from ingestd.watch.scan import Scanner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestd.config import Folder, Settings
    from ingestd.daemon.context import Context
    from ingestd.daemon.intake.judging import Judging
    from ingestd.settle import SettleTracker
    from ingestd.watch.entries import Entry

LANE = "add"
_NOT_CONFIGURED = "Folder {} is not configured (any more), so its fields cannot be lent."


def find(settings: Settings, wish: int, args: Mapping[str, object]) -> FoundByHand:
    """Find what lies at the paths of an `add` wish; runs in a worker."""
    lender = next((one for one in settings.folders if one.name == args.get("folder")), None)
    given = args.get("paths")
    paths = given if isinstance(given, list) else []
    found: list[Entry] = []
    refused: list[tuple[str, str]] = []
    if args.get("folder") is not None and lender is None:
        why = _NOT_CONFIGURED.format(args["folder"])
        return FoundByHand(
            wish, (), None, pay_again=False, refused=tuple((str(path), why) for path in paths)
        )
    for path in paths:
        entries, why = _entries(settings, str(path), lender)
        found += entries
        if why:
            refused.append((str(path), why))
    return FoundByHand(
        wish,
        tuple(found),
        lender.name if lender else None,
        bool(args.get("pay_again")),
        tuple(refused),
    )


def _entries(settings: Settings, path: str, lender: Folder | None) -> tuple[list[Entry], str]:
    """Look at one path; a directory is walked whole."""
    directory = os.path.isdir(path) and not os.path.islink(path)  # noqa: PTH112, PTH114 - bytes-safe
    root = path if directory else os.path.dirname(path)  # noqa: PTH120 - bytes-safe
    rules = name_rules(settings, lender or settings.folders[0])
    scanner = Scanner(root, rules)
    if not directory:
        looked = scanner.look([path])
        entries = [entry for entry in looked if entry.stat is not None]
        return entries, "" if entries else _why_not(scanner, path, looked)
    scan = scanner.scan(full=True, stop=threading.Event())
    entries = [entry for listing in scan for entry in listing.entries if entry.stat is not None]
    if not scan.report.ok:
        return entries, scan.report.detail
    return entries, "" if entries else "No video lies in it."


def _why_not(scanner: Scanner, path: str, looked: list[Entry]) -> str:
    """Say why a file is not taken: what is left out by its name was not looked for."""
    error = next((entry.error for entry in looked if entry.error), "")
    if error and error != VANISHED:
        return f"It cannot be read: {error}."
    verdict = scanner.verdict(path)
    if isinstance(verdict, Ignored) and os.path.lexists(path):
        return f"By its name it is nothing to upload ({verdict.rule}). See: ingestd show {path!r}"
    return "It does not exist."


def _lane(args: Mapping[str, object]) -> str:
    """One lane a file system, by the mount table alone: a dead share holds up no other wish."""
    given = args.get("paths")
    first = next(iter(given), "/") if isinstance(given, list) else "/"
    mount = read_mounts().of(str(first))
    return f"{LANE} {mount.point if mount else ''}"


#: Meta key: what was added and may not be judged yet, each path with the folder that lends.
WAITING = "added_by_hand"
#: Stands for the wish of what a start takes up again: nobody waits for its answer.
NOBODYS = 0


class ByHand:
    """The desk that hands such files to settling, without quiet time."""

    def __init__(self, ctx: Context, tracker: SettleTracker, judging: Judging) -> None:
        self._ctx, self._tracker, self._judging = ctx, tracker, judging
        self._waiting: dict[str, str | None] = {}

    def resume(self) -> None:
        """Take up what the last run had not judged: a person was told that it is looked into.

        Not what was to be paid again: that is said once more.
        """
        told = self._ctx.journal.meta(WAITING)
        left = told if isinstance(told, dict) else {}
        by_folder: dict[str | None, list[str]] = {}
        for path, folder in left.items():
            if self._ctx.journal.current(path) is None:
                by_folder.setdefault(folder, []).append(path)
                self._waiting[path] = folder
        for folder, paths in by_folder.items():
            self.ask(NOBODYS, {"paths": paths, "folder": folder})

    def _note(self, added: dict[str, str | None]) -> None:
        """Remember what a stop must not forget; what is judged by now is left out."""
        kept = {path: one for path, one in self._waiting.items() if path in self._tracker}
        self._waiting = {**kept, **added}
        self._ctx.journal.set_meta(WAITING, self._waiting)

    def ask(self, wish: int, args: Mapping[str, object]) -> None:
        """Send a worker to look."""
        settings = self._ctx.settings
        broke = FoundByHand(wish, (), None, pay_again=False, refused=(("", "The look broke."),))
        self._ctx.workers.submit(_lane(args), lambda: find(settings, wish, args), broke)

    def found(self, message: FoundByHand) -> dict[str, object]:
        """Take what was found; answer the wish."""
        by_name = {folder.name: folder for folder in self._ctx.settings.folders}
        taken, left = 0, list(message.refused)
        added: dict[str, str | None] = {}
        for entry in message.entries:
            if entry.stat is None or entry.kind is not EntryKind.FILE:
                continue
            if message.folder is not None:
                if message.folder not in by_name:  # a reload took it away meanwhile
                    left.append((entry.path, _NOT_CONFIGURED.format(message.folder)))
                    continue
                self._judging.asked.lent[entry.path] = by_name[message.folder]
            self._judging.asked.by_hand.add(entry.path)
            self._judging.asked.past_guard.add(entry.path)
            if message.pay_again:
                self._judging.asked.pay_again[entry.path] = Meant(entry.stat)
            self._tracker.observe(
                entry.path,
                entry.stat,
                self._ctx.now.mono,
                quiet=0.0,
                folder=message.folder or "",
            )
            self._tracker.force(entry.path)
            if not message.pay_again:
                added[entry.path] = message.folder
            taken += 1
        if added or self._waiting:
            self._note(added)
        refused = [{"path": path, "why": why} for path, why in left]
        return {
            "done": [],
            "taken": taken,
            "refused": refused,
            "text": _said(taken, len(refused)),
        }


def _said(taken: int, refused: int) -> str:
    files = "1 file is" if taken == 1 else f"{taken} files are"
    text = f"{files} looked into now; what is known already is not paid again"
    return text + (f", {refused} could not be taken." if refused else ".")
