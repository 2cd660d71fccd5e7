"""The wire to one far side, strung when it is first needed.

The HTTP stack and the certificate authorities take a fifth of a daemon's start, and nothing is
asked of the far side before it is ready (docs/performance.md, "Start to ready").
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ingestd.errors import UsageError
from ingestd.remote.envelope import Loss

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.remote.envelope import Answer
    from ingestd.remote.stream import Watch
    from ingestd.remote.wire import Wire


class Line:
    """What requests go through. Thread-safe.

    Args:
        base_url: as `HttpxFarSide` takes it, like the others.
        proxy: see there.
        ca_file: see there.
        stall_timeout: see there.
    """

    def __init__(
        self, base_url: str, proxy: str | None, ca_file: str | None, stall_timeout: float
    ) -> None:
        self._base_url, self._proxy, self._ca_file = base_url, proxy, ca_file
        self._stall_timeout = stall_timeout
        self._made: Wire | None = None
        self._closed = False
        self._lock = threading.Lock()

    def wire(self) -> Wire:
        """Give the wire; after `close` one that carries nothing.

        Raises:
            UsageError: base_url, proxy or ca_file cannot be used.
        """
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def _make(self) -> Wire:
        from ingestd.remote.wire import Wire  # noqa: PLC0415 - httpx: only who talks pays for it

        made = Wire(
            self._base_url,
            proxy=self._proxy,
            ca_file=self._ca_file,
            stall_timeout=self._stall_timeout,
        )
        if self._closed:
            made.close()
        return made

    def exchange(
        self, method: str, path: str, *, key: str, watch: Watch, **parts: Any
    ) -> Answer | Loss:
        """Send one request and read its answer: see `Wire.exchange`."""
        try:
            wire = self.wire()
        except UsageError as error:  # nothing went out
            return Loss(str(error))
        return wire.exchange(method, path, key=key, watch=watch, **parts)

    def stall_after(self, seconds: float) -> None:
        """Take another `stall_timeout` for the requests that begin from now on."""
        with self._lock:
            self._stall_timeout = seconds
            if self._made is not None:
                self._made.stall_after(seconds)

    def close(self) -> None:
        """Hang up, also under requests that are under way; nothing is strung any more."""
        with self._lock:
            self._closed = True
            if self._made is not None:
                self._made.close()


def new_watch(tick: Callable[[], None] = lambda: None) -> Watch:
    """Make what a request wants of its connection: see `Watch`."""
    from ingestd.remote.stream import Watch  # noqa: PLC0415 - httpcore: only who talks pays for it

    return Watch(tick)
