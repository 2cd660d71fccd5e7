"""A few schedules of the simulated soak; `make soak` and CI run many (docs/reliability.md)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def soak(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "soak", *args],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_nothing_is_lost_or_paid_twice_in_schedules_of_every_theme():
    done = soak("--seeds", "72", "--from", "200", "--jobs", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "72 schedules" in done.stdout


def test_a_seed_is_the_same_schedule_each_time():
    first, second = soak("--show", "241"), soak("--show", "241")
    assert first.stdout == second.stdout
    assert first.returncode == 0
