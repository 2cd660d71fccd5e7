"""What is looked at when a file has settled: one job in a worker, before anything is paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.checksums.checking import check
from ingestd.checksums.lists import ListReader
from ingestd.checksums.verdict import Checked, Verdict
from ingestd.daemon.asking.jobs import hash_file
from ingestd.daemon.messages import Probed
from ingestd.model import Facts
from ingestd.probe import ProbeTrouble, TroubleKind, probe, trouble_of
from ingestd.watch.cameras import proxy_of
from ingestd.watch.writers import Writers

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from ingestd.checksums.root import Root
    from ingestd.settle import Candidate

#: The lists that were read last; shared by all lanes.
LISTS = ListReader()
WRITERS = Writers()


def look_into(
    candidate: Candidate,
    open_file: Callable[[], int],
    *,
    proxies: bool,
    listed_below: Root | None = None,
) -> Probed:
    """Look at a settled file, and at what lies beside it.

    Args:
        candidate: the file.
        open_file: opens it.
        proxies: whether a camera's proxy is to be told from a clip.
        listed_below: the watched folder in which its checksum list lies; None: it needs none.
    """
    proxy = proxy_of(candidate.path) if proxies else ""
    writer = WRITERS.of(candidate.path)
    result = probe(open_file)
    if writer:
        return Probed(candidate, result, proxy, writer)
    if listed_below is None or proxy or not isinstance(result, Facts):
        return Probed(candidate, result, proxy)
    if not (result.regular and result.findings.complete):
        return Probed(candidate, result, proxy)
    try:
        checked = check(LISTS, candidate.path, listed_below, open_file)
    except OSError as error:
        return Probed(candidate, trouble_of(error))
    if checked.stat is not None and not checked.stat.same_content_as(result.stat):
        checked = Checked(Verdict.SHORT, "It changed while it was compared with its list.")
    return Probed(candidate, result, proxy, checked=checked)


def read_whole(
    told: Probed, facts: Facts, open_file: Callable[[], int], stop: threading.Event
) -> Probed:
    """Read a file that was looked into whole, to tell whether it holds what its row knows (R4).

    Args:
        told: what the look said.
        facts: the same as values.
        open_file: opens it.
        stop: ends the reading.
    """
    found = hash_file(0, facts.stat, open_file, stop)
    if found.digest is not None:
        return told._replace(whole=found.digest)
    kind = TroubleKind.UNREADABLE if found.stat is None else TroubleKind.CHANGED
    return Probed(told.candidate, ProbeTrouble(kind, "It could not be read to its end."))
