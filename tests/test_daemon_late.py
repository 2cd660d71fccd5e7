"""What a start does not need is taken in once the service is ready, and not before."""

from __future__ import annotations

import subprocess
import sys

from ingestd.daemon import late

_STARTED = """
import sys
import ingestd.cli.main, ingestd.cli.run, ingestd.daemon
from ingestd.daemon import late
print(*(name for name in (*late.MODULES, "httpx") if name in sys.modules))
late.take_in().join()
print(*(name for name in (*late.MODULES, "httpx") if name not in sys.modules))
"""


def test_what_a_start_does_not_need_comes_later_and_all_at_once():
    command = [sys.executable, "-c", _STARTED]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told.split("\n") == ["", "", ""]


def test_it_is_taken_in_once():
    assert late.take_in() is late.take_in()
