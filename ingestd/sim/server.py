"""Listens, and gives each connection a thread of its own."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import TYPE_CHECKING, Final

from ingestd.sim.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.sim.settings import SimSettings

BACKLOG: Final = 512
HANDSHAKE_TIMEOUT_S: Final = 10.0


class Server:
    """Accepts connections until it is stopped."""

    def __init__(self, settings: SimSettings, serve: Callable[[Wire, str], None]) -> None:
        self._settings = settings
        self._serve = serve
        self._tls = _tls_context(settings)
        self._listener = _listen(settings)
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, Wire | None] = {}
        self._stopping = False
        self._acceptor = threading.Thread(target=self._accept, name="sim-accept", daemon=True)

    @property
    def origin(self) -> str:
        """Scheme, host and port under which clients reach it."""
        host, port = self._listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        return f"{'http' if self._tls is None else 'https'}://{shown}:{port}"

    @property
    def port(self) -> int:
        """The TCP port that was bound."""
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Begin to accept; connections have been queueing since the construction."""
        self._acceptor.start()

    def stop(self) -> None:
        """Stop accepting, end every connection, and wait for their threads."""
        with self._lock:
            self._stopping = True
        _shut_down(self._listener)
        self._acceptor.join()
        self._listener.close()
        with self._lock:
            waiting = dict(self._open)
        for wire in waiting.values():
            if wire is not None:
                wire.interrupt()
        for thread in waiting:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                sock, address = self._listener.accept()
            except OSError:
                if self._stopping:
                    return
                continue
            thread = threading.Thread(target=self._handle, args=(sock, address[0]), daemon=True)
            with self._lock:
                self._open[thread] = None
            thread.start()

    def _handle(self, sock: socket.socket, peer: str) -> None:
        try:
            self._converse(sock, peer)
        finally:
            sock.close()
            with self._lock:
                del self._open[threading.current_thread()]

    def _converse(self, sock: socket.socket, peer: str) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secured = self._secured(sock)
        if secured is None:
            return
        wire = Wire(secured)
        with self._lock:
            if self._stopping:
                wire.close()
                return
            self._open[threading.current_thread()] = wire
        try:
            self._serve(wire, peer)
        finally:
            wire.close()

    def _secured(self, sock: socket.socket) -> socket.socket | None:
        """The socket to talk through; None when the client does not manage the handshake."""
        if self._tls is None:
            return sock
        sock.settimeout(HANDSHAKE_TIMEOUT_S)
        try:
            secured = self._tls.wrap_socket(sock, server_side=True)
        except OSError:
            return None
        secured.settimeout(None)
        return secured


def _listen(settings: SimSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if settings.receive_buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, settings.receive_buffer)
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _tls_context(settings: SimSettings) -> ssl.SSLContext | None:
    if settings.certfile is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.certfile, settings.keyfile)
    return context


def _shut_down(listener: socket.socket) -> None:
    """Wake the thread in accept(); Linux lets it return with EINVAL."""
    try:
        listener.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
