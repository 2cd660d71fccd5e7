"""`python -m ingestd.sim [NAME=VALUE ...]`: run a stand-in until interrupted."""

from __future__ import annotations

import json
import signal
import sys

from ingestd.sim import Sim, SimSettings, from_json


def main(arguments: list[str]) -> int:
    """Serve with the given settings; a value is JSON, or a text if it is none."""
    try:
        settings = from_json(SimSettings, dict(_setting(a) for a in arguments))
    except ValueError as mistake:
        sys.stderr.write(f"{mistake}\n")
        return 2
    waited_for = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, waited_for)
    with Sim(settings) as sim:
        sys.stdout.write(f"{sim.url}\n")
        sys.stdout.flush()
        signal.sigwait(waited_for)
    return 0


def _setting(argument: str) -> tuple[str, object]:
    name, _, value = argument.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
