"""Makes the connections under httpcore, and can hang all of them up."""

from __future__ import annotations

import contextlib
import socket
import threading
import weakref
from typing import TYPE_CHECKING, Final

import httpcore

from ingestd.remote.stream import Stream, Watch, loss_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A route that drops idle connections would swallow an answer that takes minutes; probes keep it
# open and tell a dead peer from a slow one.
_KEEPALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 8),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)


class Backend(httpcore.NetworkBackend):
    """Makes connections and can hang all of them up."""

    def __init__(self) -> None:
        self._threads = threading.local()
        self._lock = threading.Lock()
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()
        self._closed = False

    @contextlib.contextmanager
    def watched(self, watch: Watch) -> Iterator[None]:
        """Let `watch` watch over what this thread sends and receives."""
        self._threads.watch = watch
        try:
            yield
        finally:
            del self._threads.watch

    def watch(self) -> Watch:
        """Give the watch of this thread's request."""
        found: Watch | None = getattr(self._threads, "watch", None)
        return found or Watch()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002 - httpcore's signature
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - same
    ) -> Stream:
        """Connect; `timeout` holds for each address of the host.

        Raises:
            httpcore.ConnectError: With a text that says what is wrong.
        """
        if self._closed:
            raise httpcore.ConnectError("ingestd is closing its connections")
        try:
            sock = socket.create_connection((host, port), timeout)
        except (OSError, UnicodeError) as exc:
            raise httpcore.ConnectError(_connect_text(host, port, exc)) from exc
        for option in _KEEPALIVE:
            sock.setsockopt(*option)
        return self.adopt(sock)

    def adopt(self, sock: socket.socket) -> Stream:
        """Take over a connected socket."""
        stream = Stream(sock, self)
        with self._lock:
            self._streams.add(stream)
            if self._closed:  # meanwhile, while it was being connected
                stream.shutdown()
        return stream

    def hang_up(self) -> None:
        """End all connections and make no new one; threads blocked on one wake up."""
        with self._lock:
            self._closed = True
            streams = list(self._streams)
        for stream in streams:
            stream.shutdown()


def _connect_text(host: str, port: int, exc: OSError | UnicodeError) -> str:
    if isinstance(exc, socket.gaierror | UnicodeError):
        return f"the name {host} cannot be resolved (no network, or api.base_url is wrong)"
    return f"no connection to {host} port {port}: {loss_text(exc)}"
