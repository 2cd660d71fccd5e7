"""Every way of losing an answer, without any kill, before every kind of far side."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from torture.lane import Lane
from torture.server import WAYS, Account

if TYPE_CHECKING:
    from pathlib import Path

CONFIRM_FOR_S = 5.0  # longer than any row takes to be listed
MOST_S = 120.0


def kinds() -> dict[str, Account]:
    """The far sides."""
    return {
        "names and sizes": Account(),
        "hashed names": Account(names=False),
        "no sizes": Account(sizes=False),
        "neither": Account(names=False, sizes=False),
        "rows visible later": Account(late=2.0),
    }


def lose_each(place: Path, kind: str) -> str:
    """Lose one answer in each way; a line that says what became of them.

    Raises:
        AssertionError: something was lost or paid twice.
    """
    lane = Lane(place, 1, kinds()[kind], confirm_for=CONFIRM_FOR_S)
    ways = ["", *WAYS]  # the first goes well: it tells how names are shown
    lane.server.lose = lambda: ways.pop(0) if ways else ""
    try:
        for _ in ways:
            lane.put_new()
        lane.start()
        until = time.monotonic() + MOST_S
        while ways and time.monotonic() < until:
            time.sleep(0.2)
        lane.stop()
        held = lane.judge(lane.drain())
    finally:
        lane.close()
    lost = len(WAYS) - len(ways)
    return f"{kind}: {lost} answers lost, 0 clips lost, 0 paid twice, {held} held: unconfirmed"
