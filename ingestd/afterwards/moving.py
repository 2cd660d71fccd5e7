"""Moving a file, within a file system or across: whole in one place or the other at any moment."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from blake3 import blake3

from ingestd.afterwards import disk
from ingestd.afterwards.order import ChangedError, KeptError, StoppedError
from ingestd.afterwards.places import beginning
from ingestd.afterwards.removing import remove
from ingestd.afterwards.source import hashed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestd.afterwards.order import Order
    from ingestd.afterwards.source import Source

PIECE: Final = 1 << 20
#: A copy leaves this much of the disk free, bytes.
SPARE: Final = 16 << 20
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def destination(order: Order, move_to: str, *, make: bool) -> Iterator[int]:
    """Open the directory that the file belongs into, its relative path kept.

    Raises:
        OSError: it cannot be opened or made.
    """
    base = beginning(order, move_to)
    below = [name for name in move_to[len(base) :].split("/") if name]
    with disk.opened(base, [*below, *order.kept], make=make) as directory:
        yield directory


def move(order: Order, source: Source, move_to: str) -> str:
    """Move an open file below a directory; the name it has there.

    Raises:
        KeptError: source and destination are one directory.
        ChangedError: the file changed or was replaced meanwhile; nothing was lost.
        StoppedError: the daemon ends; nothing was lost.
        OSError: as the system raises it; nothing was lost.
    """
    with destination(order, move_to, make=True) as target:
        if os.path.samestat(os.fstat(target), os.fstat(source.directory)):
            raise KeptError("Its move_to is the directory that it lies in.")
        _discard(target, order.temporary)
        there = already_there(order, source, target)
        if there is None:
            with suppress(disk.CannotRenameError):
                return _renamed(order, source, target)
            there = _copied(order, source, target)
        remove(order, source, (target, there))
        return there


def already_there(order: Order, source: Source, target: int) -> str | None:
    """The name under which an earlier try, or anybody, has put this content there."""
    for name in disk.numbered(order.name):
        status = disk.status(target, name)
        if status is None:
            return None
        if not stat.S_ISREG(status.st_mode) or status.st_size != source.status.st_size:
            continue
        if os.path.samestat(status, source.status):
            if status.st_nlink == 1:
                raise KeptError("Its move_to is another path to the directory that it lies in.")
            return name
        if _content_of(order, target, name) == source.hash(order.stop):
            return name
    return None


def _content_of(order: Order, directory: int, name: str) -> str:
    fd = os.open(name, disk.FILE, dir_fd=directory)
    try:
        return hashed(fd, order.stop)
    finally:
        os.close(fd)


def _renamed(order: Order, source: Source, target: int) -> str:
    new = _named(source.directory, source.name, target, order.name)
    arrived = disk.status(target, new)
    if arrived is None or not disk.same(arrived, os.fstat(source.fd)):
        # another file took its name between the check and the rename: that one is put back
        disk.give_name(target, new, source.directory, source.name)
        raise ChangedError
    os.fsync(target)
    os.fsync(source.directory)
    return new


def _named(source: int, name: str, target: int, wanted: str) -> str:
    """Rename to the first free name."""
    for new in disk.numbered(wanted):
        try:
            disk.give_name(source, name, target, new)
        except FileExistsError:
            continue
        return new
    raise OSError(errno.EEXIST, "every name is taken", wanted)


def _copied(order: Order, source: Source, target: int) -> str:
    """Copy under a temporary name, make it durable, read it back, and only then name it."""
    free = os.statvfs(target)
    if free.f_bavail * free.f_frsize < source.status.st_size + SPARE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    fd = os.open(order.temporary, _NEW, 0o600, dir_fd=target)
    try:
        digest = _stream(order, source, fd)
        _like(source, fd)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)  # so that what is read is the disk's
        _require_reads(fd, digest, order)
    except BaseException:
        _discard(target, order.temporary)
        raise
    finally:
        os.close(fd)
    source.require_still()
    if order.content_hash not in (None, digest):
        _discard(target, order.temporary)
        raise ChangedError
    new = _named_temporary(order, target)
    os.fsync(target)
    return new


def _require_reads(fd: int, digest: str, order: Order) -> None:
    if hashed(fd, order.stop) != digest:
        raise OSError(errno.EIO, "what was written reads differently", order.name)


def _stream(order: Order, source: Source, fd: int) -> str:
    """Copy the bytes; the blake3 of what was read."""
    digest, at = blake3(), 0
    while piece := os.pread(source.fd, PIECE, at):
        if order.stop.is_set():
            raise StoppedError
        digest.update(piece)
        at += len(piece)
        left = memoryview(piece)
        while left:
            left = left[os.write(fd, left) :]
    if at != source.status.st_size:
        raise ChangedError
    return digest.hexdigest()


def _like(source: Source, fd: int) -> None:
    """Give the copy the times, the permissions and, where that is allowed, the owner."""
    status = source.status
    with suppress(OSError):  # only root may, and some file systems have none
        os.fchown(fd, status.st_uid, status.st_gid)
    with suppress(OSError):
        os.fchmod(fd, stat.S_IMODE(status.st_mode) & 0o777)
    os.utime(fd, ns=(status.st_atime_ns, status.st_mtime_ns))


def _named_temporary(order: Order, target: int) -> str:
    try:
        return _named(target, order.temporary, target, order.name)
    except disk.CannotRenameError:
        return _over_placeholder(order, target)


def _over_placeholder(order: Order, target: int) -> str:
    """Where nothing renames without replacing: an empty file of ours takes the name first."""
    for new in disk.numbered(order.name):
        try:
            os.close(os.open(new, _NEW, 0o600, dir_fd=target))
        except FileExistsError:
            continue
        os.rename(order.temporary, new, src_dir_fd=target, dst_dir_fd=target)
        return new
    raise OSError(errno.EEXIST, "every name is taken", order.name)


def _discard(directory: int, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=directory)
