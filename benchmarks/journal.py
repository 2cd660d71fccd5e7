"""The journal: what a durable change costs beside the bare disk, and whether size matters.

    python journal.py [--quick]

The yardstick is an append of 4 KiB with `fdatasync`: no journal that keeps its promise can be
faster than one of those for each commit.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness import HERE, QUICK, Sample, Sizes, heading, interleaved, note, ratio, spread, table

from ingestd.journal import Journal
from ingestd.model import Container, Item, Stat, State

if TYPE_CHECKING:
    from collections.abc import Callable

GROUP = 32
OPERATIONS = 320  # of a sample
MICRO = 1e6
NOW = 2e9

RAW = "append of 4 KiB + fdatasync"
SINGLE = "move, a commit each"
GROUPED = f"move, {GROUP} in a commit"


def durable(work: Path, sizes: Sizes) -> None:
    """A commit each, and commits shared by a group."""
    heading("Journal: durable changes")
    with _filled(work / "durable", 1000) as store, (work / "raw").open("wb", buffering=0) as raw:
        contenders = {
            RAW: partial(_timed, partial(_append, raw)),
            SINGLE: partial(_timed, partial(_moves, store, 1)),
            GROUPED: partial(_timed, partial(_moves, store, GROUP)),
        }
        samples = interleaved(contenders, sizes.rounds)
    times = {name: [one.seconds for one in taken] for name, taken in samples.items()}
    rates = {name: [1 / seconds for seconds in taken] for name, taken in times.items()}
    table(
        ["", "a second", "rate vs the bare disk", "rate vs a commit each"],
        [
            [name, spread(rate, 0), ratio(rate, rates[RAW]), ratio(rate, rates[SINGLE])]
            for name, rate in rates.items()
        ],
    )


def claims(work: Path, sizes: Sizes) -> None:
    """The next due row, found and claimed, in a small and in a large journal."""
    small, large = 1000, 100_000 if sizes.rounds > 1 else 5000
    heading(f"Journal: the next due row of {small} and of {large}")
    began = time.perf_counter()
    with _filled(work / "large", large) as much:
        seconds = time.perf_counter() - began
        size = (work / "large" / "journal.db").stat().st_size
        with _filled(work / "small", small) as little:
            _compare_claims(little, much, sizes.rounds)
    note(f"Taking in {large} rows: {large / seconds:.0f} a second, {size / large:.0f} bytes a row.")


def _compare_claims(little: Journal, much: Journal, rounds: int) -> None:
    questions = {
        "find": _find,
        f"find and claim, {GROUP} in a commit": partial(_moves, group=GROUP),
        "counts of every state": _count,
    }
    rows = []
    for name, question in questions.items():
        samples = interleaved(
            {
                "little": partial(_timed, partial(question, little)),
                "much": partial(_timed, partial(question, much)),
            },
            rounds,
        )
        few, many = ([one.seconds for one in samples[key]] for key in ("little", "much"))
        middle = [f"{statistics.median(taken) * MICRO:.0f}" for taken in (few, many)]
        rows.append([name, *middle, ratio(many, few)])
    table(["", "small, us", "large, us", "large vs small"], rows)


def _timed(work: Callable[[], None]) -> Sample:
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return Sample(
        (time.perf_counter() - began) / OPERATIONS, (time.process_time() - cpu) / OPERATIONS
    )


def _append(file) -> None:
    page = os.urandom(4096)
    for _ in range(OPERATIONS):
        file.write(page)
        os.fdatasync(file.fileno())


def _moves(store: Journal, group: int) -> None:
    """Send due rows on their way, and put them back at the end of the line."""
    for _ in range(OPERATIONS // group // 2):
        with store.transaction():
            claimed = [
                store.move(row, replace(row, state=State.UPLOADING), "upload.started", NOW)
                for row in store.due(State.QUEUED, NOW, group)
            ]
        with store.transaction():
            for row in claimed:
                later = replace(row, state=State.QUEUED, next_attempt_at=row.next_attempt_at + 1e6)
                store.move(row, later, "upload.not_sent", NOW)


def _find(store: Journal) -> None:
    for _ in range(OPERATIONS):
        store.due(State.QUEUED, NOW, 1)


def _count(store: Journal) -> None:
    for _ in range(OPERATIONS):
        store.counts()


def _filled(place: Path, rows: int) -> Journal:
    store = Journal.create_or_open(place, fstype=None)
    for start in range(0, rows, 1000):
        with store.transaction():
            for number in range(start, start + 1000):
                store.add(_row(number), "file.queued", NOW)
    store.checkpoint()
    return store


def _row(number: int) -> Item:
    return Item(
        id=0,
        path=f"/srv/drop/cameras/card{number // 500:04}/DCIM/100MEDIA/GX{number % 500:06}.MP4",
        folder="cameras",
        state=State.QUEUED,
        stat=Stat(10**9 + number, 10**18 + number, 10**18 + number, 66305, 10**6 + number),
        fingerprint=f"{number * 2654435761 % 2**64:032x}",
        container=Container.MP4,
        codec="h264",
        duration_s=60.0,
        next_attempt_at=float(number),
        fields={"unique_id": "default"},
    )


def main() -> None:
    """Measure both parts."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a small journal, one round")
    sizes = QUICK if parser.parse_args().quick else Sizes()
    (HERE / "work").mkdir(exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="journal-", dir=HERE / "work"))
    try:
        durable(work, sizes)
        claims(work, sizes)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
