"""The command line: prints, sets up logging, turns errors into exit codes (interface 3)."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command that the arguments name; `--version` alone loads nothing else."""
    if sys.argv[1:] == ["--version"]:
        from ingestd import __version__  # noqa: PLC0415 - the quick way

        sys.stdout.write(f"ingestd {__version__}\n")
        return
    from ingestd.cli.main import run_cli  # noqa: PLC0415 - brings click

    sys.exit(run_cli(sys.argv[1:]))
