"""Callbacks to the address that came with an upload: who is due, and the posting itself."""

from __future__ import annotations

import http.client
import ipaddress
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ingestd.sim.answers import JSON_TYPE, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ingestd.sim.library import Library, Status, Video
    from ingestd.sim.settings import SimSettings

ANSWER_TIMEOUT_S: Final = 5.0
LOOK_EVERY_S: Final = 0.02
"""Real seconds between looks at the clock while a callback is outstanding."""


def is_loopback(host: str) -> bool:
    """Whether a host name or address certainly stays on this machine; nothing is resolved."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


@dataclass(frozen=True, slots=True)
class _Watched:
    url: str
    video_no: str
    times: int
    at_once: bool


@dataclass(frozen=True, slots=True)
class Posted:
    """One callback that was sent, and how the receiver answered (None = not at all)."""

    url: str
    payload: dict[str, Any]
    status: int | None


class CallbackQueue:
    """Which callbacks are outstanding; filled under the lock of the far side."""

    def __init__(self) -> None:
        self._watched: list[_Watched] = []
        self._posted: list[Posted] = []
        self.wake = threading.Event()

    def watch(self, video: Video, settings: SimSettings) -> None:
        """Remember the callbacks that a new video asks for."""
        url = video.details.callback
        if not url:
            return
        for moment in settings.callback_on:
            at_once = moment == "uploaded"
            self._watched.append(_Watched(url, video.video_no, settings.callback_times, at_once))
        self.wake.set()

    def due(self, library: Library, now: float) -> list[tuple[str, Video, Status]]:
        """Take out what is due now."""
        waiting, due = [], []
        for watched in self._watched:
            video = library.get(watched.video_no)
            if video is None:
                continue
            if watched.at_once or video.finished(now):
                due += [(watched.url, video, video.status(now))] * watched.times
            else:
                waiting.append(watched)
        self._watched = waiting
        return due

    @property
    def outstanding(self) -> bool:
        """Whether anything may become due."""
        return bool(self._watched)

    def posted(self, posted: Posted) -> None:
        """Remember what was sent."""
        self._posted.append(posted)

    def describe(self) -> list[dict[str, Any]]:
        """All that was sent so far."""
        return [
            {"url": p.url, "payload": p.payload, "status": p.status} for p in list(self._posted)
        ]


def post(url: str, payload: dict[str, Any]) -> Posted:
    """Send one callback; only to loopback, only by plain HTTP, and only once."""
    try:
        target = urlsplit(url)
        if target.scheme != "http" or not is_loopback(target.hostname or ""):
            return Posted(url, payload, None)
        path = (target.path or "/") + (f"?{target.query}" if target.query else "")
        return Posted(url, payload, _exchange(target.hostname or "", target.port, path, payload))
    except (OSError, ValueError, http.client.HTTPException):
        return Posted(url, payload, None)


def _exchange(host: str, port: int | None, path: str, payload: dict[str, Any]) -> int:
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_TIMEOUT_S)
    try:
        connection.request("POST", path, encode(payload), {"Content-Type": JSON_TYPE})
        return connection.getresponse().status
    finally:
        connection.close()


class CallbackSender:
    """A thread that posts what becomes due; it sleeps while nothing is outstanding."""

    def __init__(
        self, queue: CallbackQueue, due: Callable[[], Iterable[tuple[str, dict[str, Any]]]]
    ) -> None:
        self._queue = queue
        self._due = due
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sim-callbacks", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; a callback on its way is waited for."""
        self._stopping.set()
        self._queue.wake.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._queue.wake.clear()
            if self._stopping.is_set():
                return
            for url, payload in self._due():
                self._queue.posted(post(url, payload))
            if not self._queue.outstanding:
                self._queue.wake.wait()
            else:
                self._stopping.wait(LOOK_EVERY_S)
