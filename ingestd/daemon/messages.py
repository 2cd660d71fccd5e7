"""What workers, watchers and commands tell the loop.

Named tuples, because each start defines them all: a frozen dataclass takes six times as long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ingestd.watch.hints import OFF

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestd.afterwards.order import Result
    from ingestd.checksums.around import Around
    from ingestd.checksums.verdict import Checked
    from ingestd.config import ApiKey
    from ingestd.daemon.assurance.mirrorcheck import OpenMirror
    from ingestd.follow import Poll
    from ingestd.model import Facts, Stat, Video
    from ingestd.probe import ProbeTrouble
    from ingestd.remote.contract import Outcome, Trouble
    from ingestd.settle import Candidate
    from ingestd.watch.entries import Entry, Listing, RootState, ScanReport
    from ingestd.watch.hints import HintState
    from ingestd.watch.mounts import MountTable
    from ingestd.watch.volumes import Volume


class Hint(NamedTuple):
    """Something happened at a path below a watched root."""

    root: str
    path: str


class HintsLost(NamedTuple):
    """Events were lost, or have ended; None: of all folders."""

    root: str | None
    why: str = ""  # a sentence, where they have ended


class Place(NamedTuple):
    """How a folder lies, found out by its worker before a pass.

    Attributes:
        state: what the guard says of the root; only one that is in order is scanned.
        detail: a sentence with the remedy; "" when all is well.
        volume: the file system at its path; None: it could not be opened.
        device: `st_dev` of the root, which holds until the next mount.
        identity: device and inode of the root: which directory it is, whatever its path.
        real: its path without links.
        parts: where other file systems are mounted inside; they are looked at on their own.
        mode: "events" or "poll".
        hints: whether events come, and why not where they should.
        set_up: whether somebody was set to watch for events, with or without success.
    """

    state: RootState
    detail: str = ""
    volume: Volume | None = None
    device: int | None = None
    identity: tuple[int, int] | None = None
    real: str = ""
    parts: frozenset[str] = frozenset()
    mode: str = ""
    hints: HintState = OFF
    set_up: bool = False

    def watched(self, mode: str, hints: HintState, *, set_up: bool) -> Place:
        """The same place, and how it is watched."""
        return self._replace(mode=mode, hints=hints, set_up=set_up)


class RootSeen(NamedTuple):
    """Which directory a folder's path leads to, found out by its lane at a start or a reload."""

    root: str
    identity: tuple[int, int] | None  # device and inode; None: it is not there


class ScanBegun(NamedTuple):
    """A pass over a folder begins, or ends at once where its root is not in order."""

    folder: str
    place: Place


class MountsChanged(NamedTuple):
    """Something was mounted or unmounted somewhere."""

    table: MountTable


class Listed(NamedTuple):
    """A piece of a directory, from a scan."""

    folder: str
    listing: Listing


class ScanEnded(NamedTuple):
    """A pass over a folder is over."""

    folder: str
    report: ScanReport


class LookedAt(NamedTuple):
    """The answer to a targeted look; what is not ours by name has no entry."""

    folder: str
    asked: tuple[str, ...]
    entries: tuple[Entry, ...] | None  # None: the root is not what it was; nothing was looked at


class OldPathSeen(NamedTuple):
    """What lies at the path under which a file was known that showed up under another one."""

    path: str  # the new one
    stat: Stat | None  # None: nothing, or it could not be read
    error: str = ""


class Probed(NamedTuple):
    """A settled file was looked into."""

    candidate: Candidate
    result: Facts | ProbeTrouble
    proxy: str = ""  # why it is a camera's proxy, a sentence; "": it is none
    writer: str = ""  # the program that still has it open for writing
    checked: Checked | None = None  # what its checksum list says; None: it was not asked
    whole: str | None = None  # blake3, if it was read whole to tell whether it is the same content

    @property
    def content_hash(self) -> str | None:
        """The blake3 of the file, if it was read whole for whatever reason."""
        return self.whole or (self.checked.content_hash if self.checked else None)


class CardLooked(NamedTuple):
    """A card was looked at for markers and checksum lists."""

    card: str
    around: Around


class FoundByHand(NamedTuple):
    """What lies at paths that a person asked to add."""

    wish: int
    entries: tuple[Entry, ...]
    folder: str | None
    pay_again: bool
    refused: tuple[tuple[str, str], ...]  # path and why


class Hashed(NamedTuple):
    """A file was read in full, or could not be."""

    item_id: int
    stat: Stat | None  # None: it could not be read
    digest: str | None  # None with a stat: it is no longer the file that was judged


class Prepared(NamedTuple):
    """The far side was asked before an upload (rules R2, preflight)."""

    item_id: int
    trouble: Trouble | None = None
    watermark: float | None = None
    watermark_read: bool = False
    seen: tuple[Video, ...] = ()  # rows with the upload's name
    newest: tuple[Video, ...] | None = None  # the scope's first page, where it was read whole


class MarkWanted(NamedTuple):
    """An upload is about to hand on its last bytes and asks for the mark (rules R1)."""

    send_id: int
    content_hash: str  # blake3 of the bytes as they were sent
    answer: Callable[[bool], None]


class UploadEnded(NamedTuple):
    """An attempt is over."""

    item_id: int
    send_id: int
    outcome: Outcome
    sent: int


class Polled(NamedTuple):
    """The far side was asked about rows that are being indexed."""

    poll: Poll
    videos: Mapping[str, Video]  # by number; one that is absent is not shown (yet)
    trouble: Trouble | None


class LookEnded(NamedTuple):
    """The far side was searched for an upload whose answer was lost."""

    item_id: int
    send_id: int
    videos: tuple[Video, ...]
    trouble: Trouble | None
    elsewhere: frozenset[str] = frozenset()  # those that only a walk without scope showed


class Tidied(NamedTuple):
    """An after-action ended (interface 4, `after_*`)."""

    item_id: int
    folder: str
    result: Result


class TroubleTold(NamedTuple):
    """The command of `on_trouble` was run."""

    kind: str
    failed: str  # why a person may not have been told; "": they were
    output: str = ""  # what the command said, cut short


class MirrorChecked(NamedTuple):
    """The mirror was opened and compared with the journal, or cannot be."""

    checked: OpenMirror | None
    trouble: str
    full: bool = False  # for want of room
    directory: str = ""  # which was looked into; "": the one that is configured


class MirrorTrouble(NamedTuple):
    """A worker could not write to the mirror."""

    text: str
    full: bool = False  # for want of room
    lost: bool = False  # a fact is missing there that the journal will know


class FirstPage(NamedTuple):
    """The newest videos of a scope, read at a start."""

    scope: str
    videos: tuple[Video, ...]
    trouble: Trouble | None = None


class AccountAsked(NamedTuple):
    """Whether the key's account knows videos that we know."""

    known_in: int | None  # the number of the account whose videos it knows; None: of none
    asked: tuple[str, ...]  # video numbers
    trouble: Trouble | None = None


class Asked(NamedTuple):
    """A command asks; `answer` must be called once."""

    request: Mapping[str, object]
    answer: Callable[[Mapping[str, object]], None]


class KeyRead(NamedTuple):
    """The file of the key was read again; None: it holds none now."""

    key: ApiKey | None


class JobBroke(NamedTuple):
    """A worker's job raised: a bug, which must stop nothing else."""

    lane: str
    error: str
    instead: Message | None  # what the job would have said had it merely failed


Message = (
    Hint
    | HintsLost
    | MountsChanged
    | RootSeen
    | ScanBegun
    | Listed
    | ScanEnded
    | LookedAt
    | OldPathSeen
    | Probed
    | CardLooked
    | FoundByHand
    | Hashed
    | Prepared
    | MarkWanted
    | UploadEnded
    | Polled
    | LookEnded
    | Tidied
    | TroubleTold
    | MirrorChecked
    | MirrorTrouble
    | FirstPage
    | AccountAsked
    | Asked
    | KeyRead
    | JobBroke
)
