"""What an installation consists of: each step says what it would do, and does it."""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ingestd.cli import words
from ingestd.cli.files import replace_file
from ingestd.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

#: The user and the group of the service.
ACCOUNT = "ingestd"
_USERADD = (
    *("useradd", "--system", "--user-group", "--no-create-home"),
    *("--home-dir", "/var/lib/ingestd", "--shell", "/usr/sbin/nologin"),
)
#: The command that makes both.
ADD_ACCOUNT = (*_USERADD, ACCOUNT)


class Step(Protocol):
    """One step."""

    def said(self) -> str:
        """Say in a line what it does; "" when there is nothing to do."""
        ...

    def do(self) -> None:
        """Do it.

        Raises:
            UsageError: it cannot be done.
        """
        ...


@dataclass(frozen=True, slots=True)
class MakeAccount:
    """A system user and group of that name, without a home and without a shell."""

    name: str = ACCOUNT

    def said(self) -> str:
        """See `Step`."""
        return "" if self._is_there() else f"make the system user and group {self.name}"

    def do(self) -> None:
        """See `Step`."""
        if not self._is_there():
            Run((*_USERADD, self.name)).do()

    def _is_there(self) -> bool:
        with suppress(KeyError):
            pwd.getpwnam(self.name)
            return True
        return False


@dataclass(frozen=True, slots=True)
class MakeDirectory:
    """A directory of root's, with a mode, and a group that may look in."""

    path: Path
    mode: int
    group: str | None = None

    def said(self) -> str:
        """See `Step`."""
        return "" if self.path.is_dir() else f"make {self.path}{_rights(self.mode, self.group)}"

    def do(self) -> None:
        """See `Step`."""
        if self.path.is_dir():
            return
        try:
            self.path.mkdir(parents=True)
            os.chown(self.path, -1, _gid(self.group))
            self.path.chmod(self.mode)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be made ({error.strerror}).") from error


@dataclass(frozen=True, slots=True)
class WriteFile:
    """A file with its text; what stands there is kept or replaced."""

    path: Path
    text: str = field(repr=False)
    mode: int
    group: str | None = None
    keep: bool = False  # one that is there stays as it is
    shown: bool = True  # with its text, when it is short; a secret's is not

    def said(self) -> str:
        """See `Step`."""
        before = _read(self.path)
        rights = _rights(self.mode, self.group)
        if before is None:
            return f"write {self.path}{rights}{self._shown()}"
        if self.keep:
            return f"leave {self.path} as it is"
        return "" if before == self.text else f"replace {self.path}{rights}{self._shown()}"

    def _shown(self) -> str:
        lines = [] if not self.shown else [line for line in self.text.splitlines() if line]
        own = [line for line in lines if not line.startswith("#")]
        short = own if len(own) <= SHOWN else []  # of a long one the name says enough
        return "".join(f"\n      {words.printable(line)}" for line in short)

    def do(self) -> None:
        """See `Step`."""
        before = _read(self.path)
        if before == self.text or (self.keep and before is not None):
            return
        try:
            replace_file(self.path, self.text, mode=self.mode, owner=None, group=_gid(self.group))
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written ({error.strerror}).") from error


#: A file of more lines of its own is not shown.
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Remove:
    """A file or an empty directory that goes away."""

    path: Path

    def said(self) -> str:
        """See `Step`."""
        return f"remove {self.path}" if os.path.lexists(self.path) else ""

    def do(self) -> None:
        """See `Step`."""
        try:
            if self.path.is_dir():
                with suppress(OSError):  # what somebody else put there stays
                    self.path.rmdir()
            else:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be removed ({error.strerror}).") from error


@dataclass(frozen=True, slots=True)
class Run:
    """A command of the system."""

    command: tuple[str, ...]
    may_fail: bool = False

    def said(self) -> str:
        """See `Step`."""
        return f"run {shlex.join(self.command)}"

    def do(self) -> None:
        """See `Step`."""
        try:
            done = subprocess.run(  # noqa: S603 - fixed commands with checked words
                self.command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
            )
        except OSError as error:
            raise UsageError(f"{self.command[0]} cannot be run ({error.strerror}).") from error
        if done.returncode and not self.may_fail:
            told = done.stderr.strip().splitlines()
            why = f": {told[-1]}" if told else ""
            raise UsageError(f"{shlex.join(self.command)} failed{why}")


def _gid(group: str | None) -> int:
    """The number of a group; -1, "as it is", where there is none."""
    if group is None:
        return -1
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        return -1


def _rights(mode: int, group: str | None) -> str:
    return f" ({mode:04o}, group {group})" if group else f" ({mode:04o})"


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
