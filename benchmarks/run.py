"""`make bench`: our uploader beside curl and httpx, and the daemon by itself (docs/performance.md).

Prints Markdown tables; decides nothing about times. `--quick` sends little and tries in under a
minute that everything works; `--only NAME` measures one part.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import tempfile
import time
from pathlib import Path

import big_trees
import commands
import idle
import journal
import latency
import single_file
import small_files
import startup
import whole_daemon
from harness import HERE, QUICK, Sizes, note

PARTS = {
    "plain": single_file.plain,
    "tls": single_file.tls,
    "paced": single_file.paced,
    "small": small_files.small,
    "memory": small_files.memory,
    "daemon": whole_daemon.daemon,
    "startup": startup.startup,
    "idle": idle.idle,
    "commands": commands.commands,
    "durable": journal.durable,
    "claims": journal.claims,
    "tree": big_trees.tree,
    "watching": big_trees.watching,
    "bursts": big_trees.bursts,
    "queued": latency.queued,
}


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--only", choices=PARTS, action="append", help="one part; may repeat")
    options = parser.parse_args()
    sizes = QUICK if options.quick else Sizes()
    (HERE / "work").mkdir(exist_ok=True)
    note(
        f"{os.cpu_count()} CPUs, Linux {platform.release()}, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f}"
    )
    began = time.monotonic()
    for name in options.only or PARTS:
        work = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=HERE / "work"))
        try:
            PARTS[name](work, sizes)
        finally:
            shutil.rmtree(work)
    note(f"Took {time.monotonic() - began:.0f} s; load now {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
