"""Where blocking things run: lanes of daemon threads that hand their results to the inbox."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from typing import TYPE_CHECKING, Protocol

from ingestd.daemon.messages import JobBroke

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestd.daemon.inbox import Inbox
    from ingestd.daemon.messages import Message

    Job = Callable[[], Message | None]


class Workers(Protocol):
    """Runs jobs; a job's message reaches the inbox, whatever happens to the job."""

    def submit(self, lane: str, job: Job, instead: Message | None = None) -> None:
        """Run a job in a lane; jobs of one lane start in order.

        Args:
            lane: name of the lane; each has threads of its own, so that one that hangs (a dead
                share) holds up no other.
            job: returns what to tell the loop.
            instead: what to tell the loop if the job breaks.
        """
        ...

    def close(self) -> None:
        """Start nothing more; jobs under way are left alone: one may hang for ever."""
        ...


class ThreadWorkers:
    """The real lanes."""

    def __init__(self, inbox: Inbox, widths: Mapping[str, int]) -> None:
        """Make lanes as they are needed.

        `widths` names how wide the lanes of a kind are, by the first word of their names. It is
        looked at for each job, so that a reload may widen them; others are one thread wide.
        """
        self._inbox = inbox
        self._widths = widths
        self._lanes: dict[str, _Lane] = {}

    def submit(self, lane: str, job: Job, instead: Message | None = None) -> None:
        """Run a job in a lane."""
        if lane not in self._lanes:
            self._lanes[lane] = _Lane(lane, self._inbox)
        self._lanes[lane].put(job, instead, self._widths.get(lane.partition(" ")[0], 1))

    def busy_since(self, lane: str) -> float | None:
        """When the oldest job that runs in a lane began, monotonic; None: none runs."""
        found = self._lanes.get(lane)
        return min(tuple(found.began.values()), default=None) if found else None

    def dead(self) -> str:
        """Name a lane of which a thread has ended although nobody closed it; "" if none has."""
        return next((name for name, lane in self._lanes.items() if lane.is_dead), "")

    def close(self) -> None:
        """Start nothing more."""
        for lane in self._lanes.values():
            lane.close()


class _Lane:
    def __init__(self, name: str, inbox: Inbox) -> None:
        self._name, self._inbox = name, inbox
        self._jobs: queue.SimpleQueue[tuple[Job, Message | None] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._closed = threading.Event()
        #: By thread: when the job that it runs began, monotonic.
        self.began: dict[int, float] = {}

    @property
    def is_dead(self) -> bool:
        return not self._closed.is_set() and not all(one.is_alive() for one in self._threads)

    def put(self, job: Job, instead: Message | None, width: int) -> None:
        self._jobs.put((job, instead))
        if len(self._threads) < width:
            thread = threading.Thread(target=self._run, name=f"lane {self._name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        self._closed.set()
        for _ in self._threads:
            self._jobs.put(None)

    def _run(self) -> None:
        while (task := self._jobs.get()) is not None and not self._closed.is_set():
            self.began[threading.get_ident()] = time.monotonic()
            run_job(self._name, self._inbox, *task)
            del self.began[threading.get_ident()]


def run_job(lane: str, inbox: Inbox, job: Job, instead: Message | None) -> None:
    """Run one job and post what it says; a job that raises is reported, never swallowed."""
    try:
        message = job()
    except Exception:  # noqa: BLE001 - a bug in one job must not end its lane
        message = JobBroke(lane, traceback.format_exc(), instead)
    if message is not None:
        inbox.post(message)
