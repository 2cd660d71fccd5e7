"""Importing libraries without the parts that only their own command lines use.

structlog and httpx import rich, Pygments and Markdown when these are installed; a daemon that runs
for months would carry 5 MB of them for nothing (docs/performance.md).
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Let imports in the block find none of these modules, unless they are loaded already.

    `None` in `sys.modules` makes an import fail as if the module were not installed (Python
    reference, 5.3.1); both libraries are written for that case.
    """
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None is the documented mark
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
