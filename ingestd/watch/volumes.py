"""Which file system lies at a folder's path, told from another one across remounts and reboots.

`st_dev` is anew at each mount and a device's name at each plugging in, so neither says whether this
is the disk that was here yesterday. Compared is the best that both sides know (rules R5): a UUID,
else an id of statfs(2) where that is derived from one, else type and source.
"""

from __future__ import annotations

import fcntl
import os
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingestd.watch.mounts import is_network, read_mounts

if TYPE_CHECKING:
    from ingestd.watch.mounts import Mount, MountTable

#: Types that are one for this purpose.
_FAMILIES: Final = {"nfs4": "nfs", "smb3": "cifs", "ext2": "ext4", "ext3": "ext4"}
#: On these the kernel knows the UUID that is written on the disk.
_WITH_UUID: Final = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "bcachefs"})
#: On these statfs(2) derives its id from what is written on the disk; elsewhere from the device.
_WITH_FSID: Final = frozenset({"ext2", "ext3", "ext4", "btrfs", "zfs"})
#: Small disks that may have no UUID to be seen; they are told apart by their size as well.
_BY_SIZE: Final = frozenset({"vfat", "exfat", "fuseblk", "ntfs3", "fuse.exfat", "fuse.ntfs-3g"})
#: FS_IOC_GETFSUUID of linux/fs.h (since Linux 6.9): one byte of length, then the UUID.
_GETFSUUID: Final = 0x8011_1500
_UUID_BYTES: Final = 16
_UDEV: Final = Path("/run/udev/data")


@dataclass(frozen=True, slots=True)
class Volume:
    """One file system as it was found at a folder's path; empty: not known."""

    fstype: str
    source: str = ""
    root: str = "/"  # which directory of it is mounted
    point: str = "/"  # where
    uuid: str = ""
    fsid: str = ""
    size: int = 0  # bytes; only of small disks

    @property
    def words(self) -> str:
        """What a person calls it: `//nas/video`, `/dev/sdb1 (ext4)`."""
        source = self.source if self.root == "/" else f"{self.source}{self.root}"
        return self.source if is_network(self.fstype) else f"{source} ({self.fstype})"

    def same_as(self, other: Volume) -> bool:
        """Tell whether both are the same file system, as far as both can be known."""
        if _family(self.fstype) != _family(other.fstype):
            return False
        # its snapshots move; it is the system's all the same
        systems = self.point == other.point == "/"
        if self.root != other.root and not systems and self._unbound() != other._unbound():
            return False
        for mine, its in ((self.uuid, other.uuid), (self.fsid, other.fsid)):
            if mine and its:
                return mine == its
        if self.size and other.size and self.size != other.size:
            return False
        return self._address() == other._address()

    def _address(self) -> str:
        if not is_network(self.fstype):
            return self.source
        source = self.source.rstrip("/")
        return source.lower() if _family(self.fstype) == "cifs" else source

    @property
    def id(self) -> str:
        """A short text for it, for rows: the same as long as it is seen in the same way."""
        known = self.uuid or self.fsid or f"{_family(self.fstype)}:{self._address()}"
        root, _ = self._unbound()
        return known if root == "/" or self.point == "/" else f"{known}:{root}"

    def _unbound(self) -> tuple[str, str]:
        """Its root and point without a directory that is mounted on itself.

        A service's sandbox does that (ReadWritePaths=, ProtectHome= of systemd.exec(5)), and no
        file is another one for it: `/in` of a disk on `/mnt/in` is that disk on `/mnt`.
        """
        root, point = self.root, self.point
        while root != "/" and root.rpartition("/")[2] == point.rpartition("/")[2]:
            root, point = root.rpartition("/")[0] or "/", point.rpartition("/")[0] or "/"
        return root, point

    def document(self) -> dict[str, object]:
        """Write it for the journal."""
        return asdict(self)


def read_volume(told: object) -> Volume | None:
    """Read what `document` wrote; None: it is not that."""
    if not isinstance(told, dict) or not isinstance(told.get("fstype"), str):
        return None
    names = {field.name: type(field.default) for field in fields(Volume) if field.name != "fstype"}
    known = {name: told[name] for name, kind in names.items() if isinstance(told.get(name), kind)}
    return Volume(str(told["fstype"]), **known)


def volume_at(path: str, table: MountTable | None = None) -> Volume:
    """Find out which file system lies at a directory; may hang where that does.

    Raises:
        OSError: It cannot be opened.
    """
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        mounts = read_mounts() if table is None else table
        return volume_of(mounts.of(os.path.realpath(path)), directory)
    finally:
        os.close(directory)


def volume_of(mount: Mount | None, directory: int) -> Volume:
    """Describe the mount that an open directory lies on; None: the mount table shows none."""
    if mount is None:
        return Volume("unknown")
    kind = mount.fstype
    known = os.fstatvfs(directory) if kind in _WITH_FSID | _BY_SIZE else None
    return Volume(
        fstype=kind,
        source=mount.source,
        root=mount.root,
        point=mount.point,
        uuid=(mount.uuid or _of_udev(mount.dev) or _of_kernel(kind, directory)).lower(),
        fsid=f"{known.f_fsid:x}" if known and known.f_fsid and kind in _WITH_FSID else "",
        size=known.f_blocks * known.f_frsize if known and kind in _BY_SIZE else 0,
    )


def _family(fstype: str) -> str:
    return _FAMILIES.get(fstype, fstype)


def _of_udev(dev: str) -> str:
    """The UUID in udev's own records: seen also where a service's /dev is its own."""
    try:
        text = (_UDEV / f"b{dev}").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    found = re.search(r"^E:ID_FS_UUID=(\S+)$", text, re.MULTILINE)
    return found[1] if found else ""


def _of_kernel(fstype: str, directory: int) -> str:
    """The UUID that the kernel itself knows."""
    if fstype not in _WITH_UUID:
        return ""
    answer = bytearray(17)
    try:
        fcntl.ioctl(directory, _GETFSUUID, answer)
    except OSError:
        return ""
    digits = bytes(answer[1:]).hex()
    if answer[0] != _UUID_BYTES or not digits.strip("0"):
        return ""
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
