"""How long it takes to be there: beside the interpreter itself, which nobody can be faster than."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from harness import Sample, Sizes, cpu_of, heading, interleaved, ratio, spread, table, timed
from servers import StandIn
from whole_daemon import Daemon

if TYPE_CHECKING:
    from pathlib import Path

BARE = "`python -c pass`"
COMMANDS = {
    BARE: ["-c", "pass"],
    "`ingestd --version`": ["-m", "ingestd", "--version"],
    "`ingestd --help`": ["-m", "ingestd", "--help"],
    "`ingestd check --config-only`": ["-m", "ingestd", "check", "--config-only"],
    "import of the uploader": ["-c", "import ingestd.remote.wire"],
    "import of the daemon": ["-c", "import ingestd.daemon.service, ingestd.remote.wire"],
}


def startup(work: Path, sizes: Sizes) -> None:
    """Measure commands, imports, and the daemon until it watches."""
    heading("Start-up")
    config = work / "config.yaml"
    config.write_text(f"folders: [{work}]\nstate_dir: {work}/state\n", encoding="utf-8")
    contenders = {name: partial(_command, words, config) for name, words in COMMANDS.items()}
    with StandIn() as far:
        contenders["`ingestd run` until it watches"] = partial(_until_it_watches, work, far)
        samples = interleaved(contenders, sizes.starts)
    bare = [one.seconds for one in samples[BARE]]
    rows = []
    for name, taken in samples.items():
        seconds = [one.seconds for one in taken]
        rows.append([name, spread([one * 1000 for one in seconds], 0), ratio(seconds, bare)])
    table(["", "ms", f"time vs {BARE}"], rows)


def _command(words: list[str], config: Path) -> Sample:
    if "check" in words:
        words = [*words, "-c", str(config)]
    return timed([sys.executable, *words])


def _until_it_watches(work: Path, far: StandIn) -> Sample:
    place = work / f"run-{time.monotonic_ns()}"
    began = time.perf_counter()
    with Daemon(place, far) as running:
        return Sample(time.perf_counter() - began, cpu_of(running.pid))
