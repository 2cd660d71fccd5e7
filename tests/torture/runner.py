"""`make torture`: daemons are killed until enough kills are counted; nothing may be lost.

    python -m torture [--kills 500] [--lanes 3] [--seed 0]     kills, in lanes side by side
    python -m torture --losses                                 answers lost in every way, no kills

Ends with 1 when something was lost or paid twice, and keeps that lane's directory.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from torture.lane import Lane
from torture.losses import kinds, lose_each
from torture.server import Account

PER_LANE = 25  # kills of one daemon's life; then it drains and is judged


@dataclass(slots=True)
class Sums:
    """What all lanes came to."""

    lanes: int = 0
    files: int = 0
    uploads: int = 0
    held: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    cuts: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def account(seed: int) -> Account:
    """The far side of a lane: three of five show all, the others leave something out."""
    return (
        Account(),
        Account(late=1.5),
        Account(names=False),
        Account(),
        Account(sizes=False),
    )[seed % 5]


def torture(place: Path, seed: int, kills: int, sums: Sums) -> None:
    """One lane, from its first kill to its verdict."""
    lane = Lane(place / f"lane{seed}", seed, account(seed), confirm_for=4.0)
    try:
        lane.live(kills)
        held = lane.judge(lane.drain())
    except Exception as error:  # noqa: BLE001 - the other lanes go on
        sums.failures.append(f"lane {seed} ({lane.place}): {type(error).__name__}: {error}")
    else:
        sums.held += held
    finally:
        lane.close()
        sums.lanes += 1
        sums.files += lane.files
        sums.uploads += lane.server.uploads
        for name in ("kills", "cuts", "lost"):
            getattr(sums, name).update(getattr(lane, name))
    print(f"lane {seed}: {sum(lane.kills.values())} kills, {lane.files} files", flush=True)


def report(sums: Sums, seconds: float) -> None:
    """Say what it came to."""
    kills = sum(sums.kills.values())
    print(f"{kills} kills of {sums.lanes} daemons in {seconds:.0f} s: {_words(sums.kills)}")
    print(f"{sum(sums.cuts.values())} connections cut: {_words(sums.cuts)}")
    print(f"{sum(sums.lost.values())} answers lost: {_words(sums.lost)}")
    good = sums.lanes - len(sums.failures)
    print(
        f"{sums.files} files, {sums.uploads} uploads begun; {good} of {sums.lanes} lanes: "
        f"0 lost, 0 paid twice, {sums.held} held: unconfirmed"
    )
    for failure in sums.failures:
        print(f"FAILED {failure}")


def _words(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.most_common())


def losses(place: Path, lanes: int) -> list[str]:
    """Every way of losing an answer before every kind of far side."""
    failures = []
    with ThreadPoolExecutor(lanes) as pool:
        lines = {
            kind: pool.submit(lose_each, place / str(n), kind) for n, kind in enumerate(kinds())
        }
        for kind, line in lines.items():
            try:
                print(line.result(), flush=True)
            except Exception as error:  # noqa: BLE001 - the others are told too
                failures.append(f"{kind}: {type(error).__name__}: {error}")
    for failure in failures:
        print(f"FAILED {failure}")
    return failures


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="torture", description="Kills real daemons.")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--lanes", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--losses", action="store_true")
    args = parser.parse_args()
    place, began = Path(tempfile.mkdtemp(prefix="torture-")), time.monotonic()
    if args.losses:
        failures = losses(place, args.lanes)
    else:
        sums = Sums()
        with ThreadPoolExecutor(args.lanes) as pool:
            for number in range(-(-args.kills // PER_LANE)):
                kills = min(PER_LANE, args.kills - number * PER_LANE)
                pool.submit(torture, place, args.seed + number, kills, sums)
        report(sums, time.monotonic() - began)
        failures = sums.failures
    if not failures:
        shutil.rmtree(place, ignore_errors=True)
    return 1 if failures else 0
