"""What the first job of a worker needs, and a start does not: taken in once the service is ready.

Each of these is imported where it is used, so that nothing depends on this. It is done at once all
the same, because an upgrade replaces the files of a program that runs: what is imported weeks later
may be of another release.
"""

from __future__ import annotations

import importlib
import threading
from functools import cache
from typing import Final

#: The HTTP stack; what looks into files and compares them with lists; what moves them.
MODULES: Final = (
    "ingestd.remote.wire",
    "ingestd.daemon.intake.looking",
    "ingestd.containers",
    "ingestd.afterwards.work",
    "tenacity",
)


@cache
def take_in() -> threading.Thread:
    """Import them in a thread of its own; every call but the first gives that thread."""
    thread = threading.Thread(target=_import, name="late imports", daemon=True)
    thread.start()
    return thread


def _import() -> None:
    for name in MODULES:
        importlib.import_module(name)
