"""What mirror and far side prove that the journal does not know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from ingestd.journal import DamagedRowError, Found
from ingestd.mirror import Ended, Intent, Paid, Reading, Result, Skipped
from ingestd.model import State
from ingestd.naming import token_of
from ingestd.reconcile.library import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ingestd.journal import JournalReader
    from ingestd.mirror import Fact
    from ingestd.model import Scope, Video
    from ingestd.remote.contract import FarSide


#: A row of a skipped content in one of these is skipped, too.
SKIPPED_SO: Final = frozenset({State.QUEUED, State.HELD})


@dataclass(slots=True)
class Evidence:
    """All of it; facts of the mirror are counted here and read again when they are restored."""

    mirror: Path | None = None
    end: int = 0  # the mirror was read up to here
    damaged: int = 0  # lines of the mirror that could not be read
    videos: set[str] = field(default_factory=set)  # in the mirror, unknown to the journal
    scopes: set[str] = field(default_factory=set)  # of the mirror's attempts
    open: dict[str, Intent] = field(default_factory=dict)  # attempts without an end
    #: Attempts that the journal, a copy made meanwhile, has as not marked yet.
    unmarked: dict[str, Intent] = field(default_factory=dict)
    resolved: dict[str, str] = field(default_factory=dict)  # of these: the video, by key
    #: Contents that a person skipped, and the journal has not so; by size, sample, and full hash
    #: or path: a sample alone is no content.
    skipped: dict[tuple[int, str, str], Skipped] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)  # at the far side alone
    seen: int = 0  # videos of the mirror that the far side showed
    there: int = 0  # videos at the far side
    nameless: int = 0  # of these, unknown ones whose names are not ours: nobody can tell
    walked: bool = False

    @property
    def unknown(self) -> int:
        """Attempts that memories.ai will be asked about."""
        return len(self.open) - len(self.resolved) + len(self.unmarked)


def read_mirror(evidence: Evidence, path: Path, journal: JournalReader | None) -> None:
    """Read what the mirror knows; `journal` None: there is none, or none that can be read."""
    reading = Reading(path)
    evidence.mirror = path
    for line in reading:
        _read(evidence, line.fact, journal)
    evidence.end, evidence.damaged = reading.end, reading.damaged
    if journal is not None:
        for key, intent in list(evidence.open.items()):
            if (send := journal.send_of_key(key)) is not None:
                del evidence.open[key]  # the journal asks about it itself, if it knows the mark
                if send.marked_at is None:
                    evidence.unmarked[key] = intent
        decided = [one for one in evidence.skipped if _is_decided(journal, *one[:2])]
        for content in decided:
            del evidence.skipped[content]


def _read(evidence: Evidence, fact: Fact, journal: JournalReader | None) -> None:
    match fact:
        case Intent():
            evidence.open[fact.key] = fact
            evidence.scopes.add(fact.scope)
            return
        case Ended() | Result():
            evidence.open.pop(fact.key, None)
        case Paid():
            evidence.scopes.add(fact.scope)
        case Skipped(wanted=True):
            for known in (fact.content_hash or "", fact.path):
                evidence.skipped.pop((fact.size, fact.sample, known), None)
        case Skipped():
            evidence.skipped[fact.size, fact.sample, fact.content_hash or fact.path] = fact
    if isinstance(fact, Result | Paid) and not (journal and journal.knows_video(fact.video_no)):
        evidence.videos.add(fact.video_no)


def _is_decided(journal: JournalReader, size: int, sample: str) -> bool:
    """Tell whether the journal has more of a skipped content than a file that waits, or nothing."""
    try:
        rows = journal.same_content(size, sample)
    except DamagedRowError:
        return True
    return any(row.state not in SKIPPED_SO for row in rows) or (
        not rows and journal.ever_saw(size, sample)
    )


def paid_facts(path: Path) -> Iterator[tuple[Fact, Intent | None]]:
    """Each paid fact of a mirror, with the attempt that it is the result of."""
    intents: dict[str, Intent] = {}
    for line in Reading(path):
        match line.fact:
            case Intent():
                intents[line.fact.key] = line.fact
            case Result():  # also after an `Ended`: what was given up was found after all
                yield line.fact, intents.pop(line.fact.key, None)
            case Paid():
                yield line.fact, None


def read_library(
    evidence: Evidence,
    far: FarSide,
    scopes: Iterable[Scope],
    journal: JournalReader | None,
    account: int,
) -> None:
    """Read what the far side has of ours.

    Raises:
        LibraryError: it did not answer.
    """
    seen: set[str] = set()
    for scope in scopes:
        for video in walk(far, scope):
            if video.video_no in seen:
                continue
            seen.add(video.video_no)
            evidence.there += 1
            if video.video_no in evidence.videos:
                evidence.seen += 1
            elif journal is None or not journal.knows_video(video.video_no):
                _take(evidence, video, str(scope), account)
    evidence.walked = True


def _take(evidence: Evidence, video: Video, scope: str, account: int) -> None:
    name = unquote(video.name or "")
    token = token_of(name)
    if token is None:
        evidence.nameless += 1
        return
    its = {
        key: intent
        for key, intent in evidence.open.items()
        if key not in evidence.resolved and _is_of(video, token, scope, intent)
    }
    if its:
        if len({intent.content_hash for intent in its.values()}) == 1:
            evidence.resolved[next(iter(its))] = video.video_no
        return  # of contents that look the same nobody can tell whose it is: their rows are asked
    evidence.found.append(
        Found(video.video_no, name, token, video.size, scope, account, video.create_time)
    )


def _is_of(video: Video, token: str, scope: str, intent: Intent) -> bool:
    """Token and size prove it (rules R2), in its scope, and not before it was sent."""
    since = intent.watermark
    late = since is None or video.create_time is None or video.create_time >= since
    same = (token, video.size, scope) == (token_of(intent.name), intent.size, intent.scope)
    return same and late
