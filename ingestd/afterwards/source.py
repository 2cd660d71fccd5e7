"""The file that an order is about, held open from the first check to the last."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd.afterwards import disk
from ingestd.afterwards.order import ChangedError, KeptError, StoppedError
from ingestd.filestat import FdSource, kind_of, stat_of
from ingestd.fingerprint import full_hash

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from ingestd.afterwards.order import Order


@dataclass(slots=True)
class Source:
    """An open file, its directory and the name it has there now."""

    directory: int
    name: str
    fd: int
    status: os.stat_result
    digest: str | None = None  # blake3 of its content, once it was read

    def hash(self, stop: threading.Event) -> str:
        """Read it whole, once.

        Raises:
            StoppedError: the daemon ends.
            ChangedError: it changed while it was read.
            OSError: it cannot be read.
        """
        if self.digest is None:
            self.digest = hashed(self.fd, stop)
            self.require_still()
        return self.digest

    def require_still(self) -> None:
        """Make sure that it did not change since it was opened.

        Raises:
            ChangedError: it did.
        """
        now = stat_of(os.fstat(self.fd))
        if not now.same_content_as(stat_of(self.status)):
            raise ChangedError(now)


def hashed(fd: int, stop: threading.Event) -> str:
    """The blake3 of an open file.

    Raises:
        StoppedError: the daemon ends.
        OSError: it cannot be read.
    """
    digest = full_hash(FdSource(fd), stop)
    if digest is None:
        raise StoppedError
    return digest


@contextmanager
def held(order: Order) -> Iterator[Source | None]:
    """Open the file and make sure that it is the one that is meant; None: nothing lies there.

    Raises:
        KeptError: it is reached through a link, or is no ordinary file.
        ChangedError: it is another file.
        OSError: it cannot be opened.
    """
    with ExitStack() as stack:
        try:
            folder = disk.opened(order.root, order.parents, make=False, device=order.device)
            directory = stack.enter_context(folder)
        except FileNotFoundError:
            yield None
            return
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise KeptError("It is reached through a link: it is left where it is.") from error
            raise
        found = _open(order, directory)
        if found is not None:
            stack.callback(os.close, found.fd)
            _require_meant(order, found)
        yield found


def _open(order: Order, directory: int) -> Source | None:
    """Open it by its name, or by the one it was given to be removed when a crash came."""
    aside, own = (disk.status(directory, name) for name in (order.temporary, order.name))
    if aside is not None and own is not None and os.path.samestat(aside, own):
        os.unlink(order.temporary, dir_fd=directory)  # renaming by a link was cut off in the middle
    for name in (order.temporary, order.name):
        try:
            fd = os.open(name, disk.FILE, dir_fd=directory)
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO):
                raise KeptError("It is a link or a socket: it is left where it is.") from error
            raise
        return Source(directory, name, fd, os.fstat(fd))
    return None


def _require_meant(order: Order, source: Source) -> None:
    if not stat.S_ISREG(source.status.st_mode):
        raise KeptError(f"It is {kind_of(source.status.st_mode)}: it is left where it is.")
    now, meant = stat_of(source.status), order.stat
    if order.exact:
        aside = source.name != order.name  # a rename of ours moves the ctime
        if not (now.same_content_as(meant) if aside else now == meant):
            raise ChangedError(now)
    elif not now.same_content_as(meant):
        # another device number after a restart, or an mtime that a server made up: content decides
        if now.size != meant.size or order.content_hash is None:
            raise ChangedError(now)
        if source.hash(order.stop) != order.content_hash:
            raise ChangedError(now)
    if source.status.st_nlink == 1 and any(_is(path, source) for path in order.originals):
        raise KeptError("It is its original, seen by another path: it is left where it is.")


def _is(path: str, source: Source) -> bool:
    try:
        return os.path.samestat(os.lstat(path), source.status)
    except OSError:
        return False
