"""The far side of a soak: an account that keeps rows, takes money and loses answers.

It speaks bytes: an upload is what came over the wire, an answer is JSON, or half of it, or HTML.
What it took is known by the bytes it received, never by what the client believes.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from ingestd.remote.body import Abort, Body, unreadable
from ingestd.remote.contract import Aborted, Failed, NotSent, Outcome, Page, Refusal, Trouble
from ingestd.remote.envelope import Answer, Loss, read_answer
from ingestd.remote.pace import Pace
from ingestd.remote.rows import page_in, video_in
from ingestd.remote.verdict import outcome_of, trouble_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ingestd.model import Scope, Video
    from ingestd.remote.contract import Upload
    from soak.variant import Variant

DOWN = Trouble(Refusal.UNREACHABLE, "The far side cannot be reached.")
SPRING = (
    b'{"timestamp":"2026-11-27T00:00:00","path":"/serve/api/v1/upload","status":%d,'
    b'"error":"Internal Server Error","requestId":"5a1f"}'
)
HTML = b"<html><body><h1>Bad Gateway</h1></body></html>"
_FILE = re.compile(rb'name="file"; filename="([^"]*)"\r\n')
_SCOPE = re.compile(rb'name="(unique_id|folder_id)"\r\n\r\n([^\r]*)\r\n')


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one upload."""

    name: str = "taken"
    http: int = 200
    body: bytes | None = None  # None: the success answer, if it was taken
    lost: str = ""  # no answer comes: this happened instead
    half: bool = False  # the answer is cut in the middle
    early: bool = False  # the far side answers or leaves before the whole body was sent
    connected: bool = True
    stores: bool = True  # a whole body is taken, and billed
    retry_after: str = ""
    seconds: float = 0.0  # until the loop hears of it
    visible_after: float = 0.0
    ends_as: str = "PARSE"  # the status in the end; UNPARSE: never

    @property
    def refuses(self) -> bool:
        """Tell whether it says no for the account's own reasons."""
        return self.name.startswith("gate")


#: What the far side says of a limit, and of other things (contract 5.3).
LIMIT = "Request has exceeded the limit."


def envelope(code: str, says: str = "") -> bytes:
    """An answer with a code and nothing else."""
    said = {
        "code": code,
        "msg": says or f"message {code}",
        "data": None,
        "success": False,
        "failed": True,
    }
    return json.dumps(said).encode()


#: What it says when the queue of the indexing is full: nobody knows which (contract 5.2).
FULL = {
    "0429": Fate("gate full", body=envelope("0429"), stores=False),
    "0001": Fate("full 0001", body=envelope("0001", LIMIT), stores=False),
}
#: Clips of so many seconds count.
CAP_S = 7200.0


@dataclass(slots=True)
class Row:
    """One video of the account."""

    number: str
    stem: str  # of the name it was sent under
    size: int
    scope: str
    content: str  # blake3
    created: float
    visible_at: float
    indexed_at: float
    ends_as: str
    ours: bool = True

    def is_through(self, now: float) -> bool:
        """Tell whether its indexing has ended."""
        return now >= self.indexed_at and self.ends_as != "UNPARSE"


@dataclass(slots=True)
class Received:
    """One attempt as it came over the wire."""

    path: str
    at: float
    fate: Fate
    whole: bool = False  # the closing boundary came
    row: Row | None = None


@dataclass
class SoakFarSide:
    """Keeps the `FarSide` contract; `clock` is its own clock in seconds."""

    clock: Callable[[], float]
    variant: Variant
    point: Callable[[str], None]  # called at each stage of an exchange; may end everything
    during: Callable[[], None]  # called while a body goes out
    tell: Callable[..., None] = lambda *_, **__: None
    next_fate: Callable[[], Fate] = Fate
    unheard: Callable[[], Trouble | None] = lambda: None
    read_troubles: list[Trouble] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    down: bool = False
    poisoned: dict[str, Fate] = field(default_factory=dict)  # by content: refused each time
    late_by: float = 0.0  # how long the last upload's outcome takes to be heard of
    _number: int = 568102998803353600

    # --- what happens to it ---------------------------------------------------------------------

    def put(self, stem: str, size: int, scope: str, content: str, fate: Fate, **of: Any) -> Row:
        """Keep a video."""
        self._number += 4194304
        now = self.clock()
        row = Row(
            f"VI{self._number}",
            stem,
            size,
            scope,
            content,
            now,
            visible_at=now + fate.visible_after,
            indexed_at=now + self.variant.index_s,
            ends_as=fate.ends_as,
            **of,
        )
        self.rows.append(row)
        self.tell("  stored", number=row.number, stem=stem, content=content[:6], fate=fate.name)
        return row

    def take_late(self) -> float:
        """How long the answer to the last upload takes, once."""
        wait, self.late_by = self.late_by, 0.0
        return wait

    # --- the contract ---------------------------------------------------------------------------

    def upload(self, upload: Upload) -> Outcome:
        """Take one body, or what the fate says."""
        fate = self.next_fate()
        got = Received(upload.path, self.clock(), fate)
        self.received.append(got)
        self.late_by = fate.seconds
        if self.down or not fate.connected:
            return NotSent(DOWN)
        try:
            descriptor = upload.open()
        except OSError as exc:
            abort = unreadable(exc)
            return Aborted(abort.kind, abort.text)
        try:
            body = Body(upload, descriptor, Pace())
            body.heed_stop()
            self.point("connected")
            pieces = self._receive(body, fate)
        except Abort as abort:
            return Aborted(abort.kind, abort.text)
        finally:
            os.close(descriptor)
        fate = self._take(pieces, body.content_type, fate, got)
        self.point("taken")
        reply = self._reply(fate, got.row)
        self.point("answered")
        return outcome_of(reply, marked=body.marked, content_hash=body.content_hash)

    def metadata(self, video_no: str, scope: Scope) -> Video | Failed | None:
        """Answer the poll."""
        answer = self._asked()
        if answer is not None:
            return answer
        wanted = str(scope) if scope.kind == "unique_id" else None
        row = next((r for r in self._visible(wanted) if r.number == video_no), None)
        data = None if row is None else self._shown(row)
        answer = self._success(data)
        return video_in(answer, video_no)

    def list_videos(
        self,
        scope: Scope | None,
        *,
        page: int = 1,
        size: int = 200,
        video_name: str | None = None,
        video_nos: Sequence[str] = (),
    ) -> Page | Failed:
        """Answer one page, newest first."""
        answer = self._asked()
        if answer is not None:
            return answer
        found = [
            row
            for row in reversed(self._visible(None if scope is None else str(scope)))
            if video_name in (None, self._name(row)) and (not video_nos or row.number in video_nos)
        ]
        size = min(size, self.variant.page) if not video_nos else size
        total: object = len(found)
        data = {
            "current_page": page,
            "page_size": size,
            "total_count": str(total) if self.variant.texts else total,
            "videos": [self._shown(row) for row in found[(page - 1) * size : page * size]],
        }
        return page_in(self._success(data), page)

    def close(self) -> None:
        """Nothing is held."""

    # --- inside ---------------------------------------------------------------------------------

    def _receive(self, body: Body, fate: Fate) -> list[bytes]:
        pieces: list[bytes] = []
        for chunk in body.chunks(lambda: None):
            if len(pieces) > 1:  # these are the last bytes
                self.point("marked")
            pieces.append(chunk)
            if len(pieces) == 1:
                self.point("begun")
                self.during()
            if fate.early:
                break
        self.point("sent")
        return pieces

    def _take(self, pieces: list[bytes], content_type: str, fate: Fate, got: Received) -> Fate:
        """Keep the video, if it is kept; what becomes of the upload after all."""
        raw = b"".join(pieces)
        closing = b"\r\n--" + content_type.partition("boundary=")[2].encode() + b"--"
        got.whole = closing in raw[-len(closing) - 2 :]
        if not got.whole or not fate.stores:
            return fate
        named = _FILE.search(raw)
        scope = _SCOPE.search(pieces[0])
        content = raw[len(pieces[0]) : raw.rindex(closing)]
        assert named is not None
        digest = blake3(content).hexdigest()
        refused = self.poisoned.get(digest) or self._full()
        if refused is not None:
            return refused
        got.row = self.put(
            named[1].decode().rpartition(".")[0],
            len(content),
            f"{scope[1].decode()}={scope[2].decode()}" if scope else "unique_id=default",
            digest,
            fate,
        )
        return fate

    def _full(self) -> Fate | None:
        """No more than so many may be in the queue of the indexing; its refusal is the rate's."""
        cap, now = self.variant.cap, self.clock()
        if cap is None:
            return None
        waits = [row for row in self.rows if row.created > now - CAP_S and not row.is_through(now)]
        return FULL[self.variant.cap_says] if len(waits) >= cap else None

    def _reply(self, fate: Fate, row: Row | None) -> Answer | Loss:
        if fate.lost:
            return Loss(fate.lost)
        body = fate.body
        if body is None:
            if row is None:
                return Loss("The connection was cut")
            data: dict[str, Any] = {"videoNo": row.number, "videoName": self._name(row)}
            if not self.variant.texts:
                data |= {"videoStatus": "UNPARSE", "uploadTime": str(int(row.created * 1000))}
            body = self._envelope(data)
        if fate.half:
            body = body[: len(body) // 3]
        return read_answer(
            fate.http, body, secret="", now=self.clock(), retry_after=fate.retry_after
        )

    def _success(self, data: object) -> Answer:
        date = formatdate(self.clock(), usegmt=True)
        return read_answer(200, self._envelope(data), secret="", now=0.0, date=date)

    @staticmethod
    def _envelope(data: object) -> bytes:
        answer = {"code": "0000", "msg": "success", "data": data, "success": True, "failed": False}
        return json.dumps(answer).encode()

    def _name(self, row: Row) -> str:
        return row.stem if self.variant.names else f"{int(row.number[2:]):032x}"

    def _shown(self, row: Row) -> dict[str, Any]:
        ready = self.clock() >= row.indexed_at
        failed = ready and row.ends_as.startswith("FAIL")
        shown: dict[str, Any] = {
            "video_no": row.number,
            "video_name": self._name(row),
            "duration": 5 if ready and not failed else 0,
            "status": row.ends_as if ready else "UNPARSE",
            "create_time": int(row.created * 1000),
        }
        if self.variant.sizes:
            shown["size"] = row.size
        if failed:
            shown["cause"] = "Indexing failed. "
        if self.variant.texts:
            shown = {key: str(value) for key, value in shown.items()}
            shown.setdefault("cause", "null")
        return shown

    def _asked(self) -> Failed | None:
        self.point("asked")
        if self.down:
            return Failed(DOWN)
        trouble = self.read_troubles.pop(0) if self.read_troubles else self.unheard()
        return None if trouble is None else Failed(trouble)

    def _visible(self, scope: str | None) -> list[Row]:
        now = self.clock()
        return [r for r in self.rows if r.visible_at <= now and scope in (None, r.scope)]


def read_trouble(http: int, body: bytes) -> Trouble:
    """What a question's answer without success means."""
    return trouble_of(read_answer(http, body, secret="", now=0.0))
