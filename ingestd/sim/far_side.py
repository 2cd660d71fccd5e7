"""The whole far side behind one lock: account, faults and counters, ready for many threads."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ingestd.sim.account import Account, shape_of
from ingestd.sim.callbacks import CallbackQueue
from ingestd.sim.endpoints import Call, answer_call
from ingestd.sim.fault_answers import replacement, rewritten, spoils
from ingestd.sim.faults import Active, Fault, FaultBook
from ingestd.sim.report import Counters, accepted_more_than_once, describe_videos

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestd.sim.answers import Answer
    from ingestd.sim.library import Details, Fate, Received, Video
    from ingestd.sim.routes import Endpoint
    from ingestd.sim.settings import SimSettings


class FarSide:
    """Every public method takes the lock; times come from the clock that was passed in."""

    def __init__(self, settings: SimSettings, clock: Callable[[], float]) -> None:
        self._lock = threading.RLock()
        self._clock = clock
        self._account = Account(settings)
        self._book = FaultBook()
        self._counters = Counters()
        self.callbacks = CallbackQueue()

    @property
    def settings(self) -> SimSettings:
        """The settings in force."""
        with self._lock:
            return self._account.settings

    def now(self) -> float:
        """The stand-in's time, seconds since the epoch."""
        return self._clock()

    def begin(self, endpoint: Endpoint) -> Active:
        """Count a request and draw the faults that do not ask for a file name."""
        with self._lock:
            self._counters.request(endpoint)
            active = Active()
            self._book.draw(endpoint, active)
            return active

    def name_known(self, endpoint: Endpoint, active: Active, file_name: str) -> None:
        """Draw the faults that wait for this file name."""
        with self._lock:
            self._book.draw(endpoint, active, file_name)

    def upload_opens(self) -> None:
        """An upload's body begins."""
        with self._lock:
            self._counters.upload_opens()

    def upload_closes(self, body_bytes: int, *, aborted: bool) -> None:
        """An upload's body has ended, after so many bytes."""
        with self._lock:
            self._counters.upload_closes()
            self._counters.uploads_aborted += aborted
            self._counters.body_bytes += body_bytes

    def undelivered(self) -> None:
        """An answer did not reach the client's side in full."""
        with self._lock:
            self._counters.answers_undelivered += 1

    def error(self, text: str) -> None:
        """The stand-in itself has failed; the report shows it."""
        with self._lock:
            self._counters.errors.append(text)

    def early_answer(self, fault: Fault, path: str) -> Answer:
        """What a fault answers while the body is still coming.

        Counted here only if the request will not take effect; else it is counted then.
        """
        with self._lock:
            answer = replacement(fault, None, self._account.dialect, path, self.now())
            if not fault.takes_effect:
                self._counters.answer(answer)
            return answer

    def answer(self, call: Call, active: Active) -> Answer:
        """Carry out a request as far as its faults allow, and decide on the answer."""
        with self._lock:
            answer = self._decide(replace(call, shape=shape_of(active)), active)
            self._counters.answer(answer)
            return answer

    def _decide(self, call: Call, active: Active) -> Answer:
        fault, now, path = active.outcome, self.now(), call.request.path
        if fault is not None and not fault.takes_effect:
            return rewritten(replacement(fault, None, self._account.dialect, path, now), active)
        answer, video = answer_call(self._account, call, now)
        if video is not None:
            self._counters.uploads_accepted += 1
            self.callbacks.watch(video, self._account.settings)
        if fault is not None and spoils(fault, answer):
            answer = replacement(fault, answer, self._account.dialect, path, now)
        return rewritten(answer, active)

    def set_fault(self, fault: Fault) -> None:
        """Arm a fault behind those that are there."""
        with self._lock:
            self._book.add(fault)

    def clear_faults(self) -> None:
        """Disarm all faults."""
        with self._lock:
            self._book.clear()

    def change(self, changes: Mapping[str, object]) -> None:
        """Change settings.

        Raises:
            ValueError: A change is not possible.
        """
        with self._lock:
            self._account.change(changes, self.now())

    def finish(self, video_no: str, fate: Fate) -> None:
        """End the indexing of a video now.

        Raises:
            KeyError: There is no such video.
        """
        with self._lock:
            self._account.library.finish(video_no, fate, self.now())

    def add_video(
        self, received: Received, details: Details, *, age_s: float, finished: bool
    ) -> Video:
        """Put a video into the library that nobody has uploaded here."""
        with self._lock:
            at = self.now() - age_s
            return self._account.add_video(received, details, now=at, finished=finished)

    def due_callbacks(self) -> list[tuple[str, dict[str, Any]]]:
        """Address and payload of every callback that is due now."""
        with self._lock:
            account = self._account
            return [
                (url, account.dialect.callback(video, status))
                for url, video, status in self.callbacks.due(account.library, self.now())
            ]

    def report(self) -> dict[str, Any]:
        """Everything that is known, as JSON values."""
        with self._lock:
            settings, now = self._account.settings, self.now()
            videos = describe_videos(self._account.library.everything(), now, settings.hash_name)
            return {
                "now": now,
                "profile": settings.profile,
                "credits_minutes": settings.credits_minutes,
                "unique_ids": self._account.library.unique_ids(),
                **self._counters.describe(),
                "videos": videos,
                "accepted_more_than_once": accepted_more_than_once(videos),
                "faults": self._book.describe(),
                "callbacks": self.callbacks.describe(),
            }
