"""Reading the configuration again, beside the loop: it takes a while, and its disk may hang."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestd.errors import IngestdError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.config import ApiKey, Settings

    Read = Callable[[], tuple[Settings, ApiKey]]


@dataclass(frozen=True, slots=True)
class Reread:
    """What came of it: both, or why not."""

    settings: Settings | None = None
    key: ApiKey | None = None
    refused: str = ""


class Reloads:
    """One reading at a time."""

    def __init__(self, read: Read | None, wake: Callable[[], None]) -> None:
        """Know how to read.

        Args:
            read: reads settings and key anew; None: there is no configuration file.
            wake: wakes the loop.
        """
        self._read, self._wake = read, wake
        self._result: Reread | None = None
        self.under_way = False

    def begin(self) -> None:
        """Start to read; `take` has the result when it is there."""
        self.under_way = True
        threading.Thread(target=self._run, name="reload", daemon=True).start()

    def take(self) -> Reread | None:
        """What came of it; None: nothing yet."""
        result, self._result = self._result, None
        if result is not None:
            self.under_way = False
        return result

    def _run(self) -> None:
        self._result = self._outcome()
        self._wake()

    def _outcome(self) -> Reread:
        if self._read is None:
            return Reread(refused="There is no configuration file to read again.")
        try:
            settings, key = self._read()
        except IngestdError as error:
            return Reread(refused=str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the old one stays in force
            return Reread(refused=f"It could not be read ({type(error).__name__}: {error}).")
        return Reread(settings, key)
