"""The mount table as text, and what follows from a file system's type (rules R5).

Read from /proc/self/mountinfo (proc(5)), which never blocks and never touches a mounted file
system, whereas statfs(2) hangs on a dead server.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

MOUNTINFO: Final = Path("/proc/self/mountinfo")
UUIDS: Final = Path("/dev/disk/by-uuid")

# Known to deliver inotify events for every change, because every change passes this kernel.
_LOCAL_KEEPING_MTIMES: Final = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "tmpfs"}
)
# Local as well, but their directories' mtimes move in steps of 2 s or not at all.
_LOCAL_COARSE: Final = frozenset({"vfat", "exfat", "ntfs3"})
_DELIVERS_EVENTS: Final = _LOCAL_KEEPING_MTIMES | _LOCAL_COARSE

# Another machine, the host of a virtual one, or a cluster changes these behind our back.
_NETWORK: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "coda", "ceph", "9p", "virtiofs"}
    | {"vboxsf", "vmhgfs", "prl_fs", "drvfs", "hostfs", "lustre", "gpfs", "beegfs", "pvfs2"}
    | {"ocfs2", "gfs2", "davfs", "orangefs", "acfs"}
)
_LOCAL_FUSE: Final = frozenset({"fuseblk", "fuse.exfat", "fuse.ntfs-3g", "fuse.ntfs"})


class WatchMode(StrEnum):
    """How new files in a folder are noticed (interface 3, `folders[].mode`)."""

    EVENTS = "events"
    POLL = "poll"


@dataclass(frozen=True, slots=True)
class Mount:
    """One mounted file system.

    Attributes:
        point: Where it is mounted.
        fstype: As the kernel names it: ext4, cifs, fuse.sshfs.
        source: Device or share: /dev/sda1, //nas/video.
        dev: "major:minor", `st_dev` of its files; for what has no device, anew at each mount.
        root: Which directory of the file system is mounted (a bind mount, a btrfs subvolume).
        fs_id: Tells one file system from another across remounts and restarts: its UUID where the
            system knows it, else type and source; with `root` where that is not the top.
        options: Of the super block, unparsed.
        uuid: Of the file system; "" where /dev/disk/by-uuid does not tell.
    """

    point: str
    fstype: str
    source: str
    dev: str
    root: str
    fs_id: str
    options: str = ""
    uuid: str = ""


class MountTable:
    """The mounts that can be reached by a path; a later one covers an earlier at its point."""

    def __init__(self, mounts: tuple[Mount, ...]) -> None:
        self.mounts = mounts
        self._by_point = {mount.point: mount for mount in mounts}

    def of(self, path: str) -> Mount | None:
        """The mount that holds an absolute path (without `..`; links are the caller's matter)."""
        above = PurePosixPath(path)
        points = (str(point) for point in (above, *above.parents))
        return next((self._by_point[point] for point in points if point in self._by_point), None)

    def around(self, path: str) -> tuple[Mount, ...]:
        """The mount that holds a directory, then those that lie in it, by their points."""
        mount = self.of(path)
        prefix = path.rstrip("/") + "/"
        below = [one for one in self.mounts if one.point.startswith(prefix) and one.point != path]
        return ((mount,) if mount else ()) + tuple(sorted(below, key=lambda one: one.point))

    def underlying(self, mount: Mount) -> Mount | None:
        """What an overlay writes to; None where that is not visible from here (in a container)."""
        upper = _option(mount.options, "upperdir") if mount.fstype == "overlay" else None
        below = self.of(upper) if upper is not None else None
        return None if below is None or below.fstype == "overlay" else below


def parse_mountinfo(text: str, uuids: Mapping[str, str] | None = None) -> MountTable:
    """Parse the text of /proc/self/mountinfo; lines that are none are left out.

    Args:
        text: The file's text, decoded like a path (`os.fsdecode`).
        uuids: UUIDs of file systems, by device path or by "major:minor", where known.
    """
    lines = [line for line in map(_split, text.split("\n")) if line is not None]
    hidden = _hidden(lines)
    visible = (line for line in lines if line.mount_id not in hidden)
    return MountTable(tuple(_mount(line, uuids or {}) for line in visible))


def read_mounts() -> MountTable:
    """Read the mount table of this process.

    Raises:
        OSError: /proc is not mounted.
    """
    return parse_mountinfo(os.fsdecode(MOUNTINFO.read_bytes()), _read_uuids())


def mode_for(fstype: str, configured: str = "auto") -> WatchMode:
    """Decide how to watch a folder.

    Args:
        fstype: Type of the file system it is on.
        configured: "auto", "events" or "poll" (interface 4); a person's word counts.
    """
    if configured != "auto":
        return WatchMode(configured)
    return WatchMode.EVENTS if fstype in _DELIVERS_EVENTS else WatchMode.POLL


def keeps_mtimes(fstype: str) -> bool:
    """Whether a directory's mtime moves at once with every change of its names."""
    return fstype in _LOCAL_KEEPING_MTIMES


def is_network(fstype: str) -> bool:
    """Whether something else than this kernel may change it: stale attributes, no locks.

    A FUSE file system counts as such unless its program is known to serve a local disk.
    """
    if fstype.startswith("fuse"):
        return fstype not in _LOCAL_FUSE
    return fstype in _NETWORK


class _Line(NamedTuple):
    """One line, e.g. `36 35 98:0 /dir /mnt rw,noatime shared:1 - ext3 /dev/root rw`."""

    mount_id: str
    parent_id: str
    dev: str
    root: str
    point: str
    fstype: str
    source: str
    options: str


def _split(line: str) -> _Line | None:
    before, separator, after = line.partition(" - ")
    try:
        mount_id, parent_id, dev, root, point, *_ = before.split(" ")
        fstype, source, *options = after.split(" ")
    except ValueError:
        return None
    fields = map(_unescape, (root, point, fstype, source, " ".join(options)))
    return _Line(mount_id, parent_id, dev, *fields) if separator else None


def _hidden(lines: list[_Line]) -> set[str]:
    """Mounts below a directory that another mount covers, and all that is mounted in them."""
    crossings = {(line.parent_id, line.point) for line in lines}
    hidden: set[str] = set()
    for line in lines:
        above = takewhile(lambda point: point != "/", map(str, PurePosixPath(line.point).parents))
        if line.parent_id in hidden or any((line.parent_id, p) in crossings for p in above):
            hidden.add(line.mount_id)
    return hidden


def _mount(line: _Line, uuids: Mapping[str, str]) -> Mount:
    uuid = uuids.get(line.source) or uuids.get(line.dev)
    fs_id = f"uuid:{uuid}" if uuid is not None else f"{line.fstype}:{line.source}"
    return Mount(
        point=line.point,
        fstype=line.fstype,
        source=line.source,
        dev=line.dev,
        root=line.root,
        fs_id=fs_id if line.root == "/" else f"{fs_id}:{line.root}",
        options=line.options,
        uuid=uuid or "",
    )


def _unescape(field: str) -> str:
    r"""Undo the kernel's octal escapes of space, tab, newline and backslash (`\040`)."""
    if "\\" not in field:
        return field
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def _option(options: str, name: str) -> str | None:
    """The value of one mount option; overlay escapes `,` and `:` in it by a backslash."""
    match = re.search(rf"(?:^|,){name}=((?:\\.|[^,\\])*)", options)
    return None if match is None else re.sub(r"\\(.)", r"\1", match[1])


def _read_uuids() -> dict[str, str]:
    """File systems' UUIDs; empty where udev is not to be seen (containers)."""
    found = {}
    try:
        for link in UUIDS.iterdir():
            device = link.stat().st_rdev  # of the node in /dev, not of the file system on it
            found[f"{os.major(device)}:{os.minor(device)}"] = link.name
            found[str(link.resolve())] = link.name  # btrfs: its own "major:minor" is no device's
    except OSError:
        return found
    return found
