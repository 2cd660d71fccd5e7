"""What workers, watchers and commands tell the loop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ingestd.watch.hints import OFF

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestd.afterwards import Result
    from ingestd.checksums import Around, Checked
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


@dataclass(frozen=True, slots=True)
class Hint:
    """Something happened at a path below a watched root."""

    root: str
    path: str


@dataclass(frozen=True, slots=True)
class HintsLost:
    """Events were lost, or have ended; None: of all folders."""

    root: str | None
    why: str = ""  # a sentence, where they have ended


@dataclass(frozen=True, slots=True)
class Place:
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
        return replace(self, mode=mode, hints=hints, set_up=set_up)


@dataclass(frozen=True, slots=True)
class RootSeen:
    """Which directory a folder's path leads to, found out by its lane at a start or a reload."""

    root: str
    identity: tuple[int, int] | None  # device and inode; None: it is not there


@dataclass(frozen=True, slots=True)
class ScanBegun:
    """A pass over a folder begins, or ends at once where its root is not in order."""

    folder: str
    place: Place


@dataclass(frozen=True, slots=True)
class MountsChanged:
    """Something was mounted or unmounted somewhere."""

    table: MountTable


@dataclass(frozen=True, slots=True)
class Listed:
    """A piece of a directory, from a scan."""

    folder: str
    listing: Listing


@dataclass(frozen=True, slots=True)
class ScanEnded:
    """A pass over a folder is over."""

    folder: str
    report: ScanReport


@dataclass(frozen=True, slots=True)
class LookedAt:
    """The answer to a targeted look; what is not ours by name has no entry."""

    folder: str
    asked: tuple[str, ...]
    entries: tuple[Entry, ...] | None  # None: the root is not what it was; nothing was looked at


@dataclass(frozen=True, slots=True)
class OldPathSeen:
    """What lies at the path under which a file was known that showed up under another one."""

    path: str  # the new one
    stat: Stat | None  # None: nothing, or it could not be read
    error: str = ""


@dataclass(frozen=True, slots=True)
class Probed:
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


@dataclass(frozen=True, slots=True)
class CardLooked:
    """A card was looked at for markers and checksum lists."""

    card: str
    around: Around


@dataclass(frozen=True, slots=True)
class FoundByHand:
    """What lies at paths that a person asked to add."""

    wish: int
    entries: tuple[Entry, ...]
    folder: str | None
    pay_again: bool
    refused: tuple[tuple[str, str], ...]  # path and why


@dataclass(frozen=True, slots=True)
class Hashed:
    """A file was read in full, or could not be."""

    item_id: int
    stat: Stat | None  # None: it could not be read
    digest: str | None  # None with a stat: it is no longer the file that was judged


@dataclass(frozen=True, slots=True)
class Prepared:
    """The far side was asked before an upload (rules R2, preflight)."""

    item_id: int
    trouble: Trouble | None = None
    watermark: float | None = None
    watermark_read: bool = False
    seen: tuple[Video, ...] = ()  # rows with the upload's name
    newest: tuple[Video, ...] | None = None  # the scope's first page, where it was read whole


@dataclass(frozen=True, slots=True)
class MarkWanted:
    """An upload is about to hand on its last bytes and asks for the mark (rules R1)."""

    send_id: int
    content_hash: str  # blake3 of the bytes as they were sent
    answer: Callable[[bool], None]


@dataclass(frozen=True, slots=True)
class UploadEnded:
    """An attempt is over."""

    item_id: int
    send_id: int
    outcome: Outcome
    sent: int


@dataclass(frozen=True, slots=True)
class Polled:
    """The far side was asked about rows that are being indexed."""

    poll: Poll
    videos: Mapping[str, Video]  # by number; one that is absent is not shown (yet)
    trouble: Trouble | None


@dataclass(frozen=True, slots=True)
class LookEnded:
    """The far side was searched for an upload whose answer was lost."""

    item_id: int
    send_id: int
    videos: tuple[Video, ...]
    trouble: Trouble | None
    elsewhere: frozenset[str] = frozenset()  # those that only a walk without scope showed


@dataclass(frozen=True, slots=True)
class Tidied:
    """An after-action ended (interface 4, `after_*`)."""

    item_id: int
    folder: str
    result: Result


@dataclass(frozen=True, slots=True)
class TroubleTold:
    """The command of `on_trouble` was run."""

    kind: str
    failed: str  # why a person may not have been told; "": they were
    output: str = ""  # what the command said, cut short


@dataclass(frozen=True, slots=True)
class MirrorChecked:
    """The mirror was opened and compared with the journal, or cannot be."""

    checked: OpenMirror | None
    trouble: str
    full: bool = False  # for want of room


@dataclass(frozen=True, slots=True)
class MirrorTrouble:
    """A worker could not write to the mirror."""

    text: str
    full: bool = False  # for want of room
    lost: bool = False  # a fact is missing there that the journal will know


@dataclass(frozen=True, slots=True)
class FirstPage:
    """The newest videos of a scope, read at a start."""

    scope: str
    videos: tuple[Video, ...]
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class AccountAsked:
    """Whether the key's account knows videos that we know."""

    known_in: int | None  # the number of the account whose videos it knows; None: of none
    asked: tuple[str, ...]  # video numbers
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A command asks; `answer` must be called once."""

    request: Mapping[str, object]
    answer: Callable[[Mapping[str, object]], None]


@dataclass(frozen=True, slots=True)
class KeyRead:
    """The file of the key was read again; None: it holds none now."""

    key: ApiKey | None


@dataclass(frozen=True, slots=True)
class JobBroke:
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
