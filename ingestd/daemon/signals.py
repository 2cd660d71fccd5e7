"""Signals set a flag; the loop acts on it (interface 5)."""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd.daemon.wakeup import SignalWakeup

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


@dataclass(slots=True)
class Signals:
    """What signals asked for; set by their handlers, read by the loop."""

    stops: int = 0
    reload: bool = False
    wakeup: SignalWakeup | None = None

    def catch(self, wake: Callable[[], None]) -> None:
        """Take SIGTERM, SIGINT and SIGHUP from now on; each wakes the loop."""
        if threading.current_thread() is not threading.main_thread():
            return  # embedded in a test: nobody sends it signals

        def stop(_number: int, _frame: FrameType | None) -> None:
            self.stops += 1

        def reload(_number: int, _frame: FrameType | None) -> None:
            self.reload = True

        self.wakeup = SignalWakeup(wake)
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGHUP, reload)

    def close(self) -> None:
        """Wake nobody any more; what is asked for now is the end, which is under way."""
        if self.wakeup is not None:
            self.wakeup.close()
            self.wakeup = None
