"""The invariants of the soak notice every planted fault: else they would prove nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from soak.planted import FAULTS

MOST = 240  # schedules for one fault; each is noticed by far fewer


@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_rule_is_noticed(name: str):
    done = subprocess.run(
        [sys.executable, "-m", "soak", "--planted", name, "--most", str(MOST)],
        cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONHASHSEED": "0"},  # the same schedules each time
        capture_output=True,
        text=True,
        timeout=115,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_enough_rules_are_broken():
    assert len(FAULTS) >= 20
