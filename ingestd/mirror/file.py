"""The mirror's file: made once, opened again only if it is the same one, appended to durably."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
import threading
import weakref
from typing import TYPE_CHECKING, Final

from ingestd.mirror.facts import head_of, line_of
from ingestd.mirror.faults import MirrorAwayError, MirrorError, fault
from ingestd.mirror.reading import first_identity
from ingestd.sharing import file_mode, share

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ingestd.mirror.facts import Fact

MIRROR_NAME: Final = "paid.log"
#: What file systems say that cannot make a directory durable, and need not.
_CANNOT: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EBADF})
_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class Mirror:
    """An open mirror. Any thread may append; each fact is on disk when `append` returns."""

    def __init__(
        self, path: Path, fd: int, identity: str, *, sync: Callable[[int], None] = os.fsync
    ) -> None:
        """Use `create` or `open`; `sync` makes a descriptor's data durable."""
        self.path, self.identity = path, identity
        self._fd, self._sync = fd, sync
        self._release = weakref.finalize(self, os.close, fd)
        self._lock = threading.Lock()
        self._ragged = _ends_ragged(fd)

    @classmethod
    def create(cls, directory: Path, *, sync: Callable[[int], None] = os.fsync) -> Mirror:
        """Make a new mirror in a directory, which is made too, but not its parents.

        Raises:
            MirrorError: it cannot be made, or one is there already.
        """
        path, identity = directory / MIRROR_NAME, secrets.token_hex(8)
        try:
            # not its parents: they may be a mount point whose disk is not there
            directory.mkdir(mode=0o700, exist_ok=True)
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            # under another name first: a power cut leaves a whole first line or no mirror at all
            fresh = directory / f"{MIRROR_NAME}.new"
            fd = os.open(fresh, _FLAGS | os.O_CREAT | os.O_TRUNC, file_mode(directory))
            share(fresh)
            try:
                os.write(fd, head_of(identity))
                sync(fd)
                fresh.rename(path)
                _sync_directory(directory, sync)
            except BaseException:
                os.close(fd)
                raise
        except OSError as error:
            raise fault(str(path), error) from error
        return cls(path, _held(path, fd), identity, sync=sync)

    @classmethod
    def open(
        cls,
        directory: Path,
        identity: str | None = None,
        *,
        sync: Callable[[int], None] = os.fsync,
    ) -> Mirror:
        """Open the mirror of a directory.

        Args:
            directory: where it is.
            identity: which one it must be; None: whichever is there.
            sync: makes a descriptor's data durable.

        Raises:
            MirrorAwayError: none is there, or another one than it must be.
            MirrorError: it cannot be used.
        """
        path = directory / MIRROR_NAME
        try:
            fd = os.open(path, _FLAGS)
        except FileNotFoundError:
            raise _away(path, "is not there") from None
        except OSError as error:
            raise fault(str(path), error) from error
        found = _identity_of(path, fd)
        if identity is not None and found != identity:
            os.close(fd)
            raise _away(path, "is another one than before")
        share(path)
        return cls(path, _held(path, fd), found, sync=sync)

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return os.fstat(self._fd).st_size

    def append(self, fact: Fact) -> None:
        """Write a fact durably.

        Raises:
            MirrorFullError: the disk has no room; what came of the line is ignored by readers.
            MirrorAwayError: the file is no longer in its place.
            MirrorError: it could not be written.
        """
        with self._lock:
            self._require_place()
            line = line_of(fact)
            if self._ragged:
                line = b"\n" + line  # what was cut off before ends as a line of its own
            self._ragged = True
            try:
                written = os.write(self._fd, line)
                if written != len(line):  # the disk became full in the middle
                    os.write(self._fd, line[written:])
                self._sync(self._fd)
            except OSError as error:
                raise fault(str(self.path), error) from error
            self._ragged = False

    def append_all(self, facts: list[Fact]) -> None:
        """Write many facts, durable together: for what is known from elsewhere too."""
        with self._lock:
            text = b"".join(map(line_of, facts))
            if self._ragged:
                text = b"\n" + text
            self._ragged = True
            try:
                while text:
                    text = text[os.write(self._fd, text) :]
                self._sync(self._fd)
            except OSError as error:
                raise fault(str(self.path), error) from error
            self._ragged = False

    def _require_place(self) -> None:
        """What is unmounted or deleted takes lines that nobody will find."""
        try:
            there, held = self.path.stat(), os.fstat(self._fd)
        except FileNotFoundError:
            raise _away(self.path, "is not there any more") from None
        except OSError as error:
            raise fault(str(self.path), error) from error
        if (there.st_dev, there.st_ino) != (held.st_dev, held.st_ino):
            raise _away(self.path, "is another one than before")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._release()


def identity(directory: Path) -> str | None:
    """Which mirror lies in a directory; None: none does.

    Raises:
        MirrorError: something is there that is no mirror, or cannot be read.
    """
    path = directory / MIRROR_NAME
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise fault(str(path), error) from error
    found = _identity_of(path, fd)
    os.close(fd)
    return found


def _identity_of(path: Path, fd: int) -> str:
    try:
        regular = stat.S_ISREG(os.fstat(fd).st_mode)
        with os.fdopen(os.dup(fd), "rb") as file:
            file.seek(0)
            found = first_identity(file) if regular else None
    except OSError as error:
        os.close(fd)
        raise fault(str(path), error) from error
    if found is None:
        os.close(fd)
        raise MirrorError(
            f"{path} is no file of what was paid, or its first line is damaged; it was left as it "
            "is. Move it away and keep it, then: ingestd recover"
        )
    return found


def _held(path: Path, fd: int) -> int:
    """Keep every other ingestd from writing to it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise MirrorError(
            f"Another ingestd writes to {path}: each needs a mirror_dir of its own."
        ) from None
    except OSError:  # a file system without locks: the lock of the state directory must do
        return fd
    return fd


def _ends_ragged(fd: int) -> bool:
    size = os.fstat(fd).st_size
    return size > 0 and os.pread(fd, 1, size - 1) != b"\n"


def _sync_directory(directory: Path, sync: Callable[[int], None]) -> None:
    """Make the new name durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync(fd)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
    finally:
        os.close(fd)


def _away(path: Path, what: str) -> MirrorAwayError:
    return MirrorAwayError(
        f"The file of what was paid, {path}, {what}. Is its disk mounted? It goes on by itself "
        "when the file is back. If it is lost for good: stop ingestd, then: ingestd recover"
    )
