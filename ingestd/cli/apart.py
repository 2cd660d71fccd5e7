"""Work in a child with a limit: a dead share never answers, and `setuid` has no way back."""

from __future__ import annotations

import os
import pickle
import select
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class NoAnswerError(Exception):
    """The child did not answer in time, or broke."""


def in_child(work: Callable[[], T], seconds: float) -> T:
    """Call `work` in a forked child; what it returns must be picklable.

    A child that hangs in the kernel (a share whose server is gone) is left behind, not waited for.

    Raises:
        NoAnswerError: nothing came within the limit.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _answer(writing, work)
    os.close(writing)
    try:
        answer: T = _read(reading, seconds)
        return answer
    finally:
        os.close(reading)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(child, os.WNOHANG if _hangs(child) else 0)


def _answer(writing: int, work: Callable[[], object]) -> None:
    """Tell what came out; never returns."""
    try:
        told = pickle.dumps(work())
        with open(writing, "wb") as pipe:
            pipe.write(told)
    except BaseException:  # noqa: BLE001 - nothing may reach the parent's stack, copied here
        os._exit(1)
    os._exit(0)


def _read(reading: int, seconds: float) -> Any:
    told = bytearray()
    while True:
        ready, _, _ = select.select([reading], [], [], seconds)
        if not ready:
            raise NoAnswerError
        piece = os.read(reading, 65536)
        if not piece:
            break
        told += piece
    if not told:
        raise NoAnswerError
    return pickle.loads(bytes(told))  # noqa: S301 - our own child wrote it


def _hangs(child: int) -> bool:
    """Tell whether a killed child is kept by the kernel: state D (proc(5))."""
    try:
        with open(f"/proc/{child}/stat", "rb") as file:  # noqa: PTH123 - two lines suffice
            return file.read().rpartition(b")")[2].split()[0] == b"D"
    except (OSError, IndexError):
        return False
