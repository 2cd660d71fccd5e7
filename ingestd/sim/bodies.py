"""Request bodies as they come from the socket, in pieces whose size the reader can limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import h11

if TYPE_CHECKING:
    from collections.abc import Callable

PIECE: Final = 1048576
"""Most bytes taken from the socket at once."""


class PeerGone(Exception):  # noqa: N818 - the client's right, not an error of ours
    """The client's connection ended before its message did."""


class Body(Protocol):
    """A body being read."""

    @property
    def length(self) -> int | None:
        """Announced bytes; None when the body comes in chunks."""

    @property
    def received(self) -> int:
        """Bytes handed out so far."""

    @property
    def ended(self) -> bool:
        """Whether all of it has been handed out."""

    def read(self, most: int = PIECE) -> bytes:
        """The next bytes, at most so many; b"" at the end.

        Raises:
            PeerGone: The connection ended first.
        """


class LengthBody:
    """A body with a Content-Length, read past h11."""

    def __init__(self, receive: Callable[[int], bytes], length: int, ahead: bytes) -> None:
        self._receive = receive
        self._length = length
        self._ahead = ahead
        self._received = 0

    @property
    def length(self) -> int:
        """Announced bytes."""
        return self._length

    @property
    def received(self) -> int:
        """Bytes handed out so far."""
        return self._received

    @property
    def ended(self) -> bool:
        """Whether all of it has been handed out."""
        return self._received == self._length

    def read(self, most: int = PIECE) -> bytes:
        """The next bytes, at most so many; b"" at the end.

        Raises:
            PeerGone: The connection ended first.
        """
        if self.ended:
            return b""
        piece = self._next_piece(min(most, self._length - self._received))
        if not piece:
            raise PeerGone("the body is incomplete")
        self._received += len(piece)
        return piece

    def _next_piece(self, most: int) -> bytes:
        if not self._ahead:
            return self._receive(most)
        piece, self._ahead = self._ahead[:most], self._ahead[most:]
        return piece


class ChunkedBody:
    """A body in chunks (RFC 9112, 7.1), unwrapped by h11."""

    def __init__(self, receive: Callable[[int], bytes], http: h11.Connection) -> None:
        self._receive = receive
        self._http = http
        self._held = b""
        self._received = 0
        self._last_seen = False

    @property
    def length(self) -> None:
        """Not announced."""
        return

    @property
    def received(self) -> int:
        """Bytes handed out so far."""
        return self._received

    @property
    def ended(self) -> bool:
        """Whether all of it has been handed out."""
        return self._last_seen and not self._held

    def read(self, most: int = PIECE) -> bytes:
        """The next bytes, at most so many; b"" at the end.

        Raises:
            PeerGone: The connection ended first, or the framing is broken.
        """
        while not self._held and not self._last_seen:
            self._held = self._next_chunk()
        piece, self._held = self._held[:most], self._held[most:]
        self._received += len(piece)
        return piece

    def _next_chunk(self) -> bytes:
        try:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(self._receive(PIECE))
        except h11.RemoteProtocolError as broken:
            raise PeerGone(str(broken)) from broken
        if isinstance(event, h11.EndOfMessage):
            self._last_seen = True
        return bytes(event.data) if isinstance(event, h11.Data) else b""
