"""One connection: sends without copying, and notices an answer while it sends.

httpcore's own send loop copies the tail after each partial send and looks for an answer only when
the whole body is out: a refused 3 GB upload costs 3 GB. This one polls between partial sends. When
the far side has answered or left, it raises `WriteError`, which httpcore takes as "go and read the
answer".
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

import httpcore

from ingestd.remote.stall import Stall

if TYPE_CHECKING:
    from collections.abc import Callable

_READABLE: Final = select.POLLIN | select.POLLHUP | select.POLLERR | select.POLLRDHUP
_TLS_SLICE: Final = 64 << 10  # bytes between two looks; a TLS send takes all it is given at once
_PEEK: Final = 16 << 10
_TICK: Final = 0.25  # seconds between two looks at the reasons to end while blocked
_HURRY: Final = 30.0  # seconds for an answer to something that is not a whole upload
_STALLED: Final = "the connection stalled: it accepted no more bytes, or hardly any"
_STATUS_LINE: Final = len("HTTP/1.1 2")  # bytes until the class of a status is known


class Owner(Protocol):
    """Who made a connection."""

    def watch(self) -> Watch:
        """Give the watch of this thread's request."""
        ...

    def adopt(self, sock: socket.socket) -> Stream:
        """Take over a connected socket."""
        ...


class Watch:
    """What the request of one thread wants of the connection that carries it.

    Args:
        tick: Called while sending is blocked; what it raises ends the request.
    """

    def __init__(self, tick: Callable[[], None] = lambda: None) -> None:
        self.tick = tick
        self.stream: Stream | None = None
        self.stall = Stall()
        self._answer_by: float | None = None

    def await_answer(self, seconds: float) -> None:
        """Start the clock of the answer."""
        self._answer_by = time.monotonic() + seconds

    def seconds_left(self) -> float:
        """Give how long an answer may still take; it is short until the clock was started."""
        if self._answer_by is None:
            self.await_answer(_HURRY)
        return max((self._answer_by or 0.0) - time.monotonic(), 0.0)

    def is_answered(self) -> None:
        """Raise `httpcore.WriteError` when the far side has answered or left already."""
        if self.stream is not None:
            self.stream.look()


class Stream(httpcore.NetworkStream):
    """One connection, plain or TLS."""

    def __init__(self, sock: socket.socket, owner: Owner) -> None:
        sock.settimeout(0)
        self._sock = sock
        self._owner = owner
        self._slice = _TLS_SLICE if isinstance(sock, ssl.SSLSocket) else None
        self._received = b""  # what a look took in; the next read hands it on
        self._ended = False  # the far side has left; nothing more will come

    def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ARG002 - httpcore's signature
    ) -> bytes:
        """Receive some bytes; b"" at the end. The watch's clock holds instead of `timeout`."""
        if self._received:
            taken, self._received = self._received[:max_bytes], self._received[max_bytes:]
            return taken
        watch = self._owner.watch()
        while not self._ended:
            data = self._receive(max_bytes)
            if data is not None:
                return data
            if not self._wait(select.POLLIN, watch.seconds_left()):
                raise httpcore.ReadTimeout("no answer came in time")
        return b""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`; `timeout` is how long not one byte may be accepted (see `Stall`).

        Raises:
            httpcore.WriteError: The far side has answered or left; reading tells which.
            httpcore.WriteTimeout: The connection stalled.
        """
        watch = self._owner.watch()
        watch.stream = self
        rest = memoryview(buffer)
        while rest:
            self._wait_for_room(watch, timeout)
            sent = self._send(rest[: self._slice], watch, timeout)
            watch.stall.accepted(sent)
            rest = rest[sent:]

    def look(self) -> None:
        """Raise `WriteError` when the far side has answered or left; takes in what it sent."""
        while not (self._ended or _is_final(self._received)):
            data = self._peek()
            if data is None:
                return
            self._received += data
        raise httpcore.WriteError("memories.ai answered or left before all was sent")

    def close(self) -> None:
        """Let go of the connection."""
        self._sock.close()

    def shutdown(self) -> None:
        """End the connection under whoever uses it, without freeing its descriptor."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)  # the TLS state stays untouched

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> Stream:
        """Change to TLS.

        Raises:
            httpcore.ConnectError: With a text that says what is wrong.
        """
        try:
            self._sock.settimeout(timeout)
            return self._owner.adopt(
                ssl_context.wrap_socket(self._sock, server_hostname=server_hostname)
            )
        except (OSError, ValueError) as exc:
            self.close()
            raise httpcore.ConnectError(_tls_text(exc)) from exc

    def get_extra_info(self, info: str) -> Any:
        """Tell httpcore whether an idle connection has something to read: then it is over."""
        if info == "ssl_object" and isinstance(self._sock, ssl.SSLSocket):
            return self._sock
        if info == "is_readable":
            return self._ended or bool(self._received) or self._wait(select.POLLIN, 0.0)
        return None

    def _wait_for_room(self, watch: Watch, timeout: float | None) -> None:
        """Wait until the network takes bytes, and look for an answer meanwhile."""
        while True:
            events = self._wait_and_count(select.POLLIN | select.POLLOUT, watch, timeout)
            if events & _READABLE:
                self.look()
            if events & select.POLLOUT:
                return

    def _wait_and_count(self, events: int, watch: Watch, timeout: float | None) -> int:
        """Wait for a moment; what is waited counts as a stall."""
        watch.tick()
        began = time.monotonic()
        found = self._wait(events, _TICK)
        if watch.stall.waited(time.monotonic() - began, timeout or _HURRY):
            raise httpcore.WriteTimeout(_STALLED)
        return found

    def _send(self, data: memoryview, watch: Watch, timeout: float | None) -> int:
        try:
            return self._sock.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError):
            return 0
        except ssl.SSLWantReadError:  # the TLS layer waits for the other side
            while not self._wait_and_count(select.POLLIN, watch, timeout):
                pass
            return 0
        except OSError as exc:
            raise httpcore.WriteError(loss_text(exc)) from exc

    def _receive(self, max_bytes: int) -> bytes | None:
        """Receive without blocking; None: nothing yet, b"": the end."""
        try:
            data = self._sock.recv(max_bytes)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except OSError as exc:
            self._ended = True
            raise httpcore.ReadError(loss_text(exc)) from exc
        self._ended = not data
        return data

    def _peek(self) -> bytes | None:
        if not self._wait(select.POLLIN, 0.0):
            return None
        try:
            return self._receive(_PEEK)
        except httpcore.ReadError:  # for a sender this is the end; reading says it again
            return b""

    def _wait(self, events: int, seconds: float) -> int:
        poller = select.poll()
        try:
            poller.register(self._sock, events | _READABLE)
        except ValueError as exc:  # closed meanwhile
            raise httpcore.ReadError("the connection was closed") from exc
        ready = poller.poll(seconds * 1000)
        return ready[0][1] if ready else 0


def _is_final(received: bytes) -> bool:
    """Tell whether what came is more than the interim answers that ask to go on (RFC 9110 15.2)."""
    if len(received) > _PEEK:
        return True
    rest = received
    while rest[:7] == b"HTTP/1." and rest[9:10] == b"1":
        _, end, rest = rest.partition(b"\r\n\r\n")
        if not end:
            return False
    return len(rest) >= _STATUS_LINE


def _tls_text(exc: OSError | ValueError) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"memories.ai's certificate is not trusted: {exc.verify_message.rstrip('.')}"
    return "no secure connection could be made (or api.base_url is wrong)"


def loss_text(exc: OSError) -> str:
    """Say why a connection failed or broke."""
    if isinstance(exc, TimeoutError):
        return "it took too long"
    if isinstance(exc, ssl.SSLError):
        return "the secure connection broke"
    return (exc.strerror or "the connection broke").lower()
