"""The far side over HTTP (contract 1 to 3); keeps `FarSide`."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Final

from ingestd.errors import IngestdError
from ingestd.remote.body import Abort, Body, unreadable
from ingestd.remote.contract import Aborted, Failed, NotSent, Refusal, Trouble
from ingestd.remote.envelope import Answer
from ingestd.remote.line import Line, new_watch
from ingestd.remote.pace import Pace
from ingestd.remote.retry import with_retries
from ingestd.remote.rows import page_in, unique_ids_in, video_in
from ingestd.remote.verdict import outcome_of, trouble_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ingestd.model import Scope, Video
    from ingestd.remote.contract import Outcome, Page, Upload
    from ingestd.remote.stream import Watch

_READ_TIMEOUT: Final = 60.0  # seconds for the whole of one try of a read


class HttpxFarSide:
    """The account's video library behind `base_url`. Thread-safe; its methods never raise.

    Args:
        base_url: Where the API lives, as `https://host/serve/api/v1`.
        key: Gives the API key at each call, so that a key that was changed is used at once.
        proxy: `http://[user:password@]host:port`; None connects directly. The environment is
            not asked.
        ca_file: PEM file with certificate authorities to trust beside the usual ones.
        answer_timeout: Seconds to wait for the answer to an upload, from its last byte.
        stall_timeout: Seconds without a byte accepted by the network before an upload ends.
        bandwidth: The limit shared by all uploads; None is unlimited.
        read_limiter: Blocks until a read may go out; called before each try of a read.
        at_once: Load the HTTP stack and read the authorities now, not at the first call: then what
            cannot be used is said here.

    Raises:
        UsageError: base_url, proxy or ca_file cannot be used.
    """

    def __init__(  # noqa: PLR0913 - keywords, each a setting of its own (interface 4)
        self,
        base_url: str,
        key: Callable[[], str],
        *,
        proxy: str | None = None,
        ca_file: str | None = None,
        answer_timeout: float = 1800.0,
        stall_timeout: float = 120.0,
        bandwidth: Pace | None = None,
        read_limiter: Callable[[], None] | None = None,
        at_once: bool = True,
    ) -> None:
        self._line = Line(base_url, proxy, ca_file, stall_timeout)
        if at_once:
            self._line.wire()
        self._key = key
        self._answer_timeout = answer_timeout
        self._pace = bandwidth or Pace()
        self._limit_read = read_limiter
        self._closing = threading.Event()

    def upload(self, upload: Upload) -> Outcome:
        """Send one body (rules R1). Retries nothing: an upload is not idempotent."""
        key = self._usable_key()
        if isinstance(key, Trouble):
            return NotSent(key)
        try:
            descriptor = upload.open()
        except OSError as exc:
            abort = unreadable(exc)
            return Aborted(abort.kind, abort.text)
        try:
            return self._send(Body(upload, descriptor, self._pace), key)
        except Abort as abort:
            return Aborted(abort.kind, abort.text)
        finally:
            os.close(descriptor)

    def metadata(self, video_no: str, scope: Scope) -> Video | Failed | None:
        """Ask for one video (contract 2); `folder_id` is no parameter of this question."""
        params = {"video_no": video_no}
        if scope.kind == "unique_id" and scope.value:
            params["unique_id"] = scope.value
        answer = self._read("GET", "get_metadata", params=params)
        return answer if isinstance(answer, Failed) else video_in(answer, video_no)

    def list_videos(
        self,
        scope: Scope | None,
        *,
        page: int = 1,
        size: int = 200,
        video_name: str | None = None,
        video_nos: Sequence[str] = (),
    ) -> Page | Failed:
        """Ask for one page of the list (contract 3)."""
        query: dict[str, Any] = {"page": page, "size": size}
        if scope is not None and scope.value:
            is_number = scope.kind == "folder_id" and scope.value.lstrip("-").isdecimal()
            query[scope.kind] = int(scope.value) if is_number else scope.value
        if video_name is not None:
            query["video_name"] = video_name
        if video_nos:
            query["video_nos"] = list(video_nos)
        answer = self._read("POST", "list_videos", json=query)
        return answer if isinstance(answer, Failed) else page_in(answer, page)

    def patience(self, *, answer: float, stall: float) -> None:
        """Take other time limits, seconds, for what begins from now on."""
        self._answer_timeout = answer
        self._line.stall_after(stall)

    def unique_ids(self) -> tuple[str, ...] | Failed:
        """Ask for the names of the account's folders (contract 3, PLAT); makes none.

        A list of one folder would make it. Accounts of the newest generation have no such question.
        """
        answer = self._read("GET", "list_unique_ids")
        return answer if isinstance(answer, Failed) else unique_ids_in(answer)

    def close(self) -> None:
        """Hang up; calls under way end at once by what is true of them."""
        self._closing.set()
        self._line.close()

    def _send(self, body: Body, key: str) -> Outcome:
        body.heed_stop()
        body.check_stat()
        watch = new_watch(body.heed_stop)
        reply = self._line.exchange(
            "POST",
            "upload",
            key=key,
            watch=watch,
            content=self._chunks(body, watch),
            headers={"Content-Type": body.content_type, "Content-Length": str(body.length)},
        )
        return outcome_of(reply, marked=body.marked, content_hash=body.content_hash)

    def _chunks(self, body: Body, watch: Watch) -> Iterator[bytes]:
        yield from body.chunks(watch.is_answered)
        watch.await_answer(self._answer_timeout)

    def _read(self, method: str, path: str, **parts: Any) -> Answer | Failed:
        return with_retries(lambda: self._read_once(method, path, **parts), self._closing)

    def _read_once(self, method: str, path: str, **parts: Any) -> Answer | Failed:
        key = self._usable_key()
        if isinstance(key, Trouble):
            return Failed(key)
        if self._limit_read is not None:
            self._limit_read()
        watch = new_watch()
        watch.await_answer(_READ_TIMEOUT)
        reply = self._line.exchange(method, path, key=key, watch=watch, **parts)
        if isinstance(reply, Answer) and reply.envelope is not None and reply.envelope.ok:
            return reply
        return Failed(trouble_of(reply))

    def _usable_key(self) -> str | Trouble:
        if self._closing.is_set():
            return Trouble(Refusal.UNREACHABLE, "ingestd is closing its connections.")
        try:
            key = self._key()
        except (OSError, ValueError, IngestdError):
            return Trouble(Refusal.AUTH, "The API key cannot be read; see `ingestd check`.")
        if not key or not all("!" <= char <= "~" for char in key):
            return Trouble(
                Refusal.AUTH,
                "The API key is empty or holds characters that no key has; see `ingestd check`.",
            )
        return key
