"""One client connection: heads and answers through h11, bodies straight from the socket."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

import h11

from ingestd.sim.answers import Answer, Delivery, http_date, phrase
from ingestd.sim.bodies import PIECE, Body, ChunkedBody, LengthBody, PeerGone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HEAD_LIMIT: Final = 64 * 1024
TLS_RECORD: Final = 16 * 1024
"""Most bytes that one read from a TLS socket can return (RFC 8446, 5.1)."""

PADDING_PIECE: Final = 1024 * 1024
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: the kernel answers a close with RST (socket(7))."""

BODILESS: Final = frozenset({204, 304})
GONE: Final = select.POLLRDHUP | select.POLLHUP | select.POLLERR


class BadHead(Exception):  # noqa: N818 - becomes an answer
    """What arrived is no HTTP request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The head of a request; header names are in lower case, of repeated ones the first counts."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]

    @property
    def length(self) -> int | None:
        """Announced bytes of the body; None when it comes in chunks."""
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return None
        return int(self.headers.get("content-length", "0"))


class Wire:
    """Reads requests from one socket and writes answers to it; used by one thread.

    A body of known length does not pass through h11, which would copy each byte several times. So
    every request gets an h11 connection of its own, and what was read too far is kept for the next.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._most = TLS_RECORD if isinstance(sock, ssl.SSLSocket) else PIECE
        self._http = h11.Connection(h11.SERVER)
        self._ahead = b""
        self._body: Body = LengthBody(self.receive, 0, b"")
        self._without_body = False

    @property
    def body(self) -> Body:
        """The body of the current request."""
        return self._body

    def next_request(self, idle_seconds: float) -> Request | None:
        """Wait for the next head; None when the client is done or silent for too long.

        Raises:
            BadHead: What arrived is no HTTP request.
        """
        if isinstance(self._body, ChunkedBody):
            self._ahead = self._http.trailing_data[0]
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)
        if self._ahead:
            self._http.receive_data(self._ahead)
            self._ahead = b""
        self._socket.settimeout(idle_seconds or None)
        event = self._next_head()
        self._socket.settimeout(None)
        if event is None:
            return None
        request = _request_of(event)
        self._without_body = request.method == "HEAD"
        self._body = self._body_of(request)
        return request

    def _next_head(self) -> h11.Request | None:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._http.receive_data(self.receive(HEAD_LIMIT))
        except h11.RemoteProtocolError as mistake:
            raise BadHead(str(mistake)) from mistake
        except PeerGone:
            return None
        return event if isinstance(event, h11.Request) else None

    def _body_of(self, request: Request) -> Body:
        if request.length is None:
            return ChunkedBody(self.receive, self._http)
        ahead = self._http.trailing_data[0]
        self._ahead = ahead[request.length :]
        return LengthBody(self.receive, request.length, ahead[: request.length])

    def receive(self, most: int) -> bytes:
        """Bytes from the socket; b"" when the client has ended its side.

        Raises:
            PeerGone: The connection was reset, or nothing came within the idle time.
        """
        try:
            return self._socket.recv(min(most, self._most))
        except (OSError, ValueError) as trouble:  # ValueError: a TLS socket shut down meanwhile
            raise PeerGone(str(trouble)) from trouble

    def say_continue(self) -> None:
        """Send `100 Continue` if the client waits for it (RFC 9110, 10.1.1).

        Raises:
            PeerGone: The client no longer takes it.
        """
        if self._http.they_are_waiting_for_100_continue:
            head = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
            self._send(self._http.send(head) or b"")

    def answer(self, answer: Answer, now: float, *, close: bool) -> bool:
        """Send an answer; False when it could not be handed over in full."""
        try:
            for piece in self._answer_pieces(answer, now, close=close):
                self._send(piece)
        except PeerGone:
            return False
        return answer.delivery is Delivery.SEND

    @property
    def reusable(self) -> bool:
        """Whether another request may follow on this connection."""
        return self._body.ended and self._http.our_state is h11.DONE

    def _answer_pieces(self, answer: Answer, now: float, *, close: bool) -> Iterator[bytes]:
        payload = answer.payload()
        head = _response_head(answer, len(payload) + answer.padding, now, close=close)
        start = self._http.send(head) or b""
        if answer.delivery is Delivery.CUT:
            yield start + payload[: answer.cut_at]
            return
        self._without_body |= answer.status in BODILESS
        yield start + self._framed(payload)
        for done in range(0, answer.padding, PADDING_PIECE):
            yield self._framed(b" " * min(PADDING_PIECE, answer.padding - done))
        self._http.send(h11.EndOfMessage())

    def _framed(self, payload: bytes) -> bytes:
        if self._without_body or not payload:
            return b""
        return self._http.send(h11.Data(data=payload)) or b""

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except (OSError, ValueError) as trouble:
            raise PeerGone(str(trouble)) from trouble

    def wait_gone(self, seconds: float | None) -> bool:
        """Wait until the client's side has ended, at most so many real seconds; say whether."""
        poll = select.poll()
        poll.register(self._socket.fileno(), GONE)
        return bool(poll.poll(None if seconds is None else seconds * 1000))

    def interrupt(self) -> None:
        """End both directions from another thread; whoever reads or waits here wakes up."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # also below TLS

    def close(self, *, reset: bool = False) -> None:
        """End the connection, with a reset if asked (bytes left unread cause one, too)."""
        with contextlib.suppress(OSError):
            if reset:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._socket.close()


def _request_of(event: h11.Request) -> Request:
    try:
        target = urlsplit(event.target.decode("ascii"))
    except ValueError as mistake:
        raise BadHead(str(mistake)) from mistake
    headers: dict[str, str] = {}
    for name, value in event.headers:
        headers.setdefault(name.decode("ascii"), value.decode("latin-1"))
    return Request(
        method=event.method.decode("ascii"),
        path=target.path,
        query=parse_qs(target.query, keep_blank_values=True),
        headers=headers,
    )


def _response_head(answer: Answer, length: int, now: float, *, close: bool) -> h11.Response:
    headers = [("Date", http_date(now)), ("Content-Length", str(length)), *answer.headers]
    if answer.content_type is not None:
        headers.append(("Content-Type", answer.content_type))
    if close:
        headers.append(("Connection", "close"))
    return h11.Response(status_code=answer.status, headers=headers, reason=phrase(answer.status))
