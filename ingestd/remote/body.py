"""The body of one upload: the file between its framing, checked on its way out (rules R1).

What goes out is what was judged: the descriptor is looked at before and after, and the sample is
taken again from the bytes as sent. The whole suffix stays back until the mark is granted.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from blake3 import blake3

from ingestd.filestat import stat_of
from ingestd.fingerprint import Sampler
from ingestd.remote.contract import LocalKind
from ingestd.remote.multipart import frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestd.remote.contract import Upload
    from ingestd.remote.pace import Pace


class Abort(Exception):  # noqa: N818 - no error: our own decision to end an attempt
    """Ends an attempt before its last byte, for a reason on our side."""

    def __init__(self, kind: LocalKind, text: str) -> None:
        self.kind = kind
        self.text = text
        super().__init__(text)


class Body:
    """One pass over the bytes of an upload.

    Attributes:
        marked: The mark was granted: from here on the last byte may have gone out.
        content_hash: blake3 of the file, 64 hex digits, once all of it was read; else None.
    """

    def __init__(self, upload: Upload, descriptor: int, pace: Pace) -> None:
        fields = [(upload.scope.kind, upload.scope.value)] if upload.scope.value else []
        self._framing = frame(
            [*fields, *upload.form], upload.upload_name, upload.container.content_type
        )
        self._upload = upload
        self._descriptor = descriptor
        self._pace = pace
        self.marked = False
        self.content_hash: str | None = None

    @property
    def content_type(self) -> str:
        """The request's Content-Type."""
        return self._framing.content_type

    @property
    def length(self) -> int:
        """The exact Content-Length in bytes."""
        return self._framing.length(self._upload.stat.size)

    def chunks(self, is_answered: Callable[[], None]) -> Iterator[bytes]:
        """Hand on the body piece by piece; each piece has gone out when the next is asked for.

        Args:
            is_answered: Raises when the far side has answered or left already; asked before the
                mark, so that none is spent on a body that nobody waits for.

        Raises:
            Abort: The file changed or cannot be read, the mark was not granted, or `stop` is set.
        """
        self.check_stat()
        yield self._framing.prefix
        yield from self._pieces()
        is_answered()
        self._ask_for_mark(self.content_hash or "")
        yield self._framing.suffix
        self._upload.progress.phase = "awaiting_answer"

    def heed_stop(self) -> None:
        """Abort if told to stop; after the mark there is nothing left to stop."""
        if self._upload.stop.is_set() and not self.marked:
            raise Abort(LocalKind.STOPPED, "Stopped before the last byte; it is sent later.")

    def check_stat(self) -> None:
        """Abort unless the descriptor still shows the file that was judged."""
        try:
            seen = stat_of(os.fstat(self._descriptor))
        except OSError as exc:
            raise unreadable(exc) from exc
        if not seen.same_content_as(self._upload.stat):
            raise self._changed("it was modified or replaced")

    def _pieces(self) -> Iterator[bytes]:
        size = self._upload.stat.size
        content_hash, sample = blake3(), Sampler(size)
        offset = 0
        while offset < size:
            piece = self._read(min(self._pace.piece_size(), size - offset), offset)
            if not piece:
                raise self._changed("it became shorter")
            content_hash.update(piece)
            sample.update(piece)
            self._pace.take(len(piece), self._upload.stop)
            self.heed_stop()
            yield piece
            offset += len(piece)
            self._upload.progress.sent = offset
        self._check_end(size, sample)
        self.content_hash = content_hash.hexdigest()

    def _check_end(self, size: int, sample: Sampler) -> None:
        if self._read(1, size):
            raise self._changed("it became longer")
        self.check_stat()
        if sample.hexdigest() != self._upload.fingerprint:
            raise self._changed("its content is no longer what was judged")

    def _ask_for_mark(self, content_hash: str) -> None:
        self.heed_stop()
        if not self._upload.may_finish(content_hash):
            raise Abort(
                LocalKind.NO_MARK, "The attempt could not be recorded in time; it is sent later."
            )
        self.marked = True

    def _read(self, length: int, offset: int) -> bytes:
        try:
            return os.pread(self._descriptor, length, offset)
        except OSError as exc:
            raise unreadable(exc) from exc

    def _changed(self, what: str) -> Abort:
        return Abort(
            LocalKind.CHANGED,
            f"While it was being sent, {what}. Nothing was accepted; it is looked at again.",
        )


def unreadable(exc: OSError) -> Abort:
    """Say that the file cannot be opened or read now, without the path that Python adds."""
    if exc.errno == errno.ENOENT:
        return Abort(LocalKind.VANISHED, "The file is no longer there; nothing was sent of it.")
    why = os.strerror(exc.errno) if exc.errno else "unknown error"
    return Abort(LocalKind.UNREADABLE, f"The file cannot be read: {why}. It is tried again later.")
