"""`make soak`: as many schedules as time allows, on all cores, and what they came to.

    python -m soak [--seconds 60 | --seeds 1000] [--from 0] [--jobs 2]
    python -m soak --planted [FAULT ...]   each fault is planted alone and must be noticed
    python -m soak --show 4711        one schedule, told step by step

Ends with 1 when a schedule failed, and says how to see it again.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from soak import planted
from soak.schedule import run
from soak.variant import variant_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soak.verdict import Tally

BATCH = 50  # schedules between two reports of a worker
SAY_EVERY_S = 30.0
MOST_FAILURES = 20  # then it is enough


@dataclass(slots=True)
class Sums:
    """What many schedules came to."""

    schedules: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)  # by theme, of lost answers
    lost: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)

    def add(self, seed: int, tally: Tally) -> None:
        """Count one schedule."""
        theme = variant_of(seed).theme
        self.schedules += 1
        self.crashes.update(tally.crashes)
        self.held[theme] += tally.held
        self.lost[theme] += tally.lost
        for name in ("rows", "sends", "lost", "found", "resent", "held"):
            self.counts[name] += getattr(tally, name)

    def merge(self, other: Sums) -> None:
        """Add what another worker found."""
        self.schedules += other.schedules
        for name in ("counts", "crashes", "held", "lost"):
            getattr(self, name).update(getattr(other, name))
        self.failures += other.failures


def batch(seeds: range) -> Sums:
    """Run some schedules."""
    sums = Sums()
    gc.disable()  # a sixth of the time; once a batch is often enough
    gc.collect()
    for seed in seeds:
        try:
            sums.add(seed, run(seed))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            sums.schedules += 1
            print(f"FAILED seed {seed}", flush=True)
            sums.failures.append((seed, f"{type(error).__name__}: {str(error)[:300]}"))
    return sums


def ranges(first: int, seeds: int | None, until: float) -> Iterator[range]:
    """Batches, until the seeds or the time are over."""
    at = first
    while time.monotonic() < until and (seeds is None or at < first + seeds):
        end = at + BATCH if seeds is None else min(at + BATCH, first + seeds)
        yield range(at, end)
        at = end


def soak(first: int, seeds: int | None, seconds: float, jobs: int) -> Sums:
    """Run on several cores and say now and then how far it is."""
    sums, began = Sums(), time.monotonic()
    said = began
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        work = ranges(first, seeds, began + seconds)
        pending = [pool.apply_async(batch, (one,)) for one in islice(work, jobs * 2)]
        while pending and len(sums.failures) < MOST_FAILURES:
            sums.merge(pending.pop(0).get())
            one = next(work, None)
            if one is not None:
                pending.append(pool.apply_async(batch, (one,)))
            if time.monotonic() > said + SAY_EVERY_S:
                said = time.monotonic()
                print(rate(sums, said - began), flush=True)
    return sums


def rate(sums: Sums, seconds: float) -> str:
    """How fast it goes."""
    per_minute = 60 * sums.schedules / max(seconds, 0.001)
    bad = len(sums.failures)
    return f"{sums.schedules} schedules, {per_minute:.0f} a minute, {bad} failed"


def report(sums: Sums, seconds: float) -> None:
    """Say what it came to."""
    counts = sums.counts
    print(rate(sums, seconds))
    print(
        f"{counts['rows']} rows, {counts['sends']} uploads begun, {counts['lost']} answers lost: "
        f"{counts['found']} found, {counts['resent']} proven not to be there and sent again"
    )
    print("ended suddenly:", ", ".join(f"{n} {kind}" for kind, n in sums.crashes.most_common()))
    for theme, lost in sorted(sums.lost.items()):
        held = sums.held[theme]
        if held:
            print(f"held: unconfirmed in {theme}: {held} of {lost} lost answers")
    for seed, why in sorted(sums.failures)[:MOST_FAILURES]:
        print(f"FAILED seed {seed} ({variant_of(seed).theme}): {why}\n  make soak SHOW={seed}")


def show(seed: int) -> int:
    """Tell one schedule step by step."""

    def tell(at: float, what: str, known: dict[str, object]) -> None:
        words = " ".join(f"{k}={str(v)[:700]}" for k, v in known.items() if v is not None)
        print(f"{at:10.1f} {what} {words}")

    print(variant_of(seed))
    try:
        print(run(seed, tell=tell))
    except AssertionError:
        traceback.print_exc()
        return 1
    return 0


def main() -> int:
    """The command."""
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order in sets is part of a schedule
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "soak", *sys.argv[1:]])
    parser = argparse.ArgumentParser(prog="soak", description="Simulated soak of ingestd.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--show", type=int, metavar="SEED")
    parser.add_argument("--planted", nargs="*", metavar="FAULT")
    parser.add_argument("--most", type=int, default=200, help="schedules for one planted fault")
    args = parser.parse_args()
    if args.show is not None:
        return show(args.show)
    if args.planted is not None:
        return bool(planted.report(args.planted or [*planted.FAULTS], args.most))
    seconds = args.seconds if args.seeds is None else float("inf")
    began = time.monotonic()
    sums = soak(args.first, args.seeds, seconds, args.jobs)
    report(sums, time.monotonic() - began)
    return 1 if sums.failures else 0
