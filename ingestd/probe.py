"""One look at a settled file through one descriptor (architecture: probe).

Errors are values: the caller decides what becomes of a file, an exception class never does.
Everything here may block for as long as a dead network share does: call it from a worker.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ingestd.filestat import FdSource, kind_of, stat_of
from ingestd.fingerprint import ShrunkError, sampled
from ingestd.model import Facts, Findings

if TYPE_CHECKING:
    from collections.abc import Callable


class TroubleKind(StrEnum):
    """Why there are no facts about a file."""

    VANISHED = "vanished"  # it is no longer there; a fact only while the root is ok (rules R5)
    UNREADABLE = "unreadable"  # EACCES, EBUSY, EIO, ESTALE ...: never rejected, later again
    CHANGED = "changed"  # it changed while it was looked at: settle again
    NOT_REGULAR = "not_regular"  # a symlink that is not followed, a socket
    OUTSIDE_ROOT = "outside_root"  # a path that climbs out of the watched folder


@dataclass(frozen=True, slots=True)
class ProbeTrouble:
    """Why a look gave no facts."""

    kind: TroubleKind
    detail: str  # a sentence for a person
    errno_name: str = ""  # EACCES ...; "" when no call failed


class OutsideRootError(OSError):
    """A path that leads out of its root; `errno` is ELOOP."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.ELOOP, "leads out of its folder", path)


class NotRegularError(OSError):
    """A symlink that is not followed (`errno` ELOOP or ENOTDIR), or a socket (ENXIO)."""


class SwappedError(OSError):
    """A link where a moment ago, when links were followed, none was; `errno` ELOOP or ENOTDIR."""


_FILE_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_FOLDER_FLAGS: Final = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC

_CHANGED: Final = "The file changed while it was looked at. It is looked at again once it is quiet."
_KINDS: Final = {
    errno.ENOENT: TroubleKind.VANISHED,
    errno.ENOTDIR: TroubleKind.VANISHED,
    errno.ELOOP: TroubleKind.NOT_REGULAR,
}
_SENTENCES: Final = {
    TroubleKind.VANISHED: "The file is no longer there.",
    TroubleKind.CHANGED: _CHANGED,
    TroubleKind.OUTSIDE_ROOT: "The path leads out of the watched folder, so it is not uploaded and"
    " nothing was billed. Copy the video itself into the folder.",
    TroubleKind.NOT_REGULAR: "This is a symbolic link or a socket, not an ordinary file, so it is"
    " not uploaded and nothing was billed. Copy the video itself here, or set follow_symlinks.",
}
_REMEDIES: Final = {
    errno.EACCES: "Permission denied: let the user that ingestd runs as read the file and its"
    " folders.",
    errno.EPERM: "The system does not permit it: let the user that ingestd runs as read the file.",
    errno.EBUSY: "Another program holds the file.",
    errno.ETXTBSY: "Another program holds the file.",
    errno.EAGAIN: "Another program holds the file.",
    errno.EIO: "The disk or the share could not deliver it: check the cable, the disk, the server.",
    errno.ESTALE: "The file server no longer knows this file: the share may have been restarted.",
    errno.ETIMEDOUT: "The file server does not answer.",
    errno.EHOSTDOWN: "The file server does not answer.",
    errno.ENOTCONN: "The share is no longer connected.",
    errno.EMFILE: "ingestd has too many files open.",
    errno.ENFILE: "The system has too many files open.",
}


def probe(open_fd: Callable[[], int]) -> Facts | ProbeTrouble:
    """Look once at a file: fstat, kind, structure, fingerprint, fstat again.

    Args:
        open_fd: Opens the file; may raise OSError. The descriptor is closed here.

    Returns:
        Facts, all taken through that one descriptor; what is no regular file has `regular` false
        and no fingerprint. A trouble when the file cannot be looked at or did not hold still.
    """
    try:
        fd = open_fd()
    except OSError as error:
        return trouble_of(error)
    try:
        return _look(fd)
    except ShrunkError:
        return ProbeTrouble(TroubleKind.CHANGED, _CHANGED)
    except OSError as error:
        return trouble_of(error)
    finally:
        os.close(fd)


def _look(fd: int) -> Facts | ProbeTrouble:
    from ingestd.containers import examine  # noqa: PLC0415 - only who looks into files

    before = os.fstat(fd)
    if not stat.S_ISREG(before.st_mode):
        findings = Findings(None, complete=True, detail=kind_of(before.st_mode))
        return Facts(stat_of(before), findings, fingerprint="", regular=False)
    source = FdSource(fd, before.st_size)
    findings = examine(source)
    fingerprint = sampled(source)
    if not stat_of(os.fstat(fd)).same_content_as(stat_of(before)):
        return ProbeTrouble(TroubleKind.CHANGED, _CHANGED)
    return Facts(stat_of(before), findings, fingerprint)


def trouble_of(error: OSError) -> ProbeTrouble:
    """Turn an error of opening or reading a file into what the caller does about it."""
    number = error.errno or 0
    name = errno.errorcode.get(number, "")
    kind = _kind_of_trouble(error, number)
    if kind is not TroubleKind.UNREADABLE:
        return ProbeTrouble(kind, _SENTENCES[kind], name)
    remedy = _REMEDIES.get(number, "The system says: " + (error.strerror or "unknown") + ".")
    detail = f"The file cannot be read ({name or 'no error number'}). {remedy} It is tried again."
    return ProbeTrouble(kind, detail, name)


def _kind_of_trouble(error: OSError, number: int) -> TroubleKind:
    if isinstance(error, OutsideRootError):
        return TroubleKind.OUTSIDE_ROOT
    if isinstance(error, NotRegularError):
        return TroubleKind.NOT_REGULAR
    if isinstance(error, SwappedError):
        return TroubleKind.CHANGED
    return _KINDS.get(number, TroubleKind.UNREADABLE)


def open_below(
    root: str, relative: str, *, follow_symlinks: bool, device: int | None = None
) -> int:
    """Open a file for reading, proven to lie below `root` unless links may be followed.

    The path is opened component by component from a descriptor of the root (which may itself be
    reached through symlinks), so no symlink below the root is followed and none can be slipped in
    between check and use. With `follow_symlinks` the real path is looked up first, wherever it
    leads: a person said so; it is then opened in the same way. Pipes and devices never block.

    Args:
        root: An absolute path; odd bytes as surrogates (`os.fsdecode`).
        relative: The path below it.
        follow_symlinks: Whether symlinks below the root are followed, out of it too.
        device: `st_dev` that the root must have: else another file system was mounted there.

    Returns:
        A descriptor, close-on-exec and non-blocking; the caller closes it.

    Raises:
        OutsideRootError: The path itself, not a link on it, leads out of the root.
        NotRegularError: A symlink that is not followed, or a socket.
        SwappedError: A link came into the path while links were followed.
        OSError: As `os.open` raises it; ESTALE where the root is on another device.
    """
    parts = _parts(relative)
    at = os.open(root, _FOLDER_FLAGS)
    try:
        if device is not None and os.fstat(at).st_dev != device:
            raise OSError(errno.ESTALE, "another file system is mounted there now", root)
        if follow_symlinks:
            *parts, name = _parts(os.path.realpath("/".join((root, *parts)), strict=True)[1:])
            at = _other(at, "/")
        else:
            *parts, name = parts
        for folder in parts:
            at = _descend(at, folder)
        return _open_part(name, _FILE_FLAGS, at)
    except NotRegularError as error:
        if follow_symlinks and error.errno != errno.ENXIO:  # else it is a socket
            raise SwappedError(error.errno, "became a link", relative) from error
        raise
    finally:
        os.close(at)


def _other(at: int, path: str) -> int:
    """Go on from another directory."""
    other = os.open(path, _FOLDER_FLAGS)
    os.close(at)
    return other


def _descend(at: int, folder: str) -> int:
    below = _open_part(folder, _FOLDER_FLAGS | os.O_NOFOLLOW, at)
    os.close(at)
    return below


def _parts(relative: str) -> list[str]:
    """Split a relative path; what is absolute or climbs leads out of the root."""
    parts = [part for part in relative.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or relative.startswith("/"):
        raise OutsideRootError(relative)
    if "\0" in relative:
        raise FileNotFoundError(errno.ENOENT, "no name holds a zero byte")
    return parts


def _open_part(name: str, flags: int, folder: int) -> int:
    """Open one component; says what is in the way where the system's error could mean much."""
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
            mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode) or stat.S_ISSOCK(mode):
                raise NotRegularError(error.errno, "is " + kind_of(mode), name) from error
        raise
