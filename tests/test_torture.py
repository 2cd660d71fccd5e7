"""A few real kills; `make torture` and CI do more (docs/reliability.md)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_daemon_that_is_killed_again_and_again_loses_nothing_and_pays_nothing_twice():
    done = subprocess.run(
        [sys.executable, "-m", "torture", "--kills", "4", "--lanes", "1", "--seed", "15"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=115,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 kills" in done.stdout
