"""What systemd is told: ready, how things stand, alive, stopping (sd_notify(3)).

A few lines of our own: the packages that exist cannot send two values in one datagram, cannot
reach an abstract socket, or want a C library. Nothing here raises: a service that is not heard
goes on.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A status line is cut here, characters; systemd itself takes 4 KiB a datagram.
LONGEST = 300
#: A manager that does not read holds the loop up for so long, seconds.
PATIENCE_S = 0.5
_MICROSECONDS = 1_000_000


class ServiceManager:
    """The process that started us, if it listens."""

    def __init__(self, environ: Mapping[str, str], pid: int) -> None:
        """Find out who listens and how often a sign of life is wanted.

        Args:
            environ: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are looked at.
            pid: this process; a watchdog of another process is none of ours.
        """
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        #: Seconds after which it takes silence for a hang; None: it does not ask.
        self.watchdog = _watchdog(environ, pid) if self._address else None

    @property
    def listens(self) -> bool:
        """Tell whether anybody is told anything."""
        return bool(self._address)

    def ready(self, status: str) -> None:
        """Say that the service is up; also the end of a reload."""
        self._tell("READY=1", _status(status))

    def status(self, text: str) -> None:
        """Say in one line how things stand; `systemctl status` shows it."""
        self._tell(_status(text))

    def alive(self) -> None:
        """Give the sign of life."""
        self._tell("WATCHDOG=1")

    def reloading(self, monotonic: float, status: str) -> None:
        """Say that a reload has begun, at this moment of CLOCK_MONOTONIC; `ready` ends it."""
        at = round(monotonic * _MICROSECONDS)
        self._tell("RELOADING=1", f"MONOTONIC_USEC={at}", _status(status))

    def stopping(self, status: str) -> None:
        """Say that the service is going down."""
        self._tell("STOPPING=1", _status(status))

    def extend(self, seconds: float) -> None:
        """Ask for so much more time, from now on, to start or to stop."""
        self._tell(f"EXTEND_TIMEOUT_USEC={round(seconds * _MICROSECONDS)}")

    def _tell(self, *assignments: str) -> None:
        """Send all in one datagram, so that they hold together."""
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.settimeout(PATIENCE_S)
            out.sendto("\n".join(assignments).encode(), self._address)


def _address(told: str) -> str | bytes:
    """A path, or with @ in front the name of an abstract socket; other kinds are not ours."""
    if told.startswith("@"):
        return b"\0" + os.fsencode(told[1:])
    return told if told.startswith("/") else ""


def _watchdog(environ: Mapping[str, str], pid: int) -> float | None:
    """The watchdog's patience, seconds (sd_watchdog_enabled(3))."""
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    told = environ.get("WATCHDOG_USEC", "")
    return int(told) / _MICROSECONDS if told.isdecimal() and int(told) > 0 else None


def _status(text: str) -> str:
    """One line, whatever a file was called: a line break would begin another assignment."""
    line = " ".join(text.encode("utf-8", "backslashreplace").decode("utf-8").split())
    shown = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in line
    )
    return f"STATUS={shown[:LONGEST]}"
