"""The folders of the status screen: a table whose lines may have notes below them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.cli import words
from ingestd.cli.spans import Line, Span, Tone, line
from ingestd.model import Reason, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ingestd.cli.status_values import FolderReport, Group, Report
    from ingestd.journal import AfterTotals

_TITLES = (
    "FOLDER",
    "WATCHED",
    "LOOKED",
    "SEARCHABLE",
    "INDEXING",
    "IN LINE",
    "HELD",
    "PROBLEMS",
    "IGNORED",
)
#: Columns of numbers, which stand to the right.
_NUMBERS = range(3, 8)
_GAP = "  "
_NOTHING = "-"
#: So many kinds of ignored names are told apart.
_KINDS = 3
_JUNK = "junk"

_HELD_WORDS = {
    Reason.FIRST_LOOK: "at first look",
    Reason.SURGE: "by the surge brake",
    Reason.OVERSIZE: "for their size",
    Reason.OTHER_SCOPE: "already paid in another scope",
    Reason.FOREIGN_DISK: "from a disk that was not there before",
    Reason.NO_CHECKSUM_LIST: "without their checksum list",
}
_TROUBLES = {"foreign": "ANOTHER DISK", "hung": "NOT ANSWERING"}


def folder_table(report: Report) -> list[Line]:
    """Draw the table with the notes of each folder below its line."""
    rows = [_cells(folder, report.now) for folder in report.folders]
    widths = [max(len(row[i]) for row in [_TITLES, *rows]) for i in range(len(_TITLES))]
    lines = [line(Span(_aligned(_TITLES, widths), Tone.TITLE))]
    for folder, row in zip(report.folders, rows, strict=True):
        lines.append(line(_aligned(row, widths)))
        lines += _notes(folder, report)
    return lines


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(
        cell.rjust(width) if i in _NUMBERS else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ).rstrip()


def _cells(folder: FolderReport, now: float) -> tuple[str, ...]:
    live = folder.live
    watched = " ".join(filter(None, (live.mode, live.filesystem))) or _NOTHING
    numbers = (
        folder.searchable,
        folder.indexing,
        folder.in_line,
        folder.counts[State.HELD],
        folder.problems,
    )
    return (
        _name(folder),
        watched,
        _looked(folder, now),
        *(words.number(one) for one in numbers),
        _NOTHING if folder.part or live.last_scan_at is None else _ignored(live.ignored_by),
    )


def _looked(folder: FolderReport, now: float) -> str:
    """When it was last scanned: by its age while all is well, else by the clock."""
    at = folder.live.last_scan_at
    if at is None:
        return _NOTHING
    return words.moment(at, now) if folder.troubled else words.ago(at, now)


def _name(folder: FolderReport) -> str:
    if folder.name is None:
        return "(by hand)"
    name = words.printable(folder.name)
    return name if folder.configured else f"({name})"


def _ignored(kinds: Mapping[str, int]) -> str:
    """The number and its largest kinds; junk alone needs no words."""
    total = words.number(sum(kinds.values()))
    told = sorted((kind for kind in kinds if kinds[kind]), key=lambda kind: -kinds[kind])
    if told in ([], [_JUNK]):
        return total
    if len(told) == 1:
        return f"{total} ({words.printable(told[0])})"
    shown = [f"{words.printable(kind)} {words.number(kinds[kind])}" for kind in told[:_KINDS]]
    rest = sum(kinds[kind] for kind in told[_KINDS:])
    if rest:
        shown.append(f"other {words.number(rest)}")
    return f"{total} ({', '.join(shown)})"


def _notes(folder: FolderReport, report: Report) -> Iterable[Line]:
    live = folder.live
    if folder.troubled:
        word = _TROUBLES.get(live.state or "", (live.state or "").upper())
        since = f" since {words.moment(live.since, report.now)}" if live.since else ""
        yield _note(f"{word}{since}: {words.printable(live.detail or '')}", Tone.BAD)
    elif live.detail:
        yield _note(words.printable(live.detail), Tone.WAIT)
    if (live.quiet_s or 0.0) > (live.settle_s or 0.0):
        yield _note(
            f"files must be quiet for {live.quiet_s:.0f} s instead of {live.settle_s or 0.0:.0f}: "
            "one grew again after a pause",
            Tone.WAIT,
        )
    if not folder.configured and folder.name is not None:
        yield _note(
            "no longer in the configuration: nothing of it is uploaded, what was uploaded is "
            "followed to its end.",
            Tone.WAIT,
        )
    if folder.after is not None and folder.after.troubled:
        yield _note(_not_tidied(folder.after), Tone.WAIT)
    for group in folder.held:
        yield _note(_held(group, folder, report), Tone.WAIT)


def _note(text: str, tone: Tone) -> Line:
    return line(Span(f"  ! {text}", tone))


def _not_tidied(after: AfterTotals) -> str:
    files = words.count(after.troubled, "file waits", "files wait")
    return f"{files} for its after-action: {words.printable(after.trouble or '')}"


def _held(group: Group, folder: FolderReport, report: Report) -> str:
    where = f" --folder {folder.name}" if folder.name else ""
    if group.reason is Reason.UNCONFIRMED:
        uploads = words.count(group.files, "upload")
        return (
            f"HELD: {uploads} whose answer was lost, perhaps paid for. Look for them at "
            f"memories.ai.   ingestd list --state held --reason unconfirmed{where}"
        )
    how = _HELD_WORDS.get(group.reason) if group.reason else None
    price = report.price(group.seconds)
    path = words.printable(folder.live.path or "")
    return (
        f"HELD {how or 'for you'}: {words.size(group.bytes)}, {price}.   "
        f"ingestd plan {path}, then: ingestd approve | skip{where}"
    )
