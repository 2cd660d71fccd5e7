"""One schedule from its seed: a world, what happens in it, the end of all troubles, the verdict."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from soak.deeds import Deeds
from soak.rig import Rig, fast_disk, small_world
from soak.variant import Variant, variant_of
from soak.verdict import BrokenPromiseError, drained, judge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soak.rig import Tell
    from soak.verdict import Tally

ROUNDS = 60  # of the drain
ROUND_S = 600.0
SCANS, SCAN_S = 3, 12.0  # each longer than the quiet time


def run(
    seed: int, *, tell: Tell | None = None, change: Mapping[str, object] | None = None
) -> Tally:
    """Run one schedule.

    Args:
        seed: gives all of it.
        tell: is told all that happens.
        change: what is different in its variant.

    Raises:
        AssertionError: what must never happen did.
    """
    variant = replace(variant_of(seed), **(change or {}))
    place = _place(seed)
    try:
        with small_world(variant):
            rig = Rig(place, variant, random.Random(f"rig {seed}"), tell)
            return _live(rig, variant, seed)
    finally:
        shutil.rmtree(place, ignore_errors=True)
        place.with_name(f"{place.name}.pid").unlink(missing_ok=True)


def _place(seed: int) -> Path:
    """The same directory for the same seed, so that it is the same run; else one of its own."""
    place = Path(fast_disk() or tempfile.gettempdir(), f"ingestd-soak-{os.getuid()}-{seed}")
    owner = place.with_name(f"{place.name}.pid")
    if place.exists() and not _lives(owner):  # a run that was killed left it behind
        shutil.rmtree(place, ignore_errors=True)
    try:
        place.mkdir(mode=0o700)
    except FileExistsError:
        return Path(tempfile.mkdtemp(prefix=f"{place.name}-", dir=place.parent))
    owner.write_text(str(os.getpid()))
    return place


def _lives(owner: Path) -> bool:
    try:
        return Path("/proc", owner.read_text()).exists()
    except OSError:
        return False


def _live(rig: Rig, variant: Variant, seed: int) -> Tally:
    try:
        deeds = Deeds(rig, variant, random.Random(f"deeds {seed}"))
        deeds.live()
        deeds.end_troubles()
        for _ in range(ROUNDS):
            rig.daemon.keeper.resume()
            for _ in range(SCANS):  # what two of them do not see is gone
                rig.daemon.seeing.scan_now()
                rig.advance(SCAN_S)
            rig.advance(ROUND_S)
            if drained(rig):
                return judge(rig)
        left = [(row.path, row.state.value, row.detail) for row in rig.rows()]
        raise BrokenPromiseError(f"it never came to rest: {left}")
    finally:
        rig.let_go()
