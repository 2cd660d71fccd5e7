"""Journal and far side compared: only here, only there, there twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ingestd.journal import Selection
from ingestd.model import Scope
from ingestd.naming import token_of
from ingestd.reconcile.library import LibraryError, walk
from ingestd.remote.contract import Failed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingestd.journal import JournalReader
    from ingestd.model import Item, Video
    from ingestd.remote.contract import FarSide


@dataclass(frozen=True, slots=True)
class There:
    """A video at the far side."""

    video: Video
    scope: str
    ours: bool  # named as we name uploads


@dataclass(slots=True)
class Audit:
    """What the comparison brought."""

    scopes: tuple[str, ...]
    there: int = 0  # videos that were read
    known: int = 0  # of these, those that the journal knows
    only_here: list[Item] = field(default_factory=list)
    only_there: list[There] = field(default_factory=list)
    twice: list[list[There]] = field(default_factory=list)
    other_accounts: int = 0  # rows of accounts that were in use before: not compared

    @property
    def equal(self) -> bool:
        """Tell whether nothing differs."""
        return not (self.only_here or self.only_there or self.twice)


def compare(
    journal: JournalReader,
    far: FarSide,
    scopes: Iterable[Scope],
    *,
    began: float,
    everything: bool,
) -> Audit:
    """Compare the journal with what the far side lists.

    Args:
        journal: what is known here.
        far: the far side.
        scopes: where to look.
        began: wall-clock time before the first page; what was uploaded later is not missed.
        everything: name also videos that are not named as ours.

    Raises:
        LibraryError: the far side did not answer.
    """
    wanted = tuple(scopes)
    audit = Audit(tuple(map(str, wanted)))
    numbers: set[str] = set()
    named: dict[tuple[str, str, int], list[There]] = {}
    for scope in wanted:
        for video in walk(far, scope):
            if video.video_no in numbers:
                continue
            numbers.add(video.video_no)
            token = token_of(unquote(video.name or ""))
            one = There(video, str(scope), ours=token is not None)
            audit.there += 1
            if journal.knows_video(video.video_no):
                audit.known += 1
            elif one.ours or everything:
                audit.only_there.append(one)
            if token is not None and video.size is not None:
                named.setdefault((str(scope), token, video.size), []).append(one)
    audit.twice = [group for group in named.values() if len(group) > 1]
    audit.only_here = list(_only_here(journal, far, numbers, audit, began))
    return audit


def _only_here(
    journal: JournalReader, far: FarSide, numbers: set[str], audit: Audit, began: float
) -> Iterator[Item]:
    for item in journal.items(Selection(hidden=True)):  # of every state: skipped ones are paid, too
        number = item.video_no
        if number is None or number in numbers or (item.uploaded_at or 0.0) >= began:
            continue
        if item.account != journal.account:
            audit.other_accounts += 1
        elif not _is_there(far, item, number):
            yield item


def _is_there(far: FarSide, item: Item, number: str) -> bool:
    """Ask for one that no list showed: a list may lag, or the row is in a scope of its own."""
    video = far.metadata(number, Scope.parse(item.scope or ""))
    if isinstance(video, Failed):
        raise LibraryError(
            f"memories.ai did not answer about {number} ({video.trouble.text.rstrip('.')}): "
            "nothing was concluded. Try again later."
        )
    return video is not None
