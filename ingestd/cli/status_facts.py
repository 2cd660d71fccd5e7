"""Gathers what the status report is made of: journal, running daemon, configuration."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ingestd import __version__
from ingestd.cli import live, servicewords, words
from ingestd.cli.status_offline import last_known, look_at
from ingestd.cli.status_values import Facts, Place
from ingestd.journal import JournalReader, Selection, Tally
from ingestd.model import Reason, State
from ingestd.watch.entries import RootState
from ingestd.watch.mounts import mode_for, read_mounts

if TYPE_CHECKING:
    from ingestd.cli.session import Session
    from ingestd.cli.snapshot import Snapshot
    from ingestd.cli.status_offline import Keys
    from ingestd.config import Folder
    from ingestd.model import Gate

#: So many of the newest rejected rows are asked for the codec they hold.
CODEC_ROWS = 50
#: A subtree with more files is not searched for files without a row.
MOST_FILES = 20_000
#: So many codecs are named on the screen.
CODECS = 3
#: States whose reasons are told apart.
_WITH_REASONS = {
    State.HELD: (
        Reason.SURGE,
        Reason.FIRST_LOOK,
        Reason.OVERSIZE,
        Reason.UNCONFIRMED,
        Reason.OTHER_SCOPE,
        Reason.FOREIGN_DISK,
        Reason.NO_CHECKSUM_LIST,
    ),
    State.REJECTED: (
        Reason.EXTENSION,
        Reason.EMPTY,
        Reason.TOO_LARGE,
        Reason.MIME,
        Reason.CODEC,
        Reason.INCOMPLETE,
        Reason.UNREADABLE,
        Reason.NOT_REGULAR,
        Reason.OUTSIDE_ROOT,
        Reason.PROXY,
        Reason.CHECKSUM,
    ),
    State.FAILED: (
        Reason.REFUSED,
        Reason.INDEXING_FAILED,
        Reason.INDEXING_DEADLINE,
        Reason.ATTEMPTS_EXHAUSTED,
    ),
}


def gather(
    session: Session, reader: JournalReader, under: str | None = None, keys: Keys | None = None
) -> Facts:
    """Gather the facts for the whole, or for one path and what lies below it.

    Args:
        session: the configuration in force.
        reader: the journal.
        under: the path.
        keys: what the next daemon would find (`next_keys`).
    """
    settings = session.settings
    now = time.time()
    daemon = live.look(session.state_dir)
    folders = settings.folders if under is None else _concerned(settings.folders, under)
    last = None if daemon.snapshot else last_known(reader, {} if daemon.running else keys or {})
    tallies = reader.tallies() if under is None else tuple(_below(reader, folders, under))
    return Facts(
        version=__version__,
        now=now,
        config=str(session.config) if session.config else None,
        state_dir=str(session.state_dir),
        start=servicewords.start(session.state_dir),
        base_url=settings.api.base_url,
        per_minute=settings.upload.per_minute,
        budget=settings.budget,
        places=_places(session, folders, daemon.snapshot or last),
        running=daemon.running,
        pid=daemon.pid,
        since=daemon.since,
        live=daemon.snapshot,
        last=last,
        tallies=tallies,
        gates=closed_gates(reader, daemon.snapshot),
        usage=reader.usage(words.day(now)[:8] + "01"),
        refused_codecs=_codecs(reader, tallies, under),
        after=reader.after_totals(),
        under=under,
        unseen=None if under is None else _unseen(session, reader, under),
    )


def closed_gates(reader: JournalReader, live: Snapshot | None) -> tuple[Gate, ...]:
    """The closed gates; a running daemon knows also of one that it could not write down."""
    written = reader.gates()
    names = {gate.name for gate in written}
    unwritten = live.gates if live else ()
    return (*written, *(gate for gate in unwritten if gate.name not in names))


def _places(
    session: Session, folders: tuple[Folder, ...], known: Snapshot | None
) -> tuple[Place, ...]:
    """How each folder lies, by the mount table and what is known already.

    Only what nobody has looked at yet is looked at here: a dead share must not hold up `status`.
    """
    mounts, told = read_mounts(), {one.name: one.path for one in known.folders} if known else {}
    unknown = [one for one in folders if told.get(one.name) != str(one.path)]
    looks = look_at([str(one.path) for one in unknown], session.state_dir)
    places = []
    for folder in folders:
        mount = mounts.of(str(folder.path))
        mode = mode_for(mount.fstype, str(folder.mode)).value if mount else None
        fstype = mount.fstype if mount else None
        state, detail = looks.get(str(folder.path), (RootState.OK, None))
        places.append(Place(folder.name, str(folder.path), mode, fstype, state, detail))
    return tuple(places)


def _concerned(folders: tuple[Folder, ...], under: str) -> tuple[Folder, ...]:
    """The folder that the path lies in, and the folders that lie below it."""
    below = tuple(one for one in folders if _lies_in(str(one.path), under))
    around = [one for one in folders if _lies_in(under, str(one.path)) and one not in below]
    deepest = max(around, key=lambda one: len(str(one.path)), default=None)
    return ((deepest,) if deepest else ()) + below


def _lies_in(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _below(reader: JournalReader, folders: tuple[Folder, ...], under: str) -> list[Tally]:
    """Tally a subtree; folders that lie in it whole are tallied in the journal already."""
    if not folders:
        return _tallies_of(reader, None, under)
    whole = {folder.name for folder in folders if _lies_in(str(folder.path), under)}
    parts = [folder.name for folder in folders if folder.name not in whole]
    ready = [tally for tally in reader.tallies() if tally.folder in whole]
    return ready + [tally for name in parts for tally in _tallies_of(reader, name, under)]


def _tallies_of(reader: JournalReader, folder: str | None, under: str) -> list[Tally]:
    """Tally one folder's rows of a subtree, with as few counts as there are states and reasons."""
    tallies = []
    for state in State:
        states = frozenset({state})
        for reason in _reasons(reader, state, Selection(states=states, folder=folder, under=under)):
            reasons = frozenset({reason}) if reason else frozenset()
            chosen = Selection(states=states, reasons=reasons, folder=folder, under=under)
            totals = reader.count(chosen)
            if totals.files:
                tallies.append(
                    Tally(folder, state, reason, totals.files, totals.bytes, totals.seconds)
                )
    return tallies


def _reasons(reader: JournalReader, state: State, whole: Selection) -> tuple[Reason | None, ...]:
    reasons = _WITH_REASONS.get(state)
    if reasons is None:
        return (None,)
    return reasons if reader.count(whole).files else ()


def _unseen(session: Session, reader: JournalReader, under: str) -> int | None:
    """How many videos lie there that no row is about: who erases a card must know of them."""
    from ingestd.cli.walk import Walked, walk  # noqa: PLC0415 - the scanner only for a subtree

    unseen = 0
    lying = walk(session.settings, (under,), Walked(), everything=True)
    for number, found in enumerate(lying):
        if number >= MOST_FILES:
            return None
        unseen += not found.ignored and reader.current(found.entry.path) is None
    return unseen


def _codecs(
    reader: JournalReader, tallies: tuple[Tally, ...], under: str | None
) -> tuple[str, ...]:
    if not any(tally.reason is Reason.CODEC for tally in tallies):
        return ()
    newest = Selection(
        states=frozenset({State.REJECTED}),
        reasons=frozenset({Reason.CODEC}),
        under=under,
        limit=CODEC_ROWS,
        newest=True,
    )
    found = dict.fromkeys(item.codec for item in reader.items(newest) if item.codec)
    return tuple(sorted(found))[:CODECS]
