"""How a command finds and asks a running daemon: a lock that says it runs, a socket that answers.

Both lie in the state directory: who may read the journal may ask the daemon, and nobody else. No
question makes it do anything: what is to be done stands in the journal, which its owner writes.
Addresses go through `/proc/self/fd`, because a socket's path is limited to 107 bytes (unix(7)).
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd import sharing
from ingestd.errors import AlreadyRunningError, JournalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

LOCK_NAME = "lock"
SOCKET_NAME = "control.sock"
#: Key of the journal's meta: what the daemon knew last, for when nobody answers.
LAST_KNOWN = "last_known"
#: Longest request or answer that is read, bytes.
LONGEST = 16 << 20
#: A client that says nothing for this long is dropped, seconds.
PATIENCE_S = 5.0
#: Clients that are answered at the same time; more are turned away.
MOST_CLIENTS = 16

Ask = dict[str, object]


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a state directory."""

    pid: int | None
    since: float | None  # wall-clock seconds


class Lock:
    """Exclusive hold of a state directory for as long as the process lives."""

    def __init__(self, state_dir: Path, since: float) -> None:
        """Take the lock.

        Raises:
            AlreadyRunningError: another process holds it.
            JournalError: the directory cannot be written.
        """
        try:
            mode = sharing.file_mode(state_dir)
            self._fd = os.open(state_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)
        except OSError as error:
            raise JournalError(
                f"The state directory {state_dir} cannot be written ({error.strerror}): nothing is "
                "sent that could not be recorded. Make it this user's own, or name another one "
                "with state_dir."
            ) from error
        try:
            fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, _whole_file(fcntl.F_WRLCK))
        except OSError as error:
            os.close(self._fd)
            pid = _read_holder(state_dir).pid
            who = f"process {pid}" if pid else "another process"
            raise AlreadyRunningError(
                f"{state_dir} is in use by {who}: one ingestd runs per state directory. "
                "See what it does with: ingestd status",
            ) from error
        sharing.share(state_dir / LOCK_NAME)
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, json.dumps({"pid": os.getpid(), "since": since}).encode(), 0)

    def release(self) -> None:
        """Let the next one in."""
        os.close(self._fd)


def holder(state_dir: Path) -> Holder | None:
    """Tell who holds the state directory, without getting in a starting daemon's way."""
    try:
        fd = os.open(state_dir / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        answer = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, _whole_file(fcntl.F_WRLCK))
    finally:
        os.close(fd)
    kind = struct.unpack_from("h", answer)[0]
    return None if kind == fcntl.F_UNLCK else _read_holder(state_dir)


def _whole_file(kind: int) -> bytes:
    """A `struct flock` over the whole file (fcntl(2)); open-file-description locks want pid 0."""
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 0, 0)


def _read_holder(state_dir: Path) -> Holder:
    with suppress(OSError, ValueError, TypeError):
        told = json.loads((state_dir / LOCK_NAME).read_bytes())
        return Holder(int(told["pid"]), float(told["since"]))
    return Holder(None, None)


class ControlServer:
    """Answers one JSON line with one JSON line, each client in a thread of its own.

    One that waits for a busy loop must not keep `health` from being told that it is busy.
    """

    def __init__(self, state_dir: Path, answer: Callable[[Ask], Mapping[str, object]]) -> None:
        """Listen; `answer` is called in threads of this server's and may block briefly."""
        self._answer = answer
        self._state_dir = state_dir
        with suppress(FileNotFoundError):
            (state_dir / SOCKET_NAME).unlink()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # to connect means to write (unix(7))
        before = os.umask(0o117 if sharing.is_shared(state_dir) else 0o177)
        try:
            with _address(state_dir) as address:
                self._socket.bind(address)
        finally:
            os.umask(before)
        self._socket.listen(MOST_CLIENTS)
        self._free = threading.BoundedSemaphore(MOST_CLIENTS)
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        with suppress(OSError):
            (self._state_dir / SOCKET_NAME).unlink()
        self._thread.join(PATIENCE_S)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            if not self._free.acquire(blocking=False):
                client.close()
                continue
            name = "control client"
            threading.Thread(target=self._talk, args=(client,), name=name, daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        try:
            with client, suppress(Exception):  # one client's nonsense, or one bug, ends no other
                client.settimeout(PATIENCE_S)
                client.sendall(_line(self._answer(_read_line(client))))
        finally:
            self._free.release()


def ask(state_dir: Path, request: Mapping[str, object], wait: float = 0.8) -> Ask | None:
    """Ask the running daemon; None when there is none or it does not answer within `wait`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(wait)
        try:
            with _address(state_dir) as address:
                client.connect(address)
            client.sendall(_line(request))
            return _read_line(client)
        except (OSError, ValueError, TypeError):
            return None


@contextmanager
def _address(state_dir: Path) -> Iterator[str]:
    fd = os.open(state_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}/{SOCKET_NAME}"
    finally:
        os.close(fd)


def _line(value: Mapping[str, object]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _read_line(client: socket.socket) -> Ask:
    gathered = bytearray()
    while not gathered.endswith(b"\n"):
        piece = client.recv(65536)
        if not piece or len(gathered) > LONGEST:
            raise ValueError
        gathered += piece
    value = json.loads(gathered)
    if not isinstance(value, dict):
        raise TypeError
    return value
