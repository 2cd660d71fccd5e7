"""Checks of a watched folder: from outside, as the service's user, and inside its sandbox."""

from __future__ import annotations

import ctypes
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingestd.cli import words
from ingestd.cli.account import Account, Refusal, become, refusal, unreadable
from ingestd.cli.apart import NoAnswerError, in_child
from ingestd.cli.checking import Grade, Result
from ingestd.config import AfterKind
from ingestd.watch.entries import RootState
from ingestd.watch.guard import Guard
from ingestd.watch.mounts import WatchMode, mode_for, read_mounts
from ingestd.watch.roots import neighbours
from ingestd.watch.volumes import volume_at
from ingestd.watch.writers import Sight, sight

if TYPE_CHECKING:
    from ingestd.cli.unit import Unit
    from ingestd.config import Folder
    from ingestd.watch.guard import Known

#: How long a folder may take to answer before its share counts as hung, seconds.
PATIENCE: Final = 5.0
#: How long directories are counted, seconds; less than the patience.
COUNTING: Final = 2.0


@dataclass(frozen=True, slots=True)
class Watches:
    """How many directories need an inotify watch."""

    directories: int = 0
    more: bool = False  # at least so many: the counting was broken off

    def __add__(self, other: Watches) -> Watches:
        return Watches(self.directories + other.directories, self.more or other.more)


@dataclass(frozen=True, slots=True)
class Service:
    """Who will really read the folders, where that is not who runs the check."""

    who: Account
    unit: Unit | None = None  # None: known by the owner of the state directory alone

    @property
    def restart(self) -> str:
        """What makes a change known to it."""
        return self.unit.restart if self.unit else "restart ingestd"


def check_folder(
    folder: Folder, service: Service | None = None, known: Known | None = None
) -> tuple[Result, Watches]:
    """Look at one watched folder, from a child: a dead share may never answer.

    Args:
        folder: it.
        service: who will really read it.
        known: the file system that the daemon knows at its path.
    """
    try:
        return in_child(lambda: _look(folder, service, known), PATIENCE)
    except NoAnswerError:
        text = f"{words.printable(str(folder.path))} did not answer within {PATIENCE:g} s"
        what = f"{words.printable(known.volume.words)}: is" if known else "Is"
        remedy = f"{what} its server or disk there? Nothing is lost; goes on when it answers."
        return Result(Grade.FAIL, _topic(folder), text, remedy), Watches()


#: Whose open files tell that a file is not complete yet, in words.
_SEEN = {
    Sight.ALL: "open writers are seen",
    Sight.OWN: "open writers are seen of this user alone",
    Sight.LOCAL: "open writers are seen of this machine alone",
    Sight.NONE: "open writers are not seen",
}


_DISKS = {
    RootState.FOREIGN: "is on another disk than before",
    RootState.MISSING: "is there, and its disk is not",
}


def _topic(folder: Folder) -> str:
    return f"folder {words.printable(folder.name)}"


def _look(folder: Folder, service: Service | None, known: Known | None) -> tuple[Result, Watches]:
    path, shown = str(folder.path), words.printable(str(folder.path))
    guard = Guard(folder.name, known, folder.removable)
    trouble, remedy = _trouble(path, guard, ask_rights=service is None)
    if trouble:
        return Result(Grade.FAIL, _topic(folder), f"{shown} {trouble}", remedy), Watches()
    mount = read_mounts().of(os.path.realpath(path))
    fstype = mount.fstype if mount else "unknown"
    mode = mode_for(fstype, str(folder.mode))
    watches = _count(path, recursive=folder.recursive) if mode is WatchMode.EVENTS else Watches()
    found = None if service is None else _for_service(folder, service)
    if found is not None:
        return found, watches
    text = f"{shown}: {mode} on {fstype}, {_SEEN[sight(fstype)]}"
    if service is not None:
        text += f", open to user {service.who.name}"
    return Result(Grade.OK, _topic(folder), text), watches


def _trouble(path: str, guard: Guard, *, ask_rights: bool) -> tuple[str, str]:
    """What is wrong with a folder, and the remedy; the service's rights are asked elsewhere."""
    if not os.path.lexists(path):
        points = frozenset(mount.point for mount in read_mounts().mounts)
        where = words.printable(guard.missing(path, points, neighbours(path)))
        first = "Make it, or mount what belongs there. " if guard.known is None else ""
        return "does not exist", first + where
    if not os.path.isdir(path):  # noqa: PTH112 - odd bytes
        return "is no folder", "Name the folder itself in the configuration."
    if ask_rights and not os.access(path, os.R_OK | os.X_OK):
        return "cannot be read", "Let the user that ingestd runs as read it."
    return _another_disk(path, guard)


def _another_disk(path: str, guard: Guard) -> tuple[str, str]:
    """Say so where another file system lies there than the daemon knows."""
    try:
        state, detail = guard.verdict(path, volume_at(path))
    except OSError:
        return "", ""  # only the service's user may open it
    return _DISKS.get(state, ""), words.printable(detail)


def _for_service(folder: Folder, service: Service) -> Result | None:
    """What keeps the service from the folder; None: nothing."""
    path, topic = os.path.realpath(folder.path), _topic(folder)
    after = (folder.after_parsed, folder.after_duplicate, folder.after_rejected)
    changed = folder.prune_empty or any(one.kind is not AfterKind.KEEP for one in after)
    kept_out = _kept_out(topic, folder.name, service, path, change=changed)
    for target in dict.fromkeys(one.move_to for one in after if one.move_to is not None):
        place = _existing(target)
        kept_out = kept_out or _kept_out(topic, folder.name, service, place, change=True)
    if kept_out:
        return kept_out
    unit = service.unit
    if unit and unit.pid and not _is_inside(unit.pid, path):
        text = f"{words.printable(path)} is another folder, or none, inside the running service"
        return Result(Grade.FAIL, topic, text, f"Run: {unit.restart}")
    return _files(topic, path, service)


def check_written(topic: str, place: Path, service: Service) -> Result | None:
    """What keeps the service from writing to a directory that it makes itself; None: nothing."""
    try:
        return in_child(
            lambda: _kept_out(topic, topic, service, _existing(place), change=True), PATIENCE
        )
    except NoAnswerError:
        text = f"{words.printable(str(place))} did not answer within {PATIENCE:g} s"
        remedy = "Is its server or disk there? Uploads pause until it answers; nothing is lost."
        return Result(Grade.FAIL, topic, text, remedy)


def _existing(path: Path) -> str:
    """The directory itself, or the nearest one above it that is there; without links."""
    return os.path.realpath(next(one for one in (path, *path.parents) if one.is_dir()))


def _kept_out(topic: str, name: str, service: Service, path: str, *, change: bool) -> Result | None:
    """What keeps the service from one directory: its sandbox, or the directory's rights."""
    unit = service.unit
    hidden = unit.hides(path, change=change) if unit else None
    if unit and hidden:
        line = unit.drop_in(name, hidden.lines)
        return Result(Grade.FAIL, topic, f"{words.printable(path)}: {hidden.why}", f"Run: {line}")
    start = (unit.bound(path) if unit else "") or "/"
    refused = in_child(lambda: refusal(service.who, path, change=change, start=start), PATIENCE / 2)
    return _refused(Grade.FAIL, topic, refused, service) if refused else None


def _files(topic: str, path: str, service: Service) -> Result | None:
    """Try the first files of the folder: a card may be copied with its owner's rights."""

    def look() -> tuple[int, int, Refusal | None]:
        become(service.who)
        return unreadable(path)

    try:
        tried, bad, first = in_child(look, PATIENCE / 2)
    except NoAnswerError:
        return None  # it could not be listed from above its mount: nothing is known
    if first is None:
        return None
    user = service.who.name
    text = first.sentence(user)
    if bad > 1:
        text += f", nor {bad - 1} more of {tried} files looked at"
    return Result(Grade.WARN, topic, text, first.remedy_below(path, user, service.restart))


def _refused(grade: Grade, topic: str, refused: Refusal, service: Service) -> Result:
    user = service.who.name
    return Result(grade, topic, refused.sentence(user), refused.remedy(user, service.restart))


def _is_inside(pid: int, path: str) -> bool:
    """Tell whether a running process sees the same directory at a path (setns(2)).

    True also where that cannot be found out.
    """

    def look() -> tuple[int, int] | None:
        handle = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        if ctypes.CDLL(None, use_errno=True).setns(handle, 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        try:
            found = Path(path).stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    try:
        inside = in_child(look, PATIENCE / 2)
    except NoAnswerError:
        return True
    outside = Path(path).stat()
    return inside == (outside.st_dev, outside.st_ino)


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
