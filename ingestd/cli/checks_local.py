"""Checks of this machine: limits, journal, clock, disk."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingestd.cli import words
from ingestd.cli.account import user_name
from ingestd.cli.checking import Grade, Result
from ingestd.errors import JournalError
from ingestd.journal import JournalReader
from ingestd.journal.opening import JOURNAL_NAME
from ingestd.watch.mounts import is_network, read_mounts

if TYPE_CHECKING:
    from ingestd.cli.checks_folder import Watches

#: What is advised where the kernel's limits are too low; more where more is needed.
ENOUGH_WATCHES: Final = 524_288
ENOUGH_INSTANCES: Final = 512
INOTIFY: Final = Path("/proc/sys/fs/inotify")
#: Part of the watches that other programs should be left with.
SPARE: Final = 0.8
#: Free space below which the journal is in danger, and below which it may be one day, bytes.
LITTLE: Final = 100_000_000
SOME: Final = 1_000_000_000
FEW_INODES: Final = 50
#: A difference of clocks that an answer's way does not explain; one that spoils budgets; seconds.
CLOCK_OFF: Final = 60.0
DAY: Final = 86_400.0
#: File systems whose files are gone after a restart of the machine.
_FLEETING: Final = frozenset({"tmpfs", "ramfs"})
_POLLED: Final = "Folders are polled: a new file is seen up to a minute later, none is missed."
_NO_INODES: Final = "Remove files there: no new one can be made, and nothing is sent unrecorded."
#: No clock that is right shows less: 2026-01-01.
OLDEST_NOW: Final = 1_767_225_600.0


def check_inotify(watched: Watches, folders: int) -> Result:
    """Compare the directories to be watched with the kernel's limits (inotify(7))."""
    watches = _limit("max_user_watches")
    instances = _limit("max_user_instances")
    if watches is None or instances is None:
        return Result(
            Grade.WARN,
            "inotify",
            "its limits cannot be read",
            _POLLED,
        )
    directories = words.count(watched.directories, "directory", "directories")
    text = f"{'more than ' if watched.more else ''}{directories}, {words.number(watches)} watches"
    if watched.directories > watches * SPARE:
        wanted = max(ENOUGH_WATCHES, watched.directories * 2)
        remedy = f"Run: {_sysctl('max_user_watches', wanted)}   Until then some are polled."
        return Result(Grade.WARN, "inotify", text, remedy)
    if folders > instances * SPARE:
        wanted = max(ENOUGH_INSTANCES, folders * 2)
        remedy = f"Run: {_sysctl('max_user_instances', wanted)}   Until then some are polled."
        return Result(Grade.WARN, "inotify", f"{folders} folders, {instances} instances", remedy)
    return Result(Grade.OK, "inotify", text)


def _sysctl(name: str, value: int) -> str:
    """The line that raises a limit, also after the next start of the machine."""
    file = f"/etc/sysctl.d/90-ingestd-{name}.conf"
    return f"echo fs.inotify.{name}={value} | sudo tee {file} && sudo sysctl -p {file}"


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
        return _no_journal(state_dir, place)
    return _strange_files(state_dir) or _journal(state_dir, mount.fstype if mount else "")


def _no_journal(state_dir: Path, place: Path) -> Result:
    if not os.access(place, os.W_OK | os.X_OK):
        text = f"{state_dir} cannot be made: {place} cannot be written by this user"
        remedy = "Make it for this user, or name another one as state_dir."
        return Result(Grade.FAIL, "journal", text, remedy)
    return Result(Grade.OK, "journal", f"{state_dir}: none yet, the first start makes it")


def _journal(state_dir: Path, fstype: str) -> Result:
    try:
        with JournalReader.open(state_dir) as reader:
            rows = sum(reader.counts().values())
    except JournalError as error:
        return Result(Grade.FAIL, "journal", str(error).rstrip("."))
    if fstype in _FLEETING:
        text = f"{state_dir} is on a {fstype}: a restart of the machine takes it away"
        return Result(Grade.WARN, "journal", text, "Choose a disk as state_dir.")
    return Result(Grade.OK, "journal", f"{state_dir}: {words.count(rows, 'row')}")


def _strange_files(state_dir: Path) -> Result | None:
    """Files of another owner than the directory's, as a command run by root may leave them."""
    owner = state_dir.stat().st_uid
    for path in sorted(state_dir.iterdir()):
        if path.lstat().st_uid != owner:
            shown, user = shlex.quote(words.printable(str(state_dir))), user_name(owner)
            text = (
                f"{path} does not belong to user {user}, who owns {state_dir}: ingestd may not be "
                "able to write it"
            )
            return Result(Grade.FAIL, "journal", text, f"Run: sudo chown -R {user}: {shown}")
    return None


def _existing(path: Path) -> Path:
    return next((one for one in (path, *path.parents) if one.exists()), Path("/"))


def check_clock(now: float, theirs: float | None) -> Result:
    """Tell whether the clock can be right: names, days and budgets are taken from it.

    Args:
        now: our clock, seconds.
        theirs: the far side's clock at the same time, from its Date header; None: not known.
    """
    remedy = "Days, months and budgets are counted by it. Run: sudo timedatectl set-ntp true"
    if now < OLDEST_NOW:
        text = f"the clock shows {words.stamp(now)}"
        return Result(Grade.FAIL, "clock", text, remedy)
    off = 0.0 if theirs is None else now - theirs
    if abs(off) > CLOCK_OFF:
        way = "ahead of" if off > 0 else "behind"
        text = f"{words.stamp(now)}, {words.duration(abs(off))} {way} memories.ai's clock"
        return Result(Grade.FAIL if abs(off) > DAY else Grade.WARN, "clock", text, remedy)
    agrees = "" if theirs is None else ", as at memories.ai"
    return Result(Grade.OK, "clock", f"{words.stamp(now)}{agrees}")


def check_mirror(place: Path) -> Result:
    """Tell whether the mirror can be made: its directory is made, the one above never."""
    if not place.exists() and not place.parent.is_dir():
        text = f"{words.printable(str(place.parent))} is not there, so no upload would start"
        remedy = "Mount the disk that belongs there, or make that directory, or change mirror_dir."
        return Result(Grade.FAIL, "mirror", text, remedy)
    return check_disk("mirror", place)


def check_disk(topic: str, place: Path) -> Result:
    """Tell whether there is room for what must be written there."""
    room = os.statvfs(_existing(place))
    free = room.f_bavail * room.f_frsize
    if room.f_files and room.f_favail < FEW_INODES:
        text = f"{room.f_favail} inodes left for {place}"
        return Result(
            Grade.FAIL,
            topic,
            text,
            _NO_INODES,
        )
    text = f"{words.size(free)} free for {place}"
    if free < LITTLE:
        return Result(Grade.FAIL, topic, text, "Make room: nothing is sent without a record.")
    if free < SOME:
        return Result(Grade.WARN, topic, text, "Make room before it is full.")
    return Result(Grade.OK, topic, text)
