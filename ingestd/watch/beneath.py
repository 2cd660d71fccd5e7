"""Directories below a root, each opened relative to its parent's descriptor.

So no component of a path can be swapped for a link that leads out of the root between a check and
its use, and no path is too long for the kernel (PATH_MAX), however deep the tree.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

MOST_OPEN: Final = 32  # descriptors kept along the current path, the root's not counted
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NONBLOCK
_CLOSED: Final = -1


class Descent:
    """The open descriptors from a root down to the directory that was asked for last.

    Cheap when directories are asked for in depth-first order; right in any order.

    Args:
        root: Absolute path; may itself be a link.
        follow_symlinks: Whether links below the root are followed, out of it too.

    Raises:
        OSError: As `os.open` raises it for the root.
    """

    def __init__(self, root: str, *, follow_symlinks: bool = False) -> None:
        self._flags = _DIRECTORY if follow_symlinks else _DIRECTORY | os.O_NOFOLLOW
        self._root_fd = os.open(root, _DIRECTORY)
        self._names: list[str] = []
        self._fds: list[int] = []  # one a name; only the last `MOST_OPEN` are open
        self._relative: str | None = ""  # where we are; None: somewhere on the way

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._shorten(0)
        os.close(self._root_fd)

    def to(self, relative: str) -> int:
        """Descend to a directory; the descriptor is lent until the next call.

        Args:
            relative: Path below the root without `.` and `..`; "" is the root itself.

        Raises:
            OSError: As `os.open` raises it: ENOENT, EACCES; ELOOP or ENOTDIR for a link that is
                not followed and for what is no directory.
        """
        if relative != self._relative:
            self._descend(relative.split("/") if relative else [])
            self._relative = relative
        return self._fds[-1] if self._fds else self._root_fd

    def _descend(self, names: list[str]) -> None:
        self._relative = None
        pairs = enumerate(zip(self._names, names, strict=False))
        shared = next((depth for depth, (old, new) in pairs if old != new), len(names))
        self._shorten(shared)
        depth = len(self._fds)
        while depth and self._fds[depth - 1] == _CLOSED:
            depth -= 1
        self._shorten(depth)
        for name in names[depth:]:
            parent = self._fds[-1] if self._fds else self._root_fd
            self._push(name, os.open(name, self._flags, dir_fd=parent))

    def _push(self, name: str, fd: int) -> None:
        self._names.append(name)
        self._fds.append(fd)
        beyond = len(self._fds) - MOST_OPEN - 1
        if beyond >= 0 and self._fds[beyond] != _CLOSED:
            os.close(self._fds[beyond])
            self._fds[beyond] = _CLOSED

    def _shorten(self, length: int) -> None:
        while len(self._names) > length:
            self._names.pop()
            fd = self._fds.pop()
            if fd != _CLOSED:
                os.close(fd)
