"""An in-memory far side that keeps the `FarSide` contract: a library, a clock, and planned fates.

It reads real files through the client's own body, so it notices what the client notices (changes,
marks, stops), and it judges what came back by the client's own table. Only the network is absent.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ingestd.model import Scope, Video
from ingestd.naming import stem_of
from ingestd.remote.body import Abort, Body, unreadable
from ingestd.remote.contract import (
    Aborted,
    Failed,
    NotSent,
    Outcome,
    Page,
    Refusal,
    Trouble,
    Upload,
)
from ingestd.remote.envelope import Answer, Envelope, Loss
from ingestd.remote.pace import Pace
from ingestd.remote.verdict import outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DOWN = Trouble(Refusal.UNREACHABLE, "The far side cannot be reached.")


def answer(
    code: str = "", *, http: int = 200, retry_after: float | None = None, says: str = ""
) -> Answer:
    """An answer without an id: a code, or with code "" something unreadable."""
    text = says or f"message {code}"
    known = Envelope(code, text, None, success=code == "0") if code else None
    return Answer(http, known, retry_after)


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one upload."""

    reply: Answer | Loss | None = None  # what comes back; None: the success answer
    early: bool = False  # it comes before the whole body was sent
    connected: bool = True  # False: no connection was made
    stored: bool | None = None  # None: exactly if the reply is the success answer
    visible_after: float = 0.0  # seconds until a stored row is listed
    indexed_as: str = "PARSE"  # its status in the end; UNPARSE: stuck for ever
    during: Callable[[Upload], None] | None = None  # called when the first bytes have gone out

    @property
    def keeps(self) -> bool:
        return self.reply is None if self.stored is None else self.stored


TAKEN = Fate()
LOST_BUT_STORED = Fate(Loss("The connection was cut"), stored=True)
LOST = Fate(Loss("The connection was cut"))
CUT = Fate(Loss("The connection was cut"), early=True)
DEAD = Fate(connected=False, stored=False)


def refused(code: str, **changes: object) -> Fate:
    """An explicit refusal after the whole body, as `0429` in HTTP 200."""
    return replace(Fate(answer(code)), **changes)


@dataclass(slots=True)
class Stored:
    """One row of the library."""

    video: Video
    scope: Scope
    content_hash: str
    visible_at: float
    indexed_at: float
    indexed_as: str

    def at(self, now: float) -> Video:
        if now < self.indexed_at:
            return self.video
        cause = "Indexing failed." if self.indexed_as.startswith("FAIL") else None
        return replace(self.video, status=self.indexed_as, cause=cause, duration_s=5.0)


@dataclass(slots=True)
class Attempt:
    """One call of `upload`, for tests to look at."""

    upload: Upload
    at: float
    sent: int = 0  # bytes of the body, framing included
    marked: bool = False
    outcome: Outcome | None = None


@dataclass
class FakeFarSide:
    """See the module; `clock` is the far side's wall clock in seconds."""

    clock: Callable[[], float]
    index_s: float = 60.0  # from acceptance to the final status
    shows_names: bool = True  # False: stored names are hashes (contract 1.3)
    shows_sizes: bool = True
    fates: deque[Fate] = field(default_factory=deque)  # of the next uploads; then `judge` says
    judge: Callable[[Upload], Fate] = lambda _upload: TAKEN
    read_troubles: deque[Trouble] = field(default_factory=deque)  # of the next reads
    library: list[Stored] = field(default_factory=list)  # oldest first
    attempts: list[Attempt] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)  # the calls, as text
    down: bool = False  # nothing is reachable
    closed: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _numbers: int = 568102998803353600

    # --- what a test does ---------------------------------------------------------------------

    def plan(self, *fates: Fate) -> None:
        """Say what becomes of the next uploads."""
        self.fates.extend(fates)

    def fail_reads(self, *troubles: Trouble) -> None:
        """Say what becomes of the next reads."""
        self.read_troubles.extend(troubles)

    def put(
        self,
        name: str,
        size: int,
        *,
        scope: Scope | None = None,
        content_hash: str = "",
        **of: object,
    ) -> str:
        """Store a video that none of our uploads brought (or did); returns its number."""
        with self._lock:
            self._numbers += 1
            now = self.clock()
            video = Video(
                f"VI{self._numbers}",
                "UNPARSE",
                name if self.shows_names else f"{self._numbers:032x}",
                size if self.shows_sizes else None,
                create_time=now,
            )
            row = Stored(
                replace(video, **of),
                scope or Scope("unique_id", "default"),
                content_hash,
                visible_at=now,
                indexed_at=now + self.index_s,
                indexed_as="PARSE",
            )
            self.library.append(row)
            return row.video.video_no

    def row(self, video_no: str) -> Stored:
        """Give a row to look at or to change."""
        return next(row for row in self.library if row.video.video_no == video_no)

    def delete(self, video_no: str) -> None:
        """Delete a video, as a person could in the console."""
        self.library.remove(self.row(video_no))

    @property
    def paid_twice(self) -> list[str]:
        """Contents stored more than once in one scope: what must never happen."""
        seen: set[tuple[str, str]] = set()
        twice = []
        for row in self.library:
            content = (str(row.scope), row.content_hash)
            if row.content_hash and content in seen:
                twice.append(row.video.name or row.video.video_no)
            seen.add(content)
        return twice

    # --- the contract -------------------------------------------------------------------------

    def upload(self, upload: Upload) -> Outcome:
        with self._lock:
            fate = self.fates.popleft() if self.fates else self.judge(upload)
            attempt = Attempt(upload, self.clock())
            self.attempts.append(attempt)
        attempt.outcome = self._upload(upload, fate, attempt)
        return attempt.outcome

    def metadata(self, video_no: str, scope: Scope) -> Video | Failed | None:
        trouble = self._asked(f"metadata {video_no} {scope}")
        if trouble is not None:
            return Failed(trouble)
        for row in self._visible(scope if scope.kind == "unique_id" else None):
            if row.video.video_no == video_no:
                return row.at(self.clock())
        return None

    def list_videos(
        self,
        scope: Scope | None,
        *,
        page: int = 1,
        size: int = 200,
        video_name: str | None = None,
        video_nos: Sequence[str] = (),
    ) -> Page | Failed:
        trouble = self._asked(f"list {scope} page={page} name={video_name} nos={len(video_nos)}")
        if trouble is not None:
            return Failed(trouble)
        now = self.clock()
        found = [
            row.at(now)
            for row in reversed(self._visible(scope))
            if video_name in (None, row.video.name)
            and (not video_nos or row.video.video_no in video_nos)
        ]
        shown = tuple(found[(page - 1) * size : page * size])
        return Page(shown, page, len(found), rows=len(shown), date=now)

    def close(self) -> None:
        self.closed = True

    # --- inside -------------------------------------------------------------------------------

    def _upload(self, upload: Upload, fate: Fate, attempt: Attempt) -> Outcome:
        if self.closed or self.down or not fate.connected:
            return NotSent(DOWN)
        try:
            descriptor = upload.open()
        except OSError as exc:
            abort = unreadable(exc)
            return Aborted(abort.kind, abort.text)
        try:
            body = Body(upload, descriptor, Pace())
            body.heed_stop()
            self._send(body, upload, fate, attempt)
        except Abort as abort:
            return Aborted(abort.kind, abort.text)
        finally:
            os.close(descriptor)
        attempt.marked = body.marked
        reply = self._reply(upload, fate, body)
        return outcome_of(reply, marked=body.marked, content_hash=body.content_hash)

    def _send(self, body: Body, upload: Upload, fate: Fate, attempt: Attempt) -> None:
        for number, chunk in enumerate(body.chunks(lambda: None)):
            attempt.sent += len(chunk)
            if number == 0 and fate.during is not None:
                fate.during(upload)
            if fate.early:
                return

    def _reply(self, upload: Upload, fate: Fate, body: Body) -> Answer | Loss:
        number = None
        if fate.keeps and body.marked:
            with self._lock:
                number = self.put(
                    stem_of(upload.upload_name),
                    upload.stat.size,
                    scope=upload.scope,
                    content_hash=body.content_hash or "",
                )
                row = self.row(number)
                row.visible_at += fate.visible_after
                row.indexed_as = fate.indexed_as
        if fate.reply is not None or number is None:
            return fate.reply or Loss("The connection was cut")
        name = self.row(number).video.name
        millis = str(int(self.clock() * 1000))
        data = {"videoNo": number, "videoName": name, "uploadTime": millis}
        return Answer(200, Envelope("0", "success", data, success=True), date=self.clock())

    def _asked(self, call: str) -> Trouble | None:
        with self._lock:
            self.reads.append(call)
            if self.closed or self.down:
                return DOWN
            return self.read_troubles.popleft() if self.read_troubles else None

    def _visible(self, scope: Scope | None) -> list[Stored]:
        now = self.clock()
        with self._lock:
            return [
                row for row in self.library if row.visible_at <= now and scope in (None, row.scope)
            ]
