"""How everything outside the loop reaches it: one queue of messages, safe to fill from anywhere."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestd.daemon.messages import Message


class Inbox:
    """First in, first out. `post` may be called from threads and from signal handlers.

    `SimpleQueue.put` is reentrant, which a lock of our own would not be (queue documentation).
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._next: Message | None = None

    def post(self, message: Message) -> None:
        """Hand a message to the loop and wake it."""
        self._queue.put(message)

    def wake(self) -> None:
        """Wake the loop without a message."""
        self._queue.put(None)

    def wait(self, timeout: float | None) -> None:
        """Sleep until a message is there or the time is over, seconds; None: until a message."""
        if self._next is not None or (timeout is not None and timeout <= 0):
            return
        try:
            self._next = self._queue.get(timeout=timeout)
        except queue.Empty:
            return

    def take(self, most: int) -> list[Message]:
        """Take what has come, at most so many."""
        taken: list[Message] = []
        if self._next is not None:
            taken.append(self._next)
            self._next = None
        while len(taken) < most:
            try:
                message = self._queue.get_nowait()
            except queue.Empty:
                break
            if message is not None:
                taken.append(message)
        return taken

    def __bool__(self) -> bool:
        """Tell whether something waits."""
        return self._next is not None or not self._queue.empty()
