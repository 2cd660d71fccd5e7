"""Small durable steps on directories that are held open: no name is followed through a link."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
#: The file system does not do it that way: there is another.
_OTHERWISE: Final = frozenset(
    {errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOTTY}
)
_NO_REPLACE: Final = 1  # RENAME_NOREPLACE of renameat2(2)
_NAME_BYTES: Final = 255


class CannotRenameError(OSError):
    """Neither way of renaming without replacing works here: the file must be copied."""


@contextmanager
def opened(
    root: str, parts: Sequence[str], *, make: bool, device: int | None = None
) -> Iterator[int]:
    """Open a directory below `root`, component by component; the root itself may be a link.

    Args:
        root: absolute path.
        parts: names below it.
        make: make what is missing below the root, durably.
        device: `st_dev` that the root must have.

    Raises:
        OSError: as `os.open` and `os.mkdir` raise it; ELOOP or ENOTDIR for a link in the way,
            ESTALE where the root is on another device.
    """
    at = os.open(root, FOLDER & ~os.O_NOFOLLOW)
    try:
        if device is not None and os.fstat(at).st_dev != device:
            raise OSError(errno.ESTALE, "another file system was mounted there", root)
        for name in parts:
            below = _step_into(at, name, make=make)
            os.close(at)
            at = below
        yield at
    finally:
        os.close(at)


def _step_into(at: int, name: str, *, make: bool) -> int:
    if make:
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=at)
            os.fsync(at)
    return os.open(name, FOLDER, dir_fd=at)


def status(directory: int, name: str) -> os.stat_result | None:
    """The status of a name, a link's own; None: there is none."""
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def same(one: os.stat_result, other: os.stat_result) -> bool:
    """Tell whether two looks saw one file; an overlay may show another inode after a rename."""
    if (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino):
        return True
    both_files = stat.S_ISREG(one.st_mode) and stat.S_ISREG(other.st_mode)
    return both_files and (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def give_name(source: int, name: str, target: int, new: str) -> None:
    """Rename a file into a directory of the same file system; never replaces what is there.

    Raises:
        FileExistsError: the new name is taken.
        CannotRenameError: another file system, or one that can do it in no safe way.
        OSError: as the system raises it (EACCES, EROFS, EIO ...).
    """
    try:
        _rename_new(source, name, target, new)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise CannotRenameError(*error.args) from error
        if error.errno not in _OTHERWISE:
            raise
        _link_over(source, name, target, new)


def _link_over(source: int, name: str, target: int, new: str) -> None:
    """Rename in two steps where one cannot be had (NFS): for a moment the file has both names."""
    try:
        os.link(name, new, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except OSError as error:
        if error.errno in _OTHERWISE | {errno.EXDEV}:
            raise CannotRenameError(*error.args) from error
        raise
    os.unlink(name, dir_fd=source)


@cache
def _renameat2() -> Callable[..., int] | None:
    """The call that renames without replacing (glibc 2.28 and later, musl 1.2.6)."""
    import ctypes  # noqa: PLC0415 - only where files are moved

    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is not None:
        number = ctypes.c_int
        function.argtypes = (number, ctypes.c_char_p, number, ctypes.c_char_p, ctypes.c_uint)
        function.restype = number
    return function


def _rename_new(source: int, name: str, target: int, new: str) -> None:
    import ctypes  # noqa: PLC0415 - only where files are moved

    call = _renameat2()
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if call(source, os.fsencode(name), target, os.fsencode(new), _NO_REPLACE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), new)


def numbered(name: str) -> Iterator[str]:
    """The names a file may have where others lie: as it is, then with a number; 255 bytes most."""
    yield name
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    for number in range(2, 100_000):
        tail = f" ({number}){dot}{ending}"
        room = _NAME_BYTES - len(os.fsencode(tail))
        yield _cut(stem, room) + tail


def _cut(text: str, most: int) -> str:
    """Shorten to so many bytes, never in the middle of a character."""
    while text and len(os.fsencode(text)) > most:
        text = text[:-1]
    return text
