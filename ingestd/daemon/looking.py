"""What is looked at when a file has settled: one job in a worker, before anything is paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.daemon.messages import Probed
from ingestd.probe import probe
from ingestd.watch.cameras import proxy_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.settle import Candidate


def look_into(candidate: Candidate, open_file: Callable[[], int], *, proxies: bool) -> Probed:
    """Look at a settled file, and at what lies beside it.

    Args:
        candidate: the file.
        open_file: opens it.
        proxies: whether a camera's proxy is to be told from a clip.
    """
    proxy = proxy_of(candidate.path) if proxies else ""
    return Probed(candidate, probe(open_file), proxy)
