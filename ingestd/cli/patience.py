"""Touching what may hang: a dead share must not hold up a command for ever (rules R5)."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

#: How long a disk or share may take to answer before it counts as hung, seconds.
PATIENCE: Final = 5.0
#: Items that are made ahead of whoever takes them.
_AHEAD: Final = 1000


class Unanswered(Exception):  # noqa: N818 - not an error of ours
    """A disk or share did not answer in time."""


def patiently(ask: Callable[[], T], patience: float = PATIENCE) -> T:
    """Ask from a thread of its own; what it raises is raised here.

    Raises:
        Unanswered: no answer came in time; the thread is left behind.
    """
    return next(stream(lambda _: (ask(),), patience))


def stream(
    make: Callable[[Callable[[], None]], Iterable[T]], patience: float = PATIENCE
) -> Iterator[T]:
    """Take items that are made in a thread of their own.

    Args:
        make: Makes them; runs in that thread, what it raises is raised here. It is given a
            function by which it may say, however often, that the disk answers.
        patience: How long the next item, or the next such word, may take, seconds.

    Raises:
        Unanswered: the next one did not come in time; the thread is left behind.
    """
    box: queue.Queue[tuple[str, Any]] = queue.Queue(_AHEAD)

    def run() -> None:
        try:
            for item in make(lambda: box.put(("beat", None))):
                box.put(("item", item))
        except BaseException as error:  # noqa: BLE001 - handed to whoever asked
            box.put(("raised", error))
        box.put(("over", None))

    threading.Thread(target=run, daemon=True).start()
    while True:
        try:
            kind, value = box.get(timeout=patience)
        except queue.Empty:
            raise Unanswered from None
        if kind == "raised":
            raise value
        if kind == "over":
            return
        if kind == "item":
            yield value
