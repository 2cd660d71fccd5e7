"""Checks of this machine: folders, limits, journal, clock, disk."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingestd.cli import words
from ingestd.cli.checking import Grade, Result
from ingestd.errors import JournalError
from ingestd.journal import JournalReader
from ingestd.journal.opening import JOURNAL_NAME
from ingestd.watch.mounts import WatchMode, is_network, mode_for, read_mounts

if TYPE_CHECKING:
    from ingestd.config import Folder

#: How long a folder may take to answer before its share counts as hung, seconds.
PATIENCE: Final = 5.0
#: How long directories are counted, seconds; less than the patience.
COUNTING: Final = 2.0
#: What is advised where the kernel's limits are too low; more where more is needed.
ENOUGH_WATCHES: Final = 524_288
ENOUGH_INSTANCES: Final = 512
INOTIFY: Final = Path("/proc/sys/fs/inotify")
#: Part of the watches that other programs should be left with.
SPARE: Final = 0.8
#: Free space below which the journal is in danger, and below which it may be one day, bytes.
LITTLE: Final = 100_000_000
SOME: Final = 1_000_000_000
#: No clock that is right shows less: 2026-01-01.
OLDEST_NOW: Final = 1_767_225_600.0


@dataclass(frozen=True, slots=True)
class Watches:
    """How many directories need an inotify watch."""

    directories: int = 0
    more: bool = False  # at least so many: the counting was broken off

    def __add__(self, other: Watches) -> Watches:
        return Watches(self.directories + other.directories, self.more or other.more)


def check_folder(folder: Folder) -> tuple[Result, Watches]:
    """Look at one watched folder, from a thread of its own: a dead share may never answer."""
    found: list[tuple[Result, Watches]] = []
    thread = threading.Thread(target=lambda: found.append(_look(folder)), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if found:
        return found[0]
    text = f"{words.printable(str(folder.path))} did not answer within {PATIENCE:g} s"
    return Result(Grade.FAIL, _topic(folder), text, "Is its server or disk there?"), Watches()


def _topic(folder: Folder) -> str:
    return f"folder {words.printable(folder.name)}"


def _look(folder: Folder) -> tuple[Result, Watches]:
    path, shown = str(folder.path), words.printable(str(folder.path))
    trouble, remedy = _trouble(path)
    if trouble:
        return Result(Grade.FAIL, _topic(folder), f"{shown} {trouble}", remedy), Watches()
    mount = read_mounts().of(os.path.realpath(path))
    fstype = mount.fstype if mount else "unknown"
    mode = mode_for(fstype, str(folder.mode))
    watches = _count(path, recursive=folder.recursive) if mode is WatchMode.EVENTS else Watches()
    return Result(Grade.OK, _topic(folder), f"{shown}: {mode} on {fstype}"), watches


def _trouble(path: str) -> tuple[str, str]:
    """What is wrong with a folder, and the remedy."""
    if not os.path.lexists(path):
        return "does not exist", "Make it, or mount what belongs there."
    if not os.path.isdir(path):  # noqa: PTH112 - odd bytes
        return "is no folder", "Name the folder itself in the configuration."
    if not os.access(path, os.R_OK | os.X_OK):
        return "cannot be read", "Let the user that ingestd runs as read it."
    return "", ""


def _count(path: str, *, recursive: bool) -> Watches:
    """Count directories, as many as there is time for."""
    end = time.monotonic() + COUNTING
    counted = 0
    for _ in os.walk(path):
        counted += 1
        if not recursive:
            break
        if time.monotonic() > end:
            return Watches(counted, more=True)
    return Watches(counted)


def check_inotify(watched: Watches, folders: int) -> Result:
    """Compare the directories to be watched with the kernel's limits (inotify(7))."""
    watches = _limit("max_user_watches")
    instances = _limit("max_user_instances")
    if watches is None or instances is None:
        return Result(Grade.WARN, "inotify", "its limits cannot be read", "Folders are polled.")
    directories = words.count(watched.directories, "directory", "directories")
    text = f"{'more than ' if watched.more else ''}{directories}, {words.number(watches)} watches"
    if watched.directories > watches * SPARE:
        wanted = max(ENOUGH_WATCHES, watched.directories * 2)
        remedy = f"sysctl fs.inotify.max_user_watches={wanted}; until then they are polled."
        return Result(Grade.WARN, "inotify", text, remedy)
    if folders > instances * SPARE:
        remedy = f"sysctl fs.inotify.max_user_instances={max(ENOUGH_INSTANCES, folders * 2)}"
        return Result(Grade.WARN, "inotify", f"{folders} folders, {instances} instances", remedy)
    return Result(Grade.OK, "inotify", text)


def _limit(name: str) -> int | None:
    try:
        return int((INOTIFY / name).read_text())
    except (OSError, ValueError):
        return None


def check_journal(state_dir: Path) -> Result:
    """Open the journal; say whether one can be made where there is none yet."""
    place = _existing(state_dir)
    mount = read_mounts().of(os.path.realpath(place))
    if mount is not None and is_network(mount.fstype):
        text = f"{state_dir} is on a network file system ({mount.fstype})"
        return Result(Grade.FAIL, "journal", text, "Choose a local disk as state_dir.")
    if not (state_dir / JOURNAL_NAME).exists():
        if not os.access(place, os.W_OK | os.X_OK):
            text = f"{state_dir} cannot be made: {place} cannot be written by this user"
            return Result(
                Grade.FAIL, "journal", text, "Make it for this user, or choose another state_dir."
            )
        return Result(Grade.OK, "journal", f"{state_dir}: none yet, the first start makes it")
    try:
        with JournalReader.open(state_dir) as reader:
            rows = sum(reader.counts().values())
    except JournalError as error:
        return Result(Grade.FAIL, "journal", str(error).rstrip("."))
    return Result(Grade.OK, "journal", f"{state_dir}: {words.count(rows, 'row')}")


def _existing(path: Path) -> Path:
    return next((one for one in (path, *path.parents) if one.exists()), Path("/"))


def check_clock(now: float) -> Result:
    """Tell whether the clock can be right: names, days and budgets are taken from it."""
    if now < OLDEST_NOW:
        text = f"the clock shows {words.stamp(now)}"
        return Result(Grade.FAIL, "clock", text, "Set it: timedatectl set-ntp true")
    return Result(Grade.OK, "clock", words.stamp(now))


def check_disk(state_dir: Path) -> Result:
    """Tell whether there is room for the journal."""
    room = os.statvfs(_existing(state_dir))
    free = room.f_bavail * room.f_frsize
    text = f"{words.size(free)} free for {state_dir}"
    if free < LITTLE:
        return Result(Grade.FAIL, "disk", text, "Make room: nothing is sent without a record.")
    if free < SOME:
        return Result(Grade.WARN, "disk", text, "Make room before it is full.")
    return Result(Grade.OK, "disk", text)
