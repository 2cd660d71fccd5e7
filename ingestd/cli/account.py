"""What another user may do with a path: asked of the kernel, as that user."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingestd.cli import words

if TYPE_CHECKING:
    from collections.abc import Sequence

#: So many files of a folder are tried.
SAMPLE: Final = 200
_ENTER: Final = "enter"
_GROUP_BITS: Final = {"r": stat.S_IRGRP, "w": stat.S_IWGRP, "x": stat.S_IXGRP}


@dataclass(frozen=True, slots=True)
class Account:
    """A user with all its groups."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The first thing on the way to a path that the user may not do."""

    path: str
    verb: str  # enter, read or change
    rights: str  # what is needed there, of r, w and x
    mode: int
    uid: int
    gid: int

    def sentence(self, user: str) -> str:
        """Say who may not do what, and whose it is."""
        owner = f"{user_name(self.uid)}:{group_name(self.gid)}"
        return (
            f"user {user} may not {self.verb} {words.printable(self.path)} "
            f"({stat.S_IMODE(self.mode):04o} {owner})"
        )

    def remedy(self, user: str, restart: str) -> str:
        """The line that mends it.

        Joining the group is the least that helps where the group may do it; nobody should join
        root's group, and where the group may not either, an access list concerns this user alone.
        """
        bits = sum(_GROUP_BITS[right] for right in self.rights)
        if self.mode & bits == bits and self.gid != 0:
            return f"Run: sudo usermod -aG {group_name(self.gid)} {user} && {restart}"
        return f"Run: sudo setfacl -m u:{user}:{self.rights} {_quoted(self.path)} && {restart}"

    def remedy_below(self, folder: str, user: str, restart: str) -> str:
        """The line that mends it for every file of a folder, those to come included."""
        if self.mode & stat.S_IRGRP and self.gid != 0:
            return self.remedy(user, restart)
        place = _quoted(folder)
        return f"Run: sudo setfacl -R -m u:{user}:rX -m d:u:{user}:rX {place}"


def _quoted(path: str) -> str:
    import shlex  # noqa: PLC0415 - only for a remedy

    return shlex.quote(words.printable(path))


def user_name(uid: int) -> str:
    """Name a user, by number where nobody has it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    """Name a group, by number where nobody has it."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def account(user: str, group: str = "", more: Sequence[str] = ()) -> Account | None:
    """Look up a user with its groups and those that its service adds; None: there is none."""
    try:
        entry = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
        gid = _gid(group) if group else entry.pw_gid
        groups = {*os.getgrouplist(entry.pw_name, gid), *(_gid(one) for one in more)}
    except (KeyError, OverflowError):
        return None
    return Account(entry.pw_name, entry.pw_uid, gid, tuple(sorted(groups)))


def _gid(group: str) -> int:
    return int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid


def become(who: Account) -> None:
    """Be that user from here on: only in a child."""
    os.setgroups(list(who.groups))
    os.setgid(who.gid)
    os.setuid(who.uid)


def refusal(who: Account, path: str, *, change: bool, start: str = "/") -> Refusal | None:
    """Walk to a path as that user; None: all is allowed. Only in a child, as root.

    Args:
        who: the user.
        path: absolute, without links.
        change: whether files there are moved or deleted, too.
        start: directories above it do not matter, for it is mounted into the sandbox by itself.
    """
    steps = [one for one in _steps(path) if one == start or one.startswith(start.rstrip("/") + "/")]
    opened = _open_all(steps)
    become(who)
    for place, handle in opened[:-1]:
        if not _may(handle, os.X_OK):
            return _refused(place, handle, _ENTER, "x")
    place, handle = opened[-1]
    rights = "rwx" if change else "rx"
    if place != steps[-1]:  # root itself may not go there: a share that does not trust root
        verb = "" if os.access(path, os.R_OK | os.X_OK) else _ENTER
    elif stat.S_ISDIR(os.fstat(handle).st_mode):
        verb = _forbidden(handle, change=change)
    else:
        name, rights = os.path.basename(path), "r"  # noqa: PTH119 - odd bytes
        verb = "" if os.access(name, os.R_OK, dir_fd=opened[-2][1]) else "read"
    return _refused(place, handle, verb, rights) if verb else None


def _forbidden(directory: int, *, change: bool) -> str:
    """What this process may not do with a directory; "" where it may do all that is needed."""
    if not _may(directory, os.X_OK):
        return _ENTER
    if not _may(directory, os.R_OK | os.X_OK):
        return "read"
    return "change" if change and not _may(directory, os.W_OK | os.X_OK) else ""


def unreadable(path: str) -> tuple[int, int, Refusal | None]:
    """Try the first files of a directory as whoever this is: how many, how many not, the first."""
    tried, bad, first = 0, 0, None
    with os.scandir(path) as entries:
        for entry in entries:
            if tried >= SAMPLE:
                break
            if not entry.is_file(follow_symlinks=False):
                continue
            tried += 1
            if not os.access(entry.path, os.R_OK):
                bad += 1
                found = entry.stat(follow_symlinks=False)
                first = first or Refusal(
                    entry.path, "read", "r", found.st_mode, found.st_uid, found.st_gid
                )
    return tried, bad, first


def _steps(path: str) -> list[str]:
    parts = path.strip("/").split("/")
    return ["/", *("/" + "/".join(parts[: n + 1]) for n in range(len(parts)) if parts[n])]


def _open_all(steps: list[str]) -> list[tuple[str, int]]:
    """Open what can be opened of the way, from its beginning."""
    opened = []
    with suppress(OSError):
        for one in steps:
            opened.append((one, os.open(one, os.O_PATH | os.O_CLOEXEC)))  # noqa: PERF401 - keeps what came before an error
    return opened


def _may(directory: int, what: int) -> bool:
    return os.access(".", what, dir_fd=directory)


def _refused(path: str, handle: int, verb: str, rights: str) -> Refusal:
    found = os.fstat(handle)
    return Refusal(path, verb, rights, found.st_mode, found.st_uid, found.st_gid)
