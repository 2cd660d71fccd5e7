"""The command line: prints, sets up logging, turns errors into exit codes (interface 3)."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command that the arguments name; `--version` alone loads nothing else."""
    _open_what_is_closed()
    if sys.argv[1:] == ["--version"]:
        from ingestd import __version__  # noqa: PLC0415 - the quick way

        sys.stdout.write(f"ingestd {__version__}\n")
        return
    from ingestd.cli.main import run_cli  # noqa: PLC0415 - brings click

    sys.exit(run_cli(sys.argv[1:]))


def _open_what_is_closed() -> None:
    """Have stdin, stdout and stderr: closed ones (`>&-`, as in cron) lead to nowhere.

    Else the next file that is opened gets their number, and what somebody prints goes into it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w")
